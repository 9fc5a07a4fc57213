use std::time::Duration;

use jiff::Timestamp;
use roost_domain::connection::{Connection, Status};
use roost_domain::id::{AccountId, ConnectionId};
use roost_domain::integration::Integration;
use roost_domain::secret::Secret;
use roost_ports::integrations::{Error as ServiceError, OAuthClient, Tokens};
use roost_ports::store::{ConnectionSecrets, Writer};

use super::{Connections, note, refresh_place};
use crate::{Core, Error};

/// How long somebody who renews may take before another may: longer than a service may take to answer.
const LEASE: Duration = Duration::from_secs(60);

/// How long one waits for another who renews.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often one looks who waits for another, who may be another server.
const LOOK: Duration = Duration::from_millis(100);

/// What is to be done about a connection before it is used.
enum Next {
    /// Nothing: it can be used.
    Use(Connection),
    /// It cannot be used, for this reason.
    No(String),
    /// Somebody renews it.
    Wait,
    /// It is to be renewed, by whoever asked.
    Renew(Box<Due>),
}

/// A connection to be renewed. No `Debug`: it holds secrets.
struct Due {
    connection: Connection,
    integration: Integration,
    client: OAuthClient,
    refresh: Secret,
}

impl Connections<'_> {
    /// Returns a connection whose token holds: renews it if its end is near, or if it is of the version `refused`,
    /// which the service did not accept. One renews at a time; others wait and use what it brought.
    ///
    /// The inner error is a sentence that says why it cannot be used.
    pub(crate) async fn fresh(
        &self,
        account: AccountId,
        id: ConnectionId,
        refused: Option<u64>,
    ) -> Result<Result<Connection, String>, Error> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let (core, now) = (self.0.clone(), self.0.now());
            let look = move |writer: &mut dyn Writer| core.next_for(writer, account, id, refused, now);
            match self.0.ports.store.write(look).await? {
                Next::Use(connection) => return Ok(Ok(connection)),
                Next::No(why) => return Ok(Err(why)),
                Next::Renew(due) => {
                    // In a task of its own: the service may have replaced the refresh token by the time that the turn
                    // which wanted it is cancelled, and the new one must not be lost.
                    let core = self.0.clone();
                    let renewal = async move { core.connections().renew(*due).await };
                    return self.0.renewals.spawn(renewal).await.map_err(Error::internal)?;
                }
                Next::Wait if tokio::time::Instant::now() >= deadline => {
                    return Ok(Err("its credential is being renewed; try again in a moment".to_owned()));
                }
                Next::Wait => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Waits until renewals that are under way are over, at the server's end: what they bring is kept.
    pub async fn settled(&self) {
        self.0.renewals.close();
        self.0.renewals.wait().await;
    }

    async fn renew(&self, due: Due) -> Result<Result<Connection, String>, Error> {
        let answered = self.0.ports.integrations.refresh(&due.client, &due.refresh).await;
        let (core, now, account, id) =
            (self.0.clone(), self.0.now(), due.connection.account, due.connection.id);
        let settle = move |writer: &mut dyn Writer| {
            // It may have been revoked or made anew meanwhile; then what came belongs to nothing.
            let now_there =
                writer.connection(account, id)?.filter(|one| one.version == due.connection.version);
            let Some(connection) = now_there else {
                return Ok(Err("the connection was changed meanwhile; try again".to_owned()));
            };
            match answered {
                Ok(tokens) => {
                    Ok::<_, Error>(Ok(core.keep_renewed(writer, connection, tokens, due.refresh, now)?))
                }
                Err(ServiceError::Refused { .. }) => {
                    let why = format!("{} no longer accepts the connection", due.integration.title);
                    core.refuse(writer, connection, &why, now)?;
                    Ok(Err(format!("{why}; a person has to connect it again")))
                }
                Err(error) => {
                    // Nobody knows whether it still holds; the next one tries again.
                    writer.update_connection(&connection)?;
                    if connection.is_over(now) {
                        return Ok(Err(format!("its credential cannot be renewed now: {error}")));
                    }
                    Ok(Ok(connection))
                }
            }
        };
        self.0.ports.store.write(settle).await
    }
}

impl Core {
    fn next_for(
        &self,
        writer: &mut dyn Writer,
        account: AccountId,
        id: ConnectionId,
        refused: Option<u64>,
        now: Timestamp,
    ) -> Result<Next, Error> {
        let Some(connection) = writer.connection(account, id)? else {
            return Ok(Next::No("the connection is gone; a person has to connect it again".to_owned()));
        };
        if connection.status == Status::Expired {
            return Ok(Next::No("the connection is expired; a person has to connect it again".to_owned()));
        }
        let was_refused = refused == Some(connection.version);
        if !was_refused && !connection.is_due(now) {
            return Ok(Next::Use(connection));
        }
        let integration = self.integration(writer, account, &connection.integration)?;
        let client = self.oauth_client(writer, account, &integration, &connection.fields)?;
        let sealed = writer.connection_secrets(id)?.and_then(|secrets| secrets.refresh);
        let (Some(client), Some(sealed), true) = (client, sealed, connection.renewable) else {
            if was_refused {
                // One answer ends no key: services also say 401 where a key may not do this one thing.
                let why = format!("{} did not accept the credential", integration.title);
                let what = format!("connection to {}, not accepted once", connection.integration);
                note(writer, connection.agent, &what, now)?;
                return Ok(Next::No(format!("{why}; if that stays so, a person has to connect it again")));
            }
            return Ok(Next::Use(connection));
        };
        if !writer.lease_renewal(id, now, now + LEASE)? {
            return Ok(Next::Wait);
        }
        let refresh = self.ports.vault.open(account, &refresh_place(id), &sealed)?;
        Ok(Next::Renew(Box::new(Due { connection, integration, client, refresh })))
    }

    fn keep_renewed(
        &self,
        writer: &mut dyn Writer,
        connection: Connection,
        tokens: Tokens,
        before: Secret,
        now: Timestamp,
    ) -> Result<Connection, Error> {
        let expires_at = tokens.expires_in.map(|lasts| now + lasts);
        // A service that gives no new one lets the old one hold.
        let tokens = Tokens { refresh: tokens.refresh.or(Some(before)), ..tokens };
        let mut renewed = connection.renewed(expires_at, true, now);
        if let Some(scopes) = &tokens.scopes {
            renewed.scopes.clone_from(scopes);
        }
        let secrets: ConnectionSecrets = self.sealed_tokens(&renewed, &tokens);
        writer.put_connection(&renewed, &secrets)?;
        Ok(renewed)
    }

    /// Notes that a service no longer accepts a connection: its agent needs a person again.
    pub(super) fn refuse(
        &self,
        writer: &mut dyn Writer,
        connection: Connection,
        why: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(agent) = writer.agent(connection.account, connection.agent)? else { return Ok(()) };
        let name = connection.integration.clone();
        tracing::warn!(agent = %agent.id, service = %name, "a connection is no longer accepted");
        self.change_connections(writer, &agent, now, |writer| {
            writer.update_connection(&connection.refused(why.to_owned(), now))?;
            note(writer, agent.id, &format!("connection to {name}, no longer accepted"), now)
        })
    }
}
