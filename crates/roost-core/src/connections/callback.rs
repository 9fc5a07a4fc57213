use jiff::Timestamp;
use roost_domain::connection::{Connection, CredentialKind, Status};
use roost_domain::id::{AgentId, ConnectionId};
use roost_domain::integration::Integration;
use roost_domain::secret::Secret;
use roost_ports::integrations::{Error as ServiceError, OAuthClient, Tokens};
use roost_ports::store::{ConnectionSecrets, PendingAuthorization, Writer};
use url::Url;

use super::browser::{is_bound, is_theirs};
use super::link::not_connected_yet;
use super::start::{no_client, state_hash, verifier_place};
use super::{Connections, access_place, note, refresh_place};
use crate::{Core, Error, Kind};

/// What a service sent a person back with.
pub struct Answer {
    /// What we sent them there with.
    pub state: Option<String>,
    /// What becomes a token.
    pub code: Option<Secret>,
    /// Why there is none.
    pub error: Option<String>,
    /// What the service says about it.
    pub error_description: Option<String>,
    /// Who the service says that it is.
    ///
    /// **Source:** RFC 9207.
    pub issuer: Option<String>,
    /// The browser's cookies, as its request has them.
    pub cookies: String,
}

/// A connection that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The service, as people call it.
    pub title: String,
    /// The agent's name.
    pub agent_name: String,
    /// The agent.
    pub agent: AgentId,
    /// The connection.
    pub connection: ConnectionId,
    /// Whether the agent lacks nothing now.
    pub ready: bool,
}

impl Connections<'_> {
    /// Takes the answer of a service. An answer counts once, in its time; what is wrong with it leaves everything as it
    /// was.
    ///
    /// # Errors
    ///
    /// `InvalidInput` with the code `oauth_state_unknown`; `Forbidden` with `oauth_other_browser` if it was begun by a
    /// link in another browser, or with `oauth_wrong_issuer`; `Conflict` with `already_connected`, with `oauth_state_used` or
    /// `oauth_state_expired`; `Forbidden` with `oauth_denied` where the service or the person said no; `Unavailable`
    /// with `oauth_exchange_failed` where no token was had.
    pub async fn finish(&self, answer: Answer) -> Result<Finished, Error> {
        let (core, now) = (self.0.clone(), self.0.now());
        let Some(state) = answer.state.filter(|state| !state.is_empty()) else {
            return Err(unknown());
        };
        let by_link = is_bound(&state);
        if !is_theirs(&state, &answer.cookies) {
            return Err(other_browser());
        }
        let issuer = answer.issuer;
        let take = move |writer: &mut dyn Writer| {
            let taken = core.take_authorization(writer, &state, now)?;
            check_issuer(&taken, issuer.as_deref())?;
            Ok::<_, Error>(taken)
        };
        let taken = self.0.ports.store.write(take).await?;
        if let Some(error) = answer.error {
            return Err(denied(&taken.integration, &error, answer.error_description.as_deref()));
        }
        let Some(code) = answer.code else {
            let message = format!("{} sent you back without a code; begin again", taken.integration.title);
            return Err(Error::new(Kind::InvalidInput, "oauth_no_code", message));
        };
        let tokens = self.0.ports.integrations.exchange(&taken.client, &code, taken.verifier.as_ref()).await;
        let tokens = tokens.map_err(|error| failed(&taken.integration, &error))?;
        let core = self.0.clone();
        let now = self.0.now();
        let keep = move |writer: &mut dyn Writer| core.keep_tokens(writer, taken, &tokens, by_link, now);
        let finished = self.0.ports.store.write(keep).await?;
        self.0.hub.tick(finished.agent.journal());
        tracing::info!(agent = %finished.agent, service = finished.title, "connected");
        Ok(finished)
    }
}

/// Leave that is being given.
struct Taken {
    pending: PendingAuthorization,
    integration: Integration,
    client: OAuthClient,
    verifier: Option<Secret>,
}

impl Core {
    /// Finds what an answer belongs to and sees to it that no other answer does.
    fn take_authorization(
        &self,
        writer: &mut dyn Writer,
        state: &str,
        now: Timestamp,
    ) -> Result<Taken, Error> {
        let hash = state_hash(state);
        let pending = writer.pending_authorization(hash)?.ok_or_else(unknown)?;
        if pending.used_at.is_some() {
            let message = "this answer was given already; begin again if the connection is not there";
            return Err(Error::new(Kind::Conflict, "oauth_state_used", message));
        }
        if pending.expires_at <= now {
            let message = "the answer came too late; begin again";
            return Err(Error::new(Kind::Conflict, "oauth_state_expired", message));
        }
        let integration = self.integration(writer, pending.account, &pending.integration)?;
        let client = self.oauth_client(writer, pending.account, &integration, &pending.fields)?;
        let client = client.ok_or_else(|| no_client(&integration))?;
        let open = |sealed| self.ports.vault.open(pending.account, &verifier_place(&hash), sealed);
        let verifier = pending.verifier.as_ref().map(open).transpose()?;
        writer.use_authorization(hash, now)?;
        Ok(Taken { pending, integration, client, verifier })
    }

