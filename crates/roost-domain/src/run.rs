//! Runs: one execution of a workflow, as a log of its own.
//!
//! What acts on the world is a turn of the agent, begun by a step: the gate, approvals, tools and recovery are the
//! turn's. Everything else in a run happens in the transaction that writes its event.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::event::{Offset, Problem};
use crate::id::{AccountId, AgentId, FormId, RunId, SessionId, TurnId};
use crate::model::Usage;
use crate::unit::MicroUsd;
use crate::workflow::StepId;

mod due;
mod plan;
mod scope;
mod state;

pub use due::{Act, Due};
pub use plan::{Plan, until};
pub use state::{State, StepState, StepStatus, Unexpected, size, step};

/// One execution of a workflow, as it is found again. What happened in it stands in its log.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Whose workflow it is.
    pub agent: AgentId,
    /// The version of the workflow that it keeps to: 1, 2, 3, …
    pub version: u64,
    /// Where it is.
    pub status: Status,
    /// What started it.
    pub cause: Cause,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its first step began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it has cost.
    pub cost: MicroUsd,
    /// What its models have used.
    pub usage: Usage,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Others of the same agent have to end first.
    Queued,
    /// It goes on by itself.
    Running,
    /// Nothing goes on until a person answers.
    WaitingForInput,
    /// It came to its output.
    Completed,
    /// It could not go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::WaitingForInput, Self::Completed, Self::Failed, Self::Cancelled];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::WaitingForInput => "waiting-for-input",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Tells whether nothing more happens in it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What started a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The trigger's name in the workflow; `manual` where somebody asked for the run.
    pub trigger: String,
    /// The trigger's kind.
    pub kind: &'static str,
    /// Who asked, for people: a key's name, an address.
    pub by: Option<String>,
    /// The run of which this is another, from one of its steps on.
    pub of: Option<RunId>,
}

impl Cause {
    /// Every kind of trigger.
    pub const KINDS: [&'static str; 5] = ["manual", "webhook", "cron", "integration", "continuous"];

    /// Somebody asked for the run.
    pub fn manual(by: impl Into<String>) -> Self {
        Self { trigger: "manual".to_owned(), kind: "manual", by: Some(by.into()), of: None }
    }
}

/// Names one step of a run: the step, and for steps within a for-each the places of the things, outermost first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepKey {
    /// The step.
    pub step: StepId,
    /// The places, from 0.
    pub places: Vec<u32>,
}

impl fmt::Display for StepKey {
    /// Prints `summarise`, `summarise[3]`, `summarise[3][0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.step)?;
        self.places.iter().try_for_each(|place| write!(f, "[{place}]"))
    }
}

/// One entry of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The run.
    pub run: RunId,
    /// Where it stands: 1, 2, 3, … without gaps.
    pub offset: Offset,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub event: RunEvent,
}

/// What can happen in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// It was asked for.
    Created {
        /// What it was given.
        input: Value,
        /// Outputs that are taken over from another run, where this is another try from one of its steps on.
        given: Vec<(StepKey, Value)>,
        /// Whether what it was given came from outside.
        tainted: bool,
    },
    /// A try of a step began.
    StepStarted {
        /// The step.
        step: StepKey,
        /// Which try: 1, 2, …
        attempt: u32,
        /// What it works with, templates filled in.
        inputs: Value,
        /// What is under way.
        doing: Doing,
        /// When the try is given up.
        deadline: Option<Timestamp>,
    },
    /// A turn came to an output, which is still to be held to the step's criteria.
    Produced {
        /// The step.
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// What it came to.
        output: Value,
        /// What the turn cost.
        cost: MicroUsd,
        /// What its models used.
        usage: Usage,
        /// Whether anything in the output may come from outside.
        tainted: bool,
    },
    /// A model is asked whether a step's output is good.
    JudgeAsked {
        /// The step.
        step: StepKey,
        /// Which of its criteria.
        criterion: u32,
        /// The output that is judged.
        output: Value,
        /// The turn that answers.
        turn: TurnId,
        /// The session in which it stands.
        session: SessionId,
    },
    /// A model said whether a step's output is good.
    Judged {
        /// The step.
        step: StepKey,
        /// Which of its criteria.
        criterion: u32,
        /// Whether it is.
        passes: bool,
        /// Why, in the model's words; or why it did not say.
        reason: String,
        /// What asking cost.
        cost: MicroUsd,
        /// What the model used.
        usage: Usage,
    },
    /// A person answered a form or a question of a step; or a webhook did in their name.
    Answered {
        /// The step.
        step: StepKey,
        /// What they said, as it was validated.
        answer: Value,
        /// Who: a key's name, or the page of the form.
        by: String,
        /// Whether it may come from outside: whoever has a link can write what they like.
        tainted: bool,
    },
    /// A step came to its output, and every criterion holds.
    StepSucceeded {
        /// The step.
        step: StepKey,
        /// What it came to.
        output: Value,
        /// What the try cost, as far as no event before told.
        cost: MicroUsd,
        /// What its models used, likewise.
        usage: Usage,
        /// Whether anything in the output may come from outside.
        tainted: bool,
    },
    /// A try of a step failed; one whose templates cannot be filled in fails without having begun.
    StepFailed {
        /// The step.
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// Why.
        problem: Problem,
        /// When it is tried again; `None` if it is not.
        retry_at: Option<Timestamp>,
        /// What the try cost, as far as no event before told.
        cost: MicroUsd,
        /// What its models used, likewise.
        usage: Usage,
    },
    /// A step is not done, since its branch was not taken.
    StepSkipped {
        /// The step.
        step: StepKey,
    },
    /// The time that the whole run may take is over; what is under way is called off.
    TimedOut,
    /// Somebody wants the run to stop.
    CancelRequested {
        /// Who.
        by: String,
    },
    /// The run is over. Nothing follows in it.
    Ended {
        /// How.
        ending: Ending,
    },
}

