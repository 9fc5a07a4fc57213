use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::connection::Connection;
use roost_domain::id::{AccountId, AgentId, ConnectionId};
use roost_domain::integration::{Integration, IntegrationName, Operation, Placement};
use roost_domain::page::{Limit, Page};

use super::Error;
use crate::vault::Sealed;

/// What a connection shows to its service, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSecrets {
    /// The token or key.
    pub access: Sealed,
    /// What renews it.
    pub refresh: Option<Sealed>,
}

/// The last connection of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionCursor {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: ConnectionId,
}

/// An account's OAuth client at a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptClient {
    /// Its id there.
    pub client_id: String,
    /// Its secret there, sealed; a public client has none.
    pub secret: Option<Sealed>,
    /// What it asks for, where that is not what the service's entry says.
    pub scopes: Option<Vec<String>>,
    /// What the service's templates are filled with, where a connection does not say otherwise.
    pub fields: BTreeMap<String, String>,
    /// When it was last set.
    pub updated_at: Timestamp,
}

/// Leave that was asked for and not yet given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingAuthorization {
    /// The SHA-256 of what comes back with the answer.
    pub state: [u8; 32],
    /// Whose it is.
    pub account: AccountId,
    /// For which agent.
    pub agent: AgentId,
    /// At which service.
    pub integration: IntegrationName,
    /// What the challenge was made of, sealed.
    pub verifier: Option<Sealed>,
    /// What was asked for.
    pub scopes: Vec<String>,
    /// What the service's templates were filled with.
    pub fields: BTreeMap<String, String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Until when the answer counts.
    pub expires_at: Timestamp,
    /// When an answer came.
    pub used_at: Option<Timestamp>,
}

/// What an account knows of a service's interface, but for the operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDescription {
    /// The document's title.
    pub title: String,
    /// The document's own version.
    pub version: String,
    /// What the paths begin with, as the document says.
    pub base: Option<String>,
    /// Where requests carry the credential, as the document says.
    pub placement: Option<Placement>,
    /// The SHA-256 of the document.
    pub sha256: [u8; 32],
    /// Where it came from; `None` was sent by hand.
    pub source: Option<String>,
    /// How many operations it has.
    pub operations: u64,
    /// When it was read.
    pub at: Timestamp,
}

/// One operation, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationLine {
    /// Its name.
    pub name: String,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Its path.
    pub path: String,
    /// One line.
    pub summary: String,
    /// What it is grouped under, with spaces between.
    pub tags: String,
}

/// Looks at connections and at what accounts know of services.
pub trait Connections {
    /// Returns one connection.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn connection(&self, account: AccountId, id: ConnectionId) -> Result<Option<Connection>, Error>;

    /// Returns an agent's connection to a service.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn connection_to(&self, agent: AgentId, to: &IntegrationName) -> Result<Option<Connection>, Error>;

    /// Returns an agent's connections by the names of their services, all of them; the core limits how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn connections_of(&self, agent: AgentId) -> Result<Vec<Connection>, Error>;

    /// Returns an account's connections, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn connections(
        &self,
        account: AccountId,
        after: Option<ConnectionCursor>,
        limit: Limit,
    ) -> Result<Page<Connection, ConnectionCursor>, Error>;

    /// Returns what a connection shows to its service.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn connection_secrets(&self, id: ConnectionId) -> Result<Option<ConnectionSecrets>, Error>;

    /// Returns an account's OAuth client at a service.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn oauth_client(&self, account: AccountId, at: &IntegrationName) -> Result<Option<KeptClient>, Error>;

    /// Returns one of an account's own integrations.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn own_integration(
        &self,
        account: AccountId,
        name: &IntegrationName,
    ) -> Result<Option<Integration>, Error>;

    /// Returns an account's own integrations by name, all of them; the core limits how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn own_integrations(&self, account: AccountId) -> Result<Vec<Integration>, Error>;

    /// Returns leave that was asked for, by the hash of what comes back with the answer.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn pending_authorization(&self, state: [u8; 32]) -> Result<Option<PendingAuthorization>, Error>;

    /// Returns how many answers an agent waits for.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn pending_authorizations(&self, agent: AgentId, now: Timestamp) -> Result<u64, Error>;

    /// Returns what an account knows of a service's interface.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn api_description(
        &self,
        account: AccountId,
        of: &IntegrationName,
    ) -> Result<Option<KeptDescription>, Error>;

    /// Returns one operation of a service.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn api_operation(
        &self,
        account: AccountId,
        of: &IntegrationName,
        name: &str,
    ) -> Result<Option<Operation>, Error>;

    /// Returns the operations of a service in the document's order, all of them; the adapter that reads documents
    /// limits how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn api_operations(&self, account: AccountId, of: &IntegrationName) -> Result<Vec<OperationLine>, Error>;
}

/// Changes connections and what accounts know of services.
pub trait ConnectionsMut {
    /// Adds a connection, or puts it in the place of the one that its agent has to the service.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_connection(&mut self, connection: &Connection, secrets: &ConnectionSecrets) -> Result<(), Error>;

    /// Writes how a connection that is there stands, without its secrets, and ends the lease of its renewal.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_connection(&mut self, connection: &Connection) -> Result<(), Error>;

    /// Removes a connection and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_connection(&mut self, account: AccountId, id: ConnectionId) -> Result<bool, Error>;

    /// Takes the lease of a connection's renewal until a time, unless somebody has it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn lease_renewal(&mut self, id: ConnectionId, now: Timestamp, until: Timestamp) -> Result<bool, Error>;

    /// Sets an account's OAuth client at a service.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_oauth_client(
        &mut self,
        account: AccountId,
        at: &IntegrationName,
        client: &KeptClient,
    ) -> Result<(), Error>;

    /// Removes an account's OAuth client at a service and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_oauth_client(&mut self, account: AccountId, at: &IntegrationName) -> Result<bool, Error>;

    /// Sets one of an account's own integrations.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_own_integration(
        &mut self,
        account: AccountId,
        integration: &Integration,
        at: Timestamp,
    ) -> Result<(), Error>;

    /// Removes one of an account's own integrations and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_own_integration(&mut self, account: AccountId, name: &IntegrationName) -> Result<bool, Error>;

    /// Notes that leave was asked for.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the state is taken.
    fn insert_authorization(&mut self, pending: &PendingAuthorization) -> Result<(), Error>;

    /// Notes that an answer came, so that none counts after it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn use_authorization(&mut self, state: [u8; 32], at: Timestamp) -> Result<(), Error>;

    /// Removes leave that was asked for and whose time was over before a time, at most so much, and returns how much.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn remove_authorizations(&mut self, before: Timestamp, max: Limit) -> Result<u64, Error>;

    /// Sets what an account knows of a service's interface; what it knew before is gone.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_api_description(
        &mut self,
        account: AccountId,
        of: &IntegrationName,
        description: &KeptDescription,
        operations: &[Operation],
    ) -> Result<(), Error>;

    /// Removes what an account knows of a service's interface and returns whether it knew anything.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_api_description(&mut self, account: AccountId, of: &IntegrationName) -> Result<bool, Error>;
}
