//! Runs of workflows: asked for, driven, watched, answered, stopped, and done again.
//!
//! A run is driven by [`Runs::advance`]: what is due in it is worked out from its state, templates are filled in outside
//! of any transaction, and then everything is written at once if the run's log is still where it was. What acts on the
//! world is a turn of the agent; when that ends, [`outcome()`] gives the run what came of it in the same transaction.

use std::time::Duration;

use roost_domain::id::RunId;

use crate::Core;

mod advance;
mod again;
mod answer;
mod begin;
mod budget;
mod cancel;
mod criteria;
mod give_up;
mod outcome;
mod page;
mod prepare;
mod request;
mod states;
mod subscribe;
mod turns;
mod view;
mod write;

pub use again::Again;
pub use answer::{AnswerRun, Answered};
pub use begin::CreateRun;
pub use page::{RunLink, RunPage};
pub use subscribe::RunSubscription;
pub use view::{FormView, ListRuns, PageRuns, RunView, StepView};

pub(crate) use answer::{ToAnswer, check, fields, take};
pub(crate) use begin::{CheckedInput, NewRun, begin, workflow_changed};
pub(crate) use budget::{Pay, budget, exceeded, pay};
pub(crate) use outcome::outcome;
pub(crate) use states::{Plans, States};
pub(crate) use view::view;

/// The use cases of runs, and what the runtime drives them with.
pub struct Runs<'a>(pub(crate) &'a Core);

/// What was done about runs that were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// How many runs were looked at; as many as were asked for means that there are more.
    pub looked_at: usize,
    /// After this, looking again makes sense even if nobody called.
    pub idle: Duration,
}

impl Runs<'_> {
    /// Lets the runtime look at what is due now: for whoever moves the clock, which tells nobody.
    pub fn look(&self) {
        self.0.runs_due.notify_one();
    }

    /// Waits until something happened to a run since the last call. Safe to drop.
    pub async fn woken(&self) {
        self.0.runs_due.notified().await;
    }
}

impl Core {
    /// Tells everybody who watches a run that its log went on, and the runtime that something may be due in it.
    pub(crate) fn run_went_on(&self, run: RunId) {
        self.hub.tick(run.log());
        self.runs_due.notify_one();
    }
}