/// What is under way in a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Doing {
    /// A turn of the agent.
    Turn {
        /// The turn.
        turn: TurnId,
        /// The session in which it stands.
        session: SessionId,
    },
    /// A person fills in a form.
    Form {
        /// The form.
        form: FormId,
        /// What stands above it.
        title: String,
        /// What is explained.
        description: Option<String>,
        /// Until when; `None` is without limit.
        expires_at: Option<Timestamp>,
    },
    /// A person is asked yes or no.
    Question {
        /// Under which name they are asked, as a form of one question.
        form: FormId,
        /// What is asked.
        question: String,
        /// Until when; `None` is without limit.
        expires_at: Option<Timestamp>,
    },
    /// Time goes by.
    Wait {
        /// Until then.
        until: Timestamp,
    },
    /// The steps within it are done: of a case (by its place, `otherwise` being the last), of each thing of a list, or
    /// side by side.
    Within {
        /// What they are done for: the things of a for-each; `null` elsewhere.
        items: Value,
        /// Which case was taken, of a branch.
        case: Option<u32>,
    },
}

impl Doing {
    fn size(&self) -> usize {
        match self {
            Self::Turn { .. } | Self::Wait { .. } => 0,
            Self::Form { title, description, .. } => {
                title.len() + description.as_ref().map_or(0, String::len)
            }
            Self::Question { question, .. } => question.len(),
            Self::Within { items, .. } => size(items),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With an output.
    Completed {
        /// What it came to.
        output: Value,
    },
    /// It could not go on.
    Failed {
        /// The step that failed, if one did.
        step: Option<StepKey>,
        /// Why.
        problem: Problem,
    },
    /// Somebody stopped it.
    Cancelled,
}

impl Ending {
    /// The code of the problem of a run that was given up.
    const GIVEN_UP: &str = "internal";

    /// Returns the ending of a run that the server cannot let go on, whatever is under way in it.
    pub fn given_up(message: impl Into<String>) -> Self {
        let problem = Problem { code: Self::GIVEN_UP.to_owned(), message: message.into() };
        Self::Failed { step: None, problem }
    }

    /// Tells whether the run was given up: it may end so while steps are under way.
    pub fn is_given_up(&self) -> bool {
        matches!(self, Self::Failed { step: None, problem } if problem.code == Self::GIVEN_UP)
    }
}

impl RunEvent {
    /// Returns the step that it is about, if it is about one.
    pub const fn step(&self) -> Option<&StepKey> {
        match self {
            Self::StepStarted { step, .. }
            | Self::Produced { step, .. }
            | Self::JudgeAsked { step, .. }
            | Self::Judged { step, .. }
            | Self::Answered { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepSkipped { step } => Some(step),
            Self::Created { .. } | Self::TimedOut | Self::CancelRequested { .. } | Self::Ended { .. } => None,
        }
    }

    /// Returns about how many bytes it takes in a log.
    pub fn size(&self) -> usize {
        const FRAME: usize = 200;
        let held = match self {
            Self::Created { input, given, .. } => {
                size(input) + given.iter().map(|(_, output)| size(output)).sum::<usize>()
            }
            Self::StepStarted { inputs, doing, .. } => size(inputs) + doing.size(),
            Self::Produced { output, .. }
            | Self::JudgeAsked { output, .. }
            | Self::StepSucceeded { output, .. } => size(output),
            Self::Answered { answer, .. } => size(answer),
            Self::Judged { reason, .. } => reason.len(),
            Self::StepFailed { problem, .. } => problem.message.len(),
            Self::Ended { ending: Ending::Completed { output } } => size(output),
            Self::Ended { ending: Ending::Failed { .. } | Ending::Cancelled }
            | Self::StepSkipped { .. }
            | Self::TimedOut
            | Self::CancelRequested { .. } => 0,
        };
        FRAME + held
    }

    /// Returns its name in records and on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::StepStarted { .. } => "step_started",
            Self::Produced { .. } => "produced",
            Self::JudgeAsked { .. } => "judge_asked",
            Self::Judged { .. } => "judged",
            Self::Answered { .. } => "answered",
            Self::StepSucceeded { .. } => "step_succeeded",
            Self::StepFailed { .. } => "step_failed",
            Self::StepSkipped { .. } => "step_skipped",
            Self::TimedOut => "timed_out",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::Ended { .. } => "ended",
        }
    }
}

/// A text that names no step of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no step; write its name, and in a for-each the place of the thing: summarise[3]")]
pub struct InvalidStepKey(pub String);

impl std::str::FromStr for StepKey {
    type Err = InvalidStepKey;

    fn from_str(text: &str) -> Result<Self, InvalidStepKey> {
        let invalid = || InvalidStepKey(text.chars().take(80).collect());
        let (step, places) = match text.find('[') {
            None => (text, ""),
            Some(at) => text.split_at(at),
        };
        if step.is_empty() {
            return Err(invalid());
        }
        let mut rest = places;
        let mut places = Vec::new();
        while !rest.is_empty() {
            let (place, after) =
                rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).ok_or_else(invalid)?;
            places.push(place.parse().map_err(|_| invalid())?);
            rest = after;
        }
        Ok(Self { step: StepId(step.to_owned()), places })
    }
}

#[cfg(test)]
mod tests;
