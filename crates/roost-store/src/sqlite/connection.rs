use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::connection::{Connection, CredentialKind, Status};
use roost_domain::id::{AccountId, AgentId, ConnectionId};
use roost_domain::integration::{Integration, IntegrationName, Operation};
use roost_domain::page::{Limit, Page};
use roost_ports::store::{
    ConnectionCursor, ConnectionSecrets, Connections, ConnectionsMut, Error, KeptClient, KeptDescription,
    OperationLine, PendingAuthorization,
};
use roost_ports::vault::Sealed;
use rusqlite::params;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, corrupt, failed, micros, noun, signed};
use crate::record::integration as record;

const CONNECTION: Noun = noun!("connection");
const CLIENT: Noun = noun!("OAuth client");
const INTEGRATION: Noun = noun!("integration");
const AUTHORIZATION: Noun = noun!("authorization");
const DESCRIPTION: Noun = noun!("API description");

impl Connections for Tx<'_> {
    fn connection(&self, account: AccountId, id: ConnectionId) -> Result<Option<Connection>, Error> {
        self.first(
            CONNECTION,
            "select id, account_id, agent_id, integration, kind, status, scopes, fields, expires_at, renewable, version,
                    failure, created_at, updated_at
             from connections where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            connection,
        )
    }

    fn connection_to(&self, agent: AgentId, to: &IntegrationName) -> Result<Option<Connection>, Error> {
        self.first(
            CONNECTION,
            "select id, account_id, agent_id, integration, kind, status, scopes, fields, expires_at, renewable, version,
                    failure, created_at, updated_at
             from connections where agent_id = $1 and integration = $2",
            params![agent.uuid().as_bytes(), to.as_str()],
            connection,
        )
    }

    fn connections_of(&self, agent: AgentId) -> Result<Vec<Connection>, Error> {
        self.all(
            CONNECTION,
            "select id, account_id, agent_id, integration, kind, status, scopes, fields, expires_at, renewable, version,
                    failure, created_at, updated_at
             from connections where agent_id = $1 order by integration limit 1000",
            params![agent.uuid().as_bytes()],
            connection,
        )
    }

    fn connections(
        &self,
        account: AccountId,
        after: Option<ConnectionCursor>,
        limit: Limit,
    ) -> Result<Page<Connection, ConnectionCursor>, Error> {
        let (created_at, id) =
            after.map_or((LAST_TIME, LAST_ID), |last| (micros(last.created_at), last.id.uuid().into_bytes()));
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            CONNECTION,
            "select id, account_id, agent_id, integration, kind, status, scopes, fields, expires_at, renewable, version,
                    failure, created_at, updated_at
             from connections where account_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            params![account.uuid().as_bytes(), created_at, id, i64::from(limit.get()) + 1],
            connection,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let cursor = |last: &Connection| ConnectionCursor { created_at: last.created_at, id: last.id };
        let next = rows.last().filter(|_| more).map(cursor);
        let total = self.only(
            CONNECTION,
            "select count(*) from connections where account_id = $1",
            params![account.uuid().as_bytes()],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn connection_secrets(&self, id: ConnectionId) -> Result<Option<ConnectionSecrets>, Error> {
        self.first(
            CONNECTION,
            "select access, refresh from connections where id = $1",
            params![id.uuid().as_bytes()],
            |columns| {
                let access = Sealed(columns.take()?);
                let refresh: Option<Vec<u8>> = columns.take()?;
                Ok(ConnectionSecrets { access, refresh: refresh.map(Sealed) })
            },
        )
    }

    fn oauth_client(&self, account: AccountId, at: &IntegrationName) -> Result<Option<KeptClient>, Error> {
        self.first(
            CLIENT,
            "select client_id, secret, scopes, fields, updated_at
             from oauth_clients where account_id = $1 and integration = $2",
            params![account.uuid().as_bytes(), at.as_str()],
            client,
        )
    }

    fn own_integration(
        &self,
        account: AccountId,
        name: &IntegrationName,
    ) -> Result<Option<Integration>, Error> {
        self.first(
            INTEGRATION,
            "select definition from integrations where account_id = $1 and name = $2",
            params![account.uuid().as_bytes(), name.as_str()],
            integration,
        )
    }

    fn own_integrations(&self, account: AccountId) -> Result<Vec<Integration>, Error> {
        self.all(
            INTEGRATION,
            "select definition from integrations where account_id = $1 order by name limit 1000",
            params![account.uuid().as_bytes()],
            integration,
        )
    }

    fn pending_authorization(&self, state: [u8; 32]) -> Result<Option<PendingAuthorization>, Error> {
        self.first(
            AUTHORIZATION,
            "select state, account_id, agent_id, integration, verifier, scopes, fields, created_at, expires_at, used_at
             from authorizations where state = $1",
            params![state],
            authorization,
        )
    }

    fn pending_authorizations(&self, agent: AgentId, now: Timestamp) -> Result<u64, Error> {
        self.only(
            AUTHORIZATION,
            "select count(*) from authorizations where agent_id = $1 and expires_at > $2 and used_at is null",
            params![agent.uuid().as_bytes(), micros(now)],
            |columns| columns.count(),
        )
    }

    fn api_description(
        &self,
        account: AccountId,
        of: &IntegrationName,
    ) -> Result<Option<KeptDescription>, Error> {
        self.first(
            DESCRIPTION,
            "select title, version, base, placement, sha256, source, operations, at
             from api_descriptions where account_id = $1 and integration = $2",
            params![account.uuid().as_bytes(), of.as_str()],
            description,
        )
    }

    fn api_operation(
        &self,
        account: AccountId,
        of: &IntegrationName,
        name: &str,
    ) -> Result<Option<Operation>, Error> {
        self.first(
            DESCRIPTION,
            "select body from api_operations where account_id = $1 and integration = $2 and name = $3",
            params![account.uuid().as_bytes(), of.as_str(), name],
            |columns| {
                let body: String = columns.take()?;
                record::decode_operation(&body).map_err(|error| corrupt(DESCRIPTION.name, error))
            },
        )
    }

    fn api_operations(&self, account: AccountId, of: &IntegrationName) -> Result<Vec<OperationLine>, Error> {
        self.all(
            DESCRIPTION,
            "select name, method, path, summary, tags from api_operations
             where account_id = $1 and integration = $2 order by place limit 10000",
            params![account.uuid().as_bytes(), of.as_str()],
            |columns| {
                Ok(OperationLine {
                    name: columns.take()?,
                    method: columns.take()?,
                    path: columns.take()?,
                    summary: columns.take()?,
                    tags: columns.take()?,
                })
            },
        )
    }
}

impl ConnectionsMut for Tx<'_> {
    fn put_connection(&mut self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<(), Error> {
        self.change(
            CONNECTION,
            "delete from connections where agent_id = $1 and integration = $2",
            params![connection.agent.uuid().as_bytes(), connection.integration.as_str()],
        )?;
        self.change_one(
            CONNECTION,
            "insert into connections (
                 id, account_id, agent_id, integration, kind, status, scopes, fields, access, refresh, expires_at,
                 renewable, version, failure, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            params![
                connection.id.uuid().as_bytes(),
                connection.account.uuid().as_bytes(),
                connection.agent.uuid().as_bytes(),
                connection.integration.as_str(),
                connection.kind.name(),
                connection.status.name(),
                json(CONNECTION, &connection.scopes)?,
                json(CONNECTION, &connection.fields)?,
                secrets.access.0,
                secrets.refresh.as_ref().map(|refresh| &refresh.0),
                connection.expires_at.map(micros),
                connection.renewable,
                signed(CONNECTION, connection.version)?,
                connection.failure,
                micros(connection.created_at),
                micros(connection.updated_at),
            ],
        )
    }

    fn update_connection(&mut self, connection: &Connection) -> Result<(), Error> {
        self.change_one(
            CONNECTION,
            "update connections
             set status = $1, scopes = $2, fields = $3, expires_at = $4, renewable = $5, version = $6, failure = $7,
                 updated_at = $8, renewing_until = null
             where id = $9 and account_id = $10",
            params![
                connection.status.name(),
                json(CONNECTION, &connection.scopes)?,
                json(CONNECTION, &connection.fields)?,
                connection.expires_at.map(micros),
                connection.renewable,
                signed(CONNECTION, connection.version)?,
                connection.failure,
                micros(connection.updated_at),
                connection.id.uuid().as_bytes(),
                connection.account.uuid().as_bytes(),
            ],
        )
    }

    fn delete_connection(&mut self, account: AccountId, id: ConnectionId) -> Result<bool, Error> {
        let deleted = self.change(
            CONNECTION,
            "delete from connections where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
        )?;
        Ok(deleted > 0)
    }

    fn lease_renewal(&mut self, id: ConnectionId, now: Timestamp, until: Timestamp) -> Result<bool, Error> {
        let leased = self.change(
            CONNECTION,
            "update connections set renewing_until = $1
             where id = $2 and (renewing_until is null or renewing_until <= $3)",
            params![micros(until), id.uuid().as_bytes(), micros(now)],
        )?;
        Ok(leased > 0)
    }

    fn put_oauth_client(
        &mut self,
        account: AccountId,
        at: &IntegrationName,
        client: &KeptClient,
    ) -> Result<(), Error> {
        let scopes = client.scopes.as_ref().map(|scopes| json(CLIENT, scopes)).transpose()?;
        self.change_one(
            CLIENT,
            "insert into oauth_clients (account_id, integration, client_id, secret, scopes, fields, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (account_id, integration) do update
             set client_id = excluded.client_id, secret = excluded.secret, scopes = excluded.scopes,
                 fields = excluded.fields, updated_at = excluded.updated_at",
            params![
                account.uuid().as_bytes(),
                at.as_str(),
                client.client_id,
                client.secret.as_ref().map(|secret| &secret.0),
                scopes,
                json(CLIENT, &client.fields)?,
                micros(client.updated_at),
            ],
        )
    }

    fn delete_oauth_client(&mut self, account: AccountId, at: &IntegrationName) -> Result<bool, Error> {
        let deleted = self.change(
            CLIENT,
            "delete from oauth_clients where account_id = $1 and integration = $2",
            params![account.uuid().as_bytes(), at.as_str()],
        )?;
        Ok(deleted > 0)
    }

    fn put_own_integration(
        &mut self,
        account: AccountId,
        integration: &Integration,
        at: Timestamp,
    ) -> Result<(), Error> {
        let definition = record::encode(integration).map_err(|error| failed(INTEGRATION.writing, error))?;
        self.change_one(
            INTEGRATION,
            "insert into integrations (account_id, name, definition, updated_at) values ($1, $2, $3, $4)
             on conflict (account_id, name) do update
             set definition = excluded.definition, updated_at = excluded.updated_at",
            params![account.uuid().as_bytes(), integration.name.as_str(), definition, micros(at)],
        )
    }

    fn delete_own_integration(&mut self, account: AccountId, name: &IntegrationName) -> Result<bool, Error> {
        let deleted = self.change(
            INTEGRATION,
            "delete from integrations where account_id = $1 and name = $2",
            params![account.uuid().as_bytes(), name.as_str()],
        )?;
        Ok(deleted > 0)
    }

    fn insert_authorization(&mut self, pending: &PendingAuthorization) -> Result<(), Error> {
        self.change_one(
            AUTHORIZATION,
            "insert into authorizations (
                 state, account_id, agent_id, integration, verifier, scopes, fields, created_at, expires_at, used_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                pending.state,
                pending.account.uuid().as_bytes(),
                pending.agent.uuid().as_bytes(),
                pending.integration.as_str(),
                pending.verifier.as_ref().map(|verifier| &verifier.0),
                json(AUTHORIZATION, &pending.scopes)?,
                json(AUTHORIZATION, &pending.fields)?,
                micros(pending.created_at),
                micros(pending.expires_at),
                pending.used_at.map(micros),
            ],
        )
    }

    fn use_authorization(&mut self, state: [u8; 32], at: Timestamp) -> Result<(), Error> {
        self.change_one(
            AUTHORIZATION,
            "update authorizations set used_at = $1, verifier = null where state = $2",
            params![micros(at), state],
        )
    }

    fn remove_authorizations(&mut self, before: Timestamp, max: Limit) -> Result<u64, Error> {
        let removed = self.change(
            AUTHORIZATION,
            "delete from authorizations where state in (
                 select state from authorizations where expires_at < $1 order by expires_at limit $2)",
            params![micros(before), max.get()],
        )?;
        Ok(removed as u64)
    }

    fn put_api_description(
        &mut self,
        account: AccountId,
        of: &IntegrationName,
        description: &KeptDescription,
        operations: &[Operation],
    ) -> Result<(), Error> {
        self.delete_api_description(account, of)?;
        let placement = description.placement.as_ref().map(record::encode_placement).transpose();
        self.change_one(
            DESCRIPTION,
            "insert into api_descriptions (
                 account_id, integration, title, version, base, placement, sha256, source, operations, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                account.uuid().as_bytes(),
                of.as_str(),
                description.title,
                description.version,
                description.base,
                placement.map_err(|error| failed(DESCRIPTION.writing, error))?,
                description.sha256,
                description.source,
                signed(DESCRIPTION, description.operations)?,
                micros(description.at),
            ],
        )?;
        for (place, operation) in (0_i64..).zip(operations) {
            let body =
                record::encode_operation(operation).map_err(|error| failed(DESCRIPTION.writing, error))?;
            self.change_one(
                DESCRIPTION,
                "insert into api_operations (
                     account_id, integration, name, place, method, path, summary, tags, body)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                params![
                    account.uuid().as_bytes(),
                    of.as_str(),
                    operation.name,
                    place,
                    operation.method,
                    operation.path,
                    operation.summary,
                    operation.tags.join(" "),
                    body,
                ],
            )?;
        }
        Ok(())
    }

    fn delete_api_description(&mut self, account: AccountId, of: &IntegrationName) -> Result<bool, Error> {
        self.change(
            DESCRIPTION,
            "delete from api_operations where account_id = $1 and integration = $2",
            params![account.uuid().as_bytes(), of.as_str()],
        )?;
        let deleted = self.change(
            DESCRIPTION,
            "delete from api_descriptions where account_id = $1 and integration = $2",
            params![account.uuid().as_bytes(), of.as_str()],
        )?;
        Ok(deleted > 0)
    }
}

