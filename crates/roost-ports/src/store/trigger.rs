use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId, RunId, TriggerId};
use roost_domain::page::Limit;
use roost_domain::trigger::{Fire, Standing};

use super::Error;
use crate::vault::{KeyHash, Sealed};

/// The most triggers that one workflow has.
pub const TRIGGERS_MAX: u32 = 100;

/// The address of a trigger and what requests to it are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerSecrets {
    /// The hash of the token in its URL, under which it is found.
    pub token_hash: KeyHash,
    /// The token.
    pub token: Sealed,
    /// The secret that holds.
    pub secret: Sealed,
    /// The one before, and until when it is taken too.
    pub before: Option<(Sealed, Timestamp)>,
}

/// Names a message that came to a trigger, so that it is known when it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageHash(pub [u8; 32]);

/// Looks at triggers.
pub trait Triggers {
    /// Returns the trigger of an agent that has a name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn trigger_named(&self, agent: AgentId, name: &str) -> Result<Option<Standing>, Error>;

    /// Returns one trigger of any account, for whoever knows of it by other means.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn trigger(&self, id: TriggerId) -> Result<Option<Standing>, Error>;

    /// Returns the triggers of an agent by name, at most [`TRIGGERS_MAX`].
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn triggers_of(&self, account: AccountId, agent: AgentId) -> Result<Vec<Standing>, Error>;

    /// Returns the trigger to whose URL a token belongs, of any account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn trigger_at(&self, token: &KeyHash) -> Result<Option<Standing>, Error>;

    /// Returns the address and the secrets of a trigger, if it has any.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn trigger_secrets(&self, id: TriggerId) -> Result<Option<TriggerSecrets>, Error>;

    /// Returns the triggers of any account that are due, those first that have been for longest.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn due_triggers(&self, now: Timestamp, limit: Limit) -> Result<Vec<TriggerId>, Error>;

    /// Returns when the next trigger of any account is due.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn next_trigger_at(&self) -> Result<Option<Timestamp>, Error>;

    /// Returns the trigger that waits for a run to be over.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn trigger_after(&self, run: RunId) -> Result<Option<Standing>, Error>;

    /// Returns triggers of any account that wait for a run to be over, by id, from after `after` on.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn waiting_triggers(
        &self,
        after: Option<TriggerId>,
        limit: Limit,
    ) -> Result<Vec<(TriggerId, RunId)>, Error>;

    /// Returns the times that a trigger fired by the clock, or should have, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn trigger_fires(&self, id: TriggerId, limit: Limit) -> Result<Vec<Fire>, Error>;

    /// Tells whether a trigger has fired, or should have, for a time.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn has_fired(&self, id: TriggerId, due_at: Timestamp) -> Result<bool, Error>;

    /// Returns the run that a message began which came to a trigger, if it is remembered.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn run_of_message(&self, id: TriggerId, message: &MessageHash) -> Result<Option<RunId>, Error>;
}

/// Changes triggers.
pub trait TriggersMut {
    /// Adds a trigger.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken, or the agent has one of the name.
    fn insert_trigger(&mut self, trigger: &Standing) -> Result<(), Error>;

    /// Writes a trigger that is there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_trigger(&mut self, trigger: &Standing) -> Result<(), Error>;

    /// Gives a trigger that is there an address and secrets, or others; `None` takes them away.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if another one has the address.
    fn put_trigger_secrets(&mut self, id: TriggerId, secrets: Option<&TriggerSecrets>) -> Result<(), Error>;

    /// Removes a trigger with all that is known of it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_trigger(&mut self, id: TriggerId) -> Result<(), Error>;

    /// Writes down that a trigger fired, or should have.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if it has fired for that time.
    fn insert_fire(&mut self, id: TriggerId, fire: &Fire) -> Result<(), Error>;

    /// Remembers which run a message began, until what is from before a time after `at` is forgotten; with
    /// [`Timestamp::MAX`] until [`TriggersMut::release_messages`].
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if it is remembered.
    fn insert_message(
        &mut self,
        id: TriggerId,
        message: &MessageHash,
        run: RunId,
        at: Timestamp,
    ) -> Result<(), Error>;

    /// Lets those messages of a trigger be forgotten some time after `at` that were to be remembered for good.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn release_messages(&mut self, id: TriggerId, at: Timestamp) -> Result<(), Error>;

    /// Forgets fires and messages from before a time, at most so many of each, and returns how many.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn forget_fires(&mut self, before: Timestamp, max: Limit) -> Result<u64, Error>;
}
