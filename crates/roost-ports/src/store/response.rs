use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, ResponseId, TurnId};
use roost_domain::page::Limit;
use roost_domain::response::Response;

use super::Error;

/// Looks at answers that can be named, and at where conversations stand.
pub trait Responses {
    /// Returns one response of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn response(&self, account: AccountId, id: ResponseId) -> Result<Option<Response>, Error>;

    /// Returns the turn that answered a conversation with an agent, by the hash of what was told.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn marked(&self, agent: AgentId, fingerprint: [u8; 32]) -> Result<Option<TurnId>, Error>;
}

/// Changes answers that can be named, and where conversations stand.
pub trait ResponsesMut {
    /// Adds a response.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_response(&mut self, response: &Response) -> Result<(), Error>;

    /// Removes a response; returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_response(&mut self, account: AccountId, id: ResponseId) -> Result<bool, Error>;

    /// Removes responses of any account that are older than a time, the oldest first; returns how many.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_responses_before(&mut self, before: Timestamp, limit: Limit) -> Result<u64, Error>;

    /// Remembers which turn answers a conversation; the latest counts.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn mark(&mut self, agent: AgentId, fingerprint: [u8; 32], turn: TurnId) -> Result<(), Error>;
}
