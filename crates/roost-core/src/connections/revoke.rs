use roost_domain::id::ConnectionId;
use roost_domain::key::Scope;
use roost_domain::secret::Secret;
use roost_ports::integrations::OAuthClient;
use roost_ports::store::Writer;

use super::{Connections, access_place, note, refresh_place};
use crate::agents::own;
use crate::error::with_causes;
use crate::{Ctx, Error};

/// What revoking came to. Here the connection is gone in every case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Whether the service took its token back.
    pub at_service: bool,
    /// Why not: it has no place for that, or did not answer.
    pub problem: Option<String>,
}

impl Connections<'_> {
    /// Takes a connection away: here at once, and at the service where it has a place for that.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn revoke(&self, ctx: &Ctx, id: ConnectionId) -> Result<Revoked, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let remove = move |writer: &mut dyn Writer| {
            let account = ctx.account();
            let connection =
                writer.connection(account, id)?.ok_or_else(|| Error::not_found("connection", id))?;
            let agent = own(writer, &ctx, connection.agent)?;
            let secrets = writer.connection_secrets(id)?;
            let mut held = Held { client: None, tokens: Vec::new() };
            // One that cannot be read any more is still taken away here.
            if let (Some(secrets), Ok(integration)) =
                (secrets, core.integration(writer, account, &connection.integration))
            {
                held.client =
                    core.oauth_client(writer, account, &integration, &connection.fields).ok().flatten();
                let refresh = secrets.refresh.iter().map(|sealed| (refresh_place(id), sealed));
                for (place, sealed) in refresh.chain([(access_place(id), &secrets.access)]) {
                    held.tokens.extend(core.ports.vault.open(account, &place, sealed));
                }
            }
            core.change_connections(writer, &agent, ctx.now, |writer| {
                writer.delete_connection(account, id)?;
                note(writer, agent.id, &format!("connection to {}, revoked", connection.integration), ctx.now)
            })?;
            Ok::<_, Error>((agent.id, held))
        };
        let (agent, held) = self.0.ports.store.write(remove).await?;
        self.0.hub.tick(agent.journal());
        Ok(self.take_back(held).await)
    }

    /// Asks the service to take its tokens back: what renews first, since what was had with it often goes with it.
    async fn take_back(&self, held: Held) -> Revoked {
        let not = |problem: &str| Revoked { at_service: false, problem: Some(problem.to_owned()) };
        let Some(client) = held.client else {
            return not(
                "it is a key, or the account has no OAuth client there any more; take it back at the service",
            );
        };
        if client.oauth.revoke.is_none() {
            return not("the service has no place to take tokens back; do it in your account there");
        }
        let mut at_service = false;
        let mut problem = None;
        for token in held.tokens {
            match self.0.ports.integrations.revoke(&client, &token).await {
                Ok(taken) => at_service |= taken,
                Err(error) => problem = Some(with_causes(&error)),
            }
        }
        Revoked { at_service, problem: problem.filter(|_| !at_service) }
    }
}

/// What is to be taken back. No `Debug`: it holds secrets.
struct Held {
    client: Option<OAuthClient>,
    tokens: Vec<Secret>,
}
