use jiff::Timestamp;
use roost_domain::event::Offset;
use roost_domain::id::{AccountId, AgentId, FormId, RunId, SessionId, TurnId};
use roost_domain::model::Usage;
use roost_domain::page::{Limit, Page};
use roost_domain::run::{Entry, Run, RunEvent, Status, StepKey};
use roost_domain::unit::MicroUsd;

use super::Error;

/// A run with what drives it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRun {
    /// The run. Its cost is what it has spent.
    pub run: Run,
    /// Where its log ends.
    pub offset: Offset,
    /// When it is to be looked at next, if nothing happens before; `None` if time alone changes nothing.
    pub due_at: Option<Timestamp>,
    /// What is held back for model calls under way.
    pub reserved: MicroUsd,
}

/// Which runs a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunFilter {
    /// The agent.
    pub agent: AgentId,
    /// Only those that are here.
    pub status: Option<Status>,
    /// Where a status is wanted, those too that are queued.
    pub or_queued: bool,
}

/// Where a list of runs goes on: after this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunCursor {
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Its id.
    pub id: RunId,
}

/// Where a run is now, as its log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunProgress {
    /// Where it is.
    pub status: Status,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it is to be looked at next.
    pub due_at: Option<Timestamp>,
    /// What its models have used.
    pub usage: Usage,
}

/// A form of a run, as it is found by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptForm {
    /// Its id.
    pub id: FormId,
    /// The run.
    pub run: RunId,
    /// The step that asks.
    pub step: StepKey,
    /// Where it is.
    pub status: FormStatus,
    /// Since when people can answer.
    pub opened_at: Timestamp,
    /// Until when; `None` is without limit.
    pub expires_at: Option<Timestamp>,
    /// When it was answered or closed.
    pub closed_at: Option<Timestamp>,
}

/// Where a form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FormStatus {
    /// It waits for an answer.
    Open,
    /// It was answered.
    Answered,
    /// Nobody needs its answer any more.
    Closed,
}

impl FormStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Answered, Self::Closed];

    /// Returns its name in records and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Closed => "closed",
        }
    }
}

/// The step of a run that a turn is done for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfRun {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepKey,
    /// Which try of it.
    pub attempt: u32,
    /// The criterion that it judges; `None` where it does the step itself.
    pub criterion: Option<u32>,
}

/// Looks at runs.
pub trait Runs {
    /// Returns one run of an agent.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn run(&self, account: AccountId, agent: AgentId, id: RunId) -> Result<Option<KeptRun>, Error>;

    /// Returns one run of whatever account, for what is done in its name.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn run_of_any_account(&self, id: RunId) -> Result<Option<KeptRun>, Error>;

    /// Returns runs of an agent, the one that was asked for last first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn runs(
        &self,
        filter: &RunFilter,
        after: Option<&RunCursor>,
        limit: Limit,
    ) -> Result<Page<Run, RunCursor>, Error>;

    /// Returns runs of an agent after the first `skip`, in the same order, and how many there are in all.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn runs_from(&self, filter: &RunFilter, skip: u64, limit: Limit) -> Result<(Vec<Run>, u64), Error>;

    /// Returns the entries of a run's log after an offset, in order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn run_entries(&self, run: RunId, after: Offset, limit: Limit) -> Result<Vec<Entry>, Error>;

    /// Returns runs that are to be looked at by a time, the one that has waited longest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn due_runs(&self, by: Timestamp, limit: Limit) -> Result<Vec<KeptRun>, Error>;

    /// Returns when the next run is to be looked at, which may be in the past.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn next_run_at(&self) -> Result<Option<Timestamp>, Error>;

    /// Returns how many runs of an agent are here, counting no further than `most`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn count_runs(&self, agent: AgentId, status: Status, most: u32) -> Result<u32, Error>;

    /// Returns the runs of an agent that wait for others to end, the one that was asked for first first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn queued_runs(&self, agent: AgentId, limit: Limit) -> Result<Vec<KeptRun>, Error>;

    /// Returns a form.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn form(&self, id: FormId) -> Result<Option<KeptForm>, Error>;

    /// Returns the forms of a run, all or only those that are here, the one that was opened first first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn forms_of(&self, run: RunId, status: Option<FormStatus>, limit: Limit) -> Result<Vec<KeptForm>, Error>;

    /// Returns the turns of a run that are not over, oldest first, at most 10,000; those that others do for them too.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn open_turns_of_run(&self, run: RunId) -> Result<Vec<(TurnId, SessionId)>, Error>;
}

/// Changes runs.
pub trait RunsMut {
    /// Adds a run, whose log is empty.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_run(&mut self, run: &KeptRun) -> Result<(), Error>;

    /// Appends to a run's log and returns where it ends then.
    ///
    /// # Errors
    ///
    /// [`Error`] if there is no such run.
    fn append_run(&mut self, run: RunId, at: Timestamp, events: &[RunEvent]) -> Result<Offset, Error>;

    /// Writes where a run is.
    ///
    /// # Errors
    ///
    /// [`Error`] if there is no such run.
    fn set_run_progress(&mut self, run: RunId, progress: &RunProgress) -> Result<(), Error>;

    /// Lets a run be looked at, at a time or before; one that is over stays.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn wake_run(&mut self, run: RunId, at: Timestamp) -> Result<(), Error>;

    /// Lets every run of an agent that is not over be looked at. Returns how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn wake_runs_of(&mut self, agent: AgentId, at: Timestamp) -> Result<u64, Error>;

    /// Holds back what a model call may cost.
    ///
    /// # Errors
    ///
    /// [`Error`] if there is no such run.
    fn reserve_of_run(&mut self, run: RunId, amount: MicroUsd) -> Result<(), Error>;

    /// Gives back what was held for a call and books what it cost. A run that was deleted meanwhile is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if more is given back than is held.
    fn settle_of_run(&mut self, run: RunId, reserved: MicroUsd, spent: MicroUsd) -> Result<(), Error>;

    /// Adds a form, which waits for an answer.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_form(&mut self, form: &KeptForm) -> Result<(), Error>;

    /// Closes a form that waits; returns `false` if it does not.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn close_form(&mut self, id: FormId, status: FormStatus, at: Timestamp) -> Result<bool, Error>;

    /// Removes a run with its log, its forms, its turns and what was said in them. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_run(&mut self, account: AccountId, agent: AgentId, id: RunId) -> Result<bool, Error>;
}
