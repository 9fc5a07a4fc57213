use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::connection::{Connection, CredentialKind, Status};
use roost_domain::id::{AgentId, ConnectionId};
use roost_domain::integration::Integration;
use roost_domain::key::Scope;
use roost_domain::secret::Secret;
use roost_ports::integrations::Tokens;
use roost_ports::store::Writer;

use super::{Connections, check_complete, note, with_client_fields, within_quota};
use crate::agents::own;
use crate::integrations::{check_fields, parsed};
use crate::{Core, Ctx, Error};

/// A connection to be made with a key or token that a person brings.
pub struct PutConnectionKey {
    /// The service.
    pub integration: String,
    /// The key; for a service that wants a name and a password, `name:password`.
    pub key: Secret,
    /// What the service's templates are filled with.
    pub fields: BTreeMap<String, String>,
}

impl Connections<'_> {
    /// Connects an agent with a key, in place of the connection that it has to the service. A service with OAuth takes
    /// a token that its people made by hand, too. The key is not tried out.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field; `QuotaExceeded`.
    pub async fn put_key(&self, ctx: &Ctx, id: AgentId, put: PutConnectionKey) -> Result<Connection, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let name = parsed(&put.integration)?;
        check(&put.key, &put.fields)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let write = move |writer: &mut dyn Writer| {
            let agent = own(writer, &ctx, id)?;
            let integration = core.integration(writer, agent.account, &name)?;
            core.keep_key(writer, &agent, &integration, put.key, &put.fields, ctx.now)
        };
        let connection = self.0.ports.store.write(write).await?;
        self.0.hub.tick(id.journal());
        Ok(connection)
    }
}

pub(super) fn check(key: &Secret, fields: &BTreeMap<String, String>) -> Result<(), Error> {
    let text = key.expose();
    if !(8..=8_000).contains(&text.len()) || text.trim() != text || text.chars().any(char::is_control) {
        return Err(Error::invalid(
            "key",
            "must have 8 to 8,000 characters, without spaces around it or line ends",
        ));
    }
    check_fields(fields)
}

impl Core {
    pub(super) fn keep_key(
        &self,
        writer: &mut dyn Writer,
        agent: &Agent,
        integration: &Integration,
        key: Secret,
        fields: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Connection, Error> {
        within_quota(writer, agent.id, integration)?;
        let kept = writer.oauth_client(agent.account, &integration.name)?;
        let fields = with_client_fields(fields, kept.as_ref());
        check_complete(integration, &fields)?;
        let before = writer.connection_to(agent.id, &integration.name)?;
        let connection = Connection {
            id: self.ports.random.id::<ConnectionId>(now),
            account: agent.account,
            agent: agent.id,
            integration: integration.name.clone(),
            kind: CredentialKind::Key,
            status: Status::Active,
            scopes: Vec::new(),
            fields,
            expires_at: None,
            renewable: false,
            version: before.map_or(1, |before| before.version.saturating_add(1)),
            failure: None,
            created_at: now,
            updated_at: now,
        };
        let tokens = Tokens { access: key, refresh: None, expires_in: None, scopes: None };
        let secrets = self.sealed_tokens(&connection, &tokens);
        self.change_connections(writer, agent, now, |writer| {
            writer.put_connection(&connection, &secrets)?;
            note(writer, agent.id, &format!("connection to {} by key", integration.name), now)
        })?;
        Ok(connection)
    }
}
