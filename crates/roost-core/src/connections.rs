//! Connections: agents' leave to use services, given by people, by OAuth or with a key.
//!
//! Tokens and keys are sealed, bound to their connection, and opened in two places only: where a request leaves the
//! server, and where leave is renewed or given back.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::connection::Connection;
use roost_domain::event::Journal;
use roost_domain::id::{AccountId, AgentId, ConnectionId};
use roost_domain::integration::Integration;
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_domain::secret::Secret;
use roost_ports::integrations::OAuthClient;
use roost_ports::store::{ConnectionCursor, Reader, Writer};

use crate::agents::own;
use crate::integrations::client_place;
use crate::{Core, Ctx, Error, Kind, log};

mod bound;
mod browser;
mod callback;
mod key;
mod link;
mod missing;
mod renew;
mod revoke;
mod start;

pub(crate) use bound::Places;
pub use browser::Proof;
pub use callback::{Answer, Finished};
pub use key::PutConnectionKey;
pub use link::{Begun, ConnectionUrl, Followed, LinkView};
pub use revoke::Revoked;
pub use start::{StartConnection, Started};

/// The use cases of connections.
pub struct Connections<'a>(pub(crate) &'a Core);

/// How many connections an agent may have.
const MOST: usize = 100;

/// An agent's connections, and what it needs and lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionsView {
    /// Its connections, by the names of their services.
    pub connections: Vec<Connection>,
    /// What it needs and lacks. None means that it is ready.
    pub missing: Vec<roost_domain::connection::Missing>,
}

impl Connections<'_> {
    /// Returns an agent's connections, and what it needs and lacks.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn of_agent(&self, ctx: &Ctx, id: AgentId) -> Result<ConnectionsView, Error> {
        ctx.require(Scope::AgentsRead)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let read = move |reader: &dyn Reader| {
            let agent = own(reader, &ctx, id)?;
            let missing = core.connections().missing_of(reader, &agent)?;
            Ok(ConnectionsView { connections: reader.connections_of(id)?, missing })
        };
        self.0.ports.store.read(read).await
    }

    /// Returns the account's connections, newest first.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(
        &self,
        ctx: &Ctx,
        after: Option<ConnectionCursor>,
        limit: Limit,
    ) -> Result<Page<Connection, ConnectionCursor>, Error> {
        ctx.require(Scope::AgentsRead)?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader: &dyn Reader| Ok(reader.connections(account, after, limit)?))
            .await
    }

    /// Removes leave that was asked for and whose time was over a day ago. For the runtime.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn clear(&self) -> Result<u64, Error> {
        const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
        let before = self.0.now() - DAY;
        let remove = move |writer: &mut dyn Writer| {
            Ok(writer.remove_authorizations(before, Limit::clamped(1_000, 1_000))?)
        };
        self.0.ports.store.write(remove).await
    }
}

/// Returns where a connection's token or key stands, to which it is bound.
pub(crate) fn access_place(id: ConnectionId) -> String {
    format!("connection/{id}/access")
}

/// Returns where what renews a connection stands, to which it is bound.
pub(crate) fn refresh_place(id: ConnectionId) -> String {
    format!("connection/{id}/refresh")
}

/// Returns a credential as HTTP Basic shows it: the whole header, and what stands in it. One without a colon is a name
/// without a password.
pub(crate) fn basic(access: &Secret) -> (Secret, Secret) {
    let text = access.expose();
    let pair = if text.contains(':') { text.to_owned() } else { format!("{text}:") };
    let encoded = STANDARD.encode(pair);
    (Secret::new(format!("Basic {encoded}")), Secret::new(encoded))
}

/// Says in the agent's journal that a connection changed.
fn note(writer: &mut dyn Writer, agent: AgentId, what: &str, now: Timestamp) -> Result<(), Error> {
    log::journal(writer, agent, now, Journal::Changed { what: what.to_owned() })
}

fn within_quota(reader: &dyn Reader, agent: AgentId, integration: &Integration) -> Result<(), Error> {
    let all = reader.connections_of(agent)?;
    if all.len() >= MOST && all.iter().all(|one| one.integration != integration.name) {
        let message = format!("an agent may have {MOST} connections; revoke some");
        return Err(Error::new(Kind::QuotaExceeded, "too_many_connections", message));
    }
    Ok(())
}

/// Returns fields with what a client has set. What the client says counts: its secret was given for there, and goes
/// nowhere else because somebody who connects an agent names another place.
fn with_client_fields(
    fields: &BTreeMap<String, String>,
    client: Option<&roost_ports::store::KeptClient>,
) -> BTreeMap<String, String> {
    let mut all = fields.clone();
    all.extend(client.map(|client| client.fields.clone()).unwrap_or_default());
    all
}

/// Checks that nothing is missing that an integration's addresses need.
fn check_complete(integration: &Integration, fields: &BTreeMap<String, String>) -> Result<(), Error> {
    match integration.missing_fields(fields).first() {
        Some((name, meaning)) => Err(Error::new(
            Kind::InvalidInput,
            "missing_field",
            format!("fields.{name} is needed to reach {}: {meaning}", integration.title),
        )),
        None => Ok(()),
    }
}

impl Core {
    /// Returns where services send people back to.
    pub(crate) fn redirect_url(&self) -> String {
        format!("{}/oauth/callback", self.settings.public_url.trim_end_matches('/'))
    }

    /// Returns the account's OAuth client at a service, opened; `None` if it has none, or the service takes keys.
    pub(crate) fn oauth_client(
        &self,
        reader: &dyn Reader,
        account: AccountId,
        integration: &Integration,
        fields: &BTreeMap<String, String>,
    ) -> Result<Option<OAuthClient>, Error> {
        let Some(oauth) = integration.oauth() else { return Ok(None) };
        let Some(kept) = reader.oauth_client(account, &integration.name)? else { return Ok(None) };
        let place = client_place(&integration.name);
        let open = |sealed| self.ports.vault.open(account, &place, sealed);
        Ok(Some(OAuthClient {
            oauth: oauth.clone(),
            fields: with_client_fields(fields, Some(&kept)),
            secret: kept.secret.as_ref().map(open).transpose()?,
            id: kept.client_id,
            redirect: self.redirect_url(),
        }))
    }

    /// Runs a change of an agent's connections and tells whoever wants to know if the agent became ready by it, or is
    /// ready no more.
    fn change_connections<T>(
        &self,
        writer: &mut dyn Writer,
        agent: &Agent,
        now: Timestamp,
        change: impl FnOnce(&mut dyn Writer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let was_ready = self.connections().missing_of(writer, agent)?.is_empty();
        let changed = change(writer)?;
        let missing = self.connections().missing_of(writer, agent)?;
        if was_ready != missing.is_empty() {
            self.announce_readiness(writer, agent, &missing, now)?;
        }
        Ok(changed)
    }
}