fn json<T: serde::Serialize>(noun: Noun, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| failed(noun.writing, error))
}

fn connection(columns: &mut Columns<'_>) -> Result<Connection, Error> {
    Ok(Connection {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        integration: columns.parsed()?,
        kind: columns.named(&CredentialKind::ALL, CredentialKind::name)?,
        status: columns.named(&Status::ALL, Status::name)?,
        scopes: columns.json()?,
        fields: columns.json()?,
        expires_at: columns.time_if_any()?,
        renewable: columns.take()?,
        version: columns.count()?,
        failure: columns.take()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

fn client(columns: &mut Columns<'_>) -> Result<KeptClient, Error> {
    let client_id = columns.take()?;
    let secret: Option<Vec<u8>> = columns.take()?;
    let scopes: Option<String> = columns.take()?;
    let scopes = scopes.map(|text| serde_json::from_str(&text)).transpose();
    Ok(KeptClient {
        client_id,
        secret: secret.map(Sealed),
        scopes: scopes.map_err(|error| corrupt(CLIENT.name, error))?,
        fields: columns.json::<BTreeMap<String, String>>()?,
        updated_at: columns.time()?,
    })
}

fn integration(columns: &mut Columns<'_>) -> Result<Integration, Error> {
    let definition: String = columns.take()?;
    record::decode(&definition).map_err(|error| corrupt(INTEGRATION.name, error))
}

fn authorization(columns: &mut Columns<'_>) -> Result<PendingAuthorization, Error> {
    let state = columns.take()?;
    let (account, agent, integration) = (columns.id()?, columns.id()?, columns.parsed()?);
    let verifier: Option<Vec<u8>> = columns.take()?;
    Ok(PendingAuthorization {
        state,
        account,
        agent,
        integration,
        verifier: verifier.map(Sealed),
        scopes: columns.json()?,
        fields: columns.json()?,
        created_at: columns.time()?,
        expires_at: columns.time()?,
        used_at: columns.time_if_any()?,
    })
}

fn description(columns: &mut Columns<'_>) -> Result<KeptDescription, Error> {
    let (title, version, base) = (columns.take()?, columns.take()?, columns.take()?);
    let placement: Option<String> = columns.take()?;
    let placement = placement.map(|text| record::decode_placement(&text)).transpose();
    Ok(KeptDescription {
        title,
        version,
        base,
        placement: placement.map_err(|error| corrupt(DESCRIPTION.name, error))?,
        sha256: columns.take()?,
        source: columns.take()?,
        operations: columns.count()?,
        at: columns.time()?,
    })
}