    fn keep_tokens(
        &self,
        writer: &mut dyn Writer,
        taken: Taken,
        tokens: &Tokens,
        by_link: bool,
        now: Timestamp,
    ) -> Result<Finished, Error> {
        let Taken { pending, integration, .. } = taken;
        let agent = writer
            .agent(pending.account, pending.agent)?
            .ok_or_else(|| Error::not_found("agent", pending.agent))?;
        if by_link {
            not_connected_yet(writer, &agent, &integration)?;
        }
        let before = writer.connection_to(agent.id, &integration.name)?;
        let id = self.ports.random.id::<ConnectionId>(now);
        let connection = Connection {
            id,
            account: agent.account,
            agent: agent.id,
            integration: integration.name.clone(),
            kind: CredentialKind::OAuth,
            status: Status::Active,
            scopes: tokens.scopes.clone().unwrap_or(pending.scopes),
            fields: pending.fields,
            expires_at: tokens.expires_in.map(|lasts| now + lasts),
            renewable: tokens.refresh.is_some(),
            version: before.map_or(1, |before| before.version.saturating_add(1)),
            failure: None,
            created_at: now,
            updated_at: now,
        };
        let secrets = self.sealed_tokens(&connection, tokens);
        self.change_connections(writer, &agent, now, |writer| {
            writer.put_connection(&connection, &secrets)?;
            note(writer, agent.id, &format!("connection to {}", integration.name), now)
        })?;
        let ready = self.connections().missing_of(writer, &agent)?.is_empty();
        Ok(Finished {
            title: integration.title,
            agent_name: agent.name,
            agent: agent.id,
            connection: id,
            ready,
        })
    }

    /// Seals tokens for their connection.
    pub(super) fn sealed_tokens(&self, connection: &Connection, tokens: &Tokens) -> ConnectionSecrets {
        let vault = &self.ports.vault;
        let seal = |place: &str, secret: &Secret| vault.seal(connection.account, place, secret);
        ConnectionSecrets {
            access: seal(&access_place(connection.id), &tokens.access),
            refresh: tokens.refresh.as_ref().map(|token| seal(&refresh_place(connection.id), token)),
        }
    }
}

fn unknown() -> Error {
    let message = "this answer belongs to nothing that this server asked for; begin again where you began";
    Error::new(Kind::InvalidInput, "oauth_state_unknown", message)
}

fn other_browser() -> Error {
    let message = "this answer belongs to another browser; open the link again in this one";
    Error::forbidden("oauth_other_browser", message.to_owned())
}

/// Where a service says who it is, that has to be who was asked.
fn check_issuer(taken: &Taken, issuer: Option<&str>) -> Result<(), Error> {
    let Some(issuer) = issuer.filter(|issuer| !issuer.is_empty()) else { return Ok(()) };
    let host = |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Taken { client, integration, .. } = taken;
    let asked = [&client.oauth.authorize, &client.oauth.token];
    let mut asked = asked.into_iter().filter_map(|place| host(&place.fill(&client.fields).ok()?));
    let said = host(issuer);
    if said.is_some() && asked.any(|asked| said.as_ref() == Some(&asked)) {
        return Ok(());
    }
    let message = format!("the answer is not from {}, which was asked; begin again", integration.title);
    Err(Error::forbidden("oauth_wrong_issuer", message))
}

fn denied(integration: &Integration, error: &str, description: Option<&str>) -> Error {
    let cut = |text: &str| -> String { text.chars().filter(|one| !one.is_control()).take(300).collect() };
    let said = description
        .map_or_else(|| cut(error), |description| format!("{} ({})", cut(description), cut(error)));
    let message = format!("{} did not give leave: {said}. Nothing was connected", integration.title);
    Error::forbidden("oauth_denied", message)
}

fn failed(integration: &Integration, error: &ServiceError) -> Error {
    let message =
        format!("no token was had from {}: {error}. Nothing was connected; begin again", integration.title);
    Error::new(Kind::Unavailable, "oauth_exchange_failed", message)
}
