use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::id::AgentId;
use roost_domain::integration::Integration;
use roost_domain::key::Scope;
use roost_domain::secret::Secret;
use roost_ports::integrations::Ask;
use roost_ports::store::{PendingAuthorization, Writer};
use sha2::{Digest as _, Sha256};

use super::{Connections, browser, check_complete, with_client_fields, within_quota};
use crate::agents::own;
use crate::integrations::{check_fields, check_scopes, parsed};
use crate::{Core, Ctx, Error, Kind};

/// How long a person has at the service.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How many answers an agent may wait for.
const MOST_PENDING: u64 = 50;

/// A connection to be made by OAuth.
#[derive(Debug, Clone)]
pub struct StartConnection {
    /// The service.
    pub integration: String,
    /// What is asked for; `None` is what the account's client asks for, or else the service's entry.
    pub scopes: Option<Vec<String>>,
    /// What the service's templates are filled with.
    pub fields: BTreeMap<String, String>,
}

/// Leave that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where a person says yes, with a browser.
    pub url: String,
    /// Until when the answer counts.
    pub expires_at: Timestamp,
}

impl Connections<'_> {
    /// Asks for leave: returns where a person says yes. The connection is made when they come back from there.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field, with the code `missing_field` or `needs_key`; `InvalidState` with
    /// the code `no_oauth_client`; `QuotaExceeded`.
    pub async fn start(&self, ctx: &Ctx, id: AgentId, start: StartConnection) -> Result<Started, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let name = parsed(&start.integration)?;
        check_scopes(start.scopes.as_deref().unwrap_or_default())?;
        check_fields(&start.fields)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let begin = move |writer: &mut dyn Writer| {
            let agent = own(writer, &ctx, id)?;
            let integration = core.integration(writer, agent.account, &name)?;
            let asked = Asked { scopes: start.scopes, fields: start.fields, in_browser: false };
            let (started, _) = core.begin_authorization(writer, &agent, &integration, asked, ctx.now)?;
            Ok(started)
        };
        self.0.ports.store.write(begin).await
    }
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) scopes: Option<Vec<String>>,
    pub(super) fields: BTreeMap<String, String>,
    /// Whether the answer has to come from the browser in which this begins.
    pub(super) in_browser: bool,
}

impl Core {
    /// Returns where a person says yes, and the state that comes back.
    pub(super) fn begin_authorization(
        &self,
        writer: &mut dyn Writer,
        agent: &Agent,
        integration: &Integration,
        asked: Asked,
        now: Timestamp,
    ) -> Result<(Started, String), Error> {
        let Some(oauth) = integration.oauth() else {
            let message =
                format!("{} has no OAuth; connect it with a key that a person brings", integration.title);
            return Err(Error::new(Kind::InvalidInput, "needs_key", message));
        };
        within_quota(writer, agent.id, integration)?;
        if writer.pending_authorizations(agent.id, now)? >= MOST_PENDING {
            let message = "too many answers of services are waited for; try again in a quarter of an hour";
            return Err(Error::new(Kind::QuotaExceeded, "too_many_pending", message));
        }
        let kept = writer.oauth_client(agent.account, &integration.name)?;
        let fields = with_client_fields(&asked.fields, kept.as_ref());
        let client = self.oauth_client(writer, agent.account, integration, &fields)?;
        let Some(client) = client else {
            return Err(no_client(integration));
        };
        check_complete(integration, &fields)?;
        let scopes = asked
            .scopes
            .or_else(|| kept.and_then(|client| client.scopes))
            .unwrap_or_else(|| oauth.scopes.clone());
        let state =
            if asked.in_browser { browser::bound_state(&self.unguessable()) } else { self.unguessable() };
        let verifier = oauth.pkce.then(|| Secret::new(self.unguessable()));
        let hash = state_hash(&state);
        let ask = Ask { scopes: &scopes, state: &state, verifier: verifier.as_ref() };
        let url = self.ports.integrations.authorization(&client, &ask);
        let url = url.map_err(|error| Error::new(Kind::InvalidInput, "missing_field", error.to_string()))?;
        let seal = |verifier: &Secret| self.ports.vault.seal(agent.account, &verifier_place(&hash), verifier);
        let pending = PendingAuthorization {
            state: hash,
            account: agent.account,
            agent: agent.id,
            integration: integration.name.clone(),
            verifier: verifier.as_ref().map(seal),
            scopes,
            fields,
            created_at: now,
            expires_at: now + PATIENCE,
            used_at: None,
        };
        writer.insert_authorization(&pending)?;
        Ok((Started { url, expires_at: pending.expires_at }, state))
    }

    /// Returns a text that nobody guesses: 32 random bytes.
    ///
    /// **Source:** RFC 7636, 4.1, for the verifier; RFC 6749, 10.10, for the state.
    fn unguessable(&self) -> String {
        let mut bytes = [0; 32];
        self.ports.random.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

pub(super) fn no_client(integration: &Integration) -> Error {
    let message = format!(
        "the account has no OAuth client at {title}; make one there and set it with PUT /v1/integrations/{name}/client",
        title = integration.title,
        name = integration.name
    );
    Error::new(Kind::InvalidState, "no_oauth_client", message)
}

/// Returns under what a state is kept: whoever reads the database learns no state that counts.
pub(super) fn state_hash(state: &str) -> [u8; 32] {
    Sha256::digest(state.as_bytes()).into()
}

pub(super) fn verifier_place(state: &[u8; 32]) -> String {
    let hex: String = state.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("authorization/{hex}")
}
