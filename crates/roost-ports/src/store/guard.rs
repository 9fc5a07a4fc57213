use jiff::Timestamp;
use roost_domain::id::{AccountId, ApprovalId, KeyId, SessionId, TurnId};
use roost_domain::page::Limit;
use roost_domain::plan::Metered;
use roost_domain::policy::{Ruling, Version};
use roost_domain::subject::Subject;
use roost_domain::taint::Taint;
use serde_json::Value;

use super::Error;

/// One version of a subject's policy or permissions.
#[derive(Debug, Clone, PartialEq)]
pub struct Edition {
    /// Which one.
    pub version: Version,
    /// What it says; `None` where it was deleted.
    pub document: Option<Value>,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: String,
}

/// What kind of document is kept in editions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Policies.
    Policy,
    /// Permissions.
    Permissions,
}

impl Kept {
    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Permissions => "permissions",
        }
    }
}

/// What the gate decided about one call.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionEntry {
    /// The account.
    pub account: AccountId,
    /// Who wanted to act.
    pub subject: Subject,
    /// The key that asked, where an agent that runs elsewhere did.
    pub key: Option<KeyId>,
    /// The tool.
    pub tool: String,
    /// Its parameters; `None` where they were too long to be kept.
    pub parameters: Option<Value>,
    /// What was decided.
    pub ruling: Ruling,
    /// By which kind of rule.
    pub code: String,
    /// Why, in a sentence.
    pub reason: String,
    /// The rule of the policy, by its place.
    pub rule: Option<String>,
    /// The version of the policy that was asked.
    pub version: Option<Version>,
    /// The approval that was asked for.
    pub approval: Option<ApprovalId>,
    /// What the agent calls the run.
    pub run: Option<String>,
    /// What set it off.
    pub triggered_by: Option<String>,
    /// The session and turn, where the agent is hosted here.
    pub turn: Option<(SessionId, TurnId)>,
    /// When.
    pub at: Timestamp,
}

/// Which decisions a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DecisionFilter {
    /// Only those about this subject.
    pub subject: Option<Subject>,
    /// Only those at or after this time.
    pub since: Option<Timestamp>,
    /// Only those with this ruling.
    pub ruling: Option<Ruling>,
}

/// Looks at policies, permissions and what was decided by them.
pub trait Guards {
    /// Returns the number of the latest version, whether it is a deletion or not, and when it was made.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn latest_version(
        &self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
    ) -> Result<Option<(Version, Timestamp)>, Error>;

    /// Returns one version, or the latest.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn edition(
        &self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
        version: Option<Version>,
    ) -> Result<Option<Edition>, Error>;

    /// Returns versions, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn editions(
        &self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
        limit: Limit,
    ) -> Result<Vec<Edition>, Error>;

    /// Returns decisions, newest first, after the first `skip`, and how many there are in all.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn decisions(
        &self,
        account: AccountId,
        filter: &DecisionFilter,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<DecisionEntry>, u64), Error>;

    /// Returns how many calls of a run were allowed.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn allowed_in_run(&self, account: AccountId, subject: &Subject, run: &str) -> Result<u64, Error>;

    /// Returns when a key used something that is counted, after a time, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn metered_since(&self, key: KeyId, what: Metered, after: Timestamp) -> Result<Vec<Timestamp>, Error>;

    /// Returns where text in a session came from that others may have written.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn session_taint(&self, session: SessionId) -> Result<Option<Taint>, Error>;
}

/// Changes policies and permissions, and writes down what was decided by them.
pub trait GuardsMut {
    /// Adds a version.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the version is taken.
    fn insert_edition(
        &mut self,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
        edition: &Edition,
    ) -> Result<(), Error>;

    /// Adds a decision.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn insert_decision(&mut self, entry: &DecisionEntry) -> Result<(), Error>;

    /// Counts a use.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn meter(&mut self, key: KeyId, what: Metered, at: Timestamp) -> Result<(), Error>;

    /// Forgets uses up to a time.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn forget_metered(&mut self, until: Timestamp) -> Result<u64, Error>;

    /// Marks a session; the first mark stays.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn taint_session(&mut self, session: SessionId, taint: Taint) -> Result<(), Error>;
}
