//! Events: everything that happens to an agent. A session is a totally ordered log of them, and history, runs,
//! usage, audit and streams are views of it.

use std::fmt;

use jiff::Timestamp;

use crate::agent::FailureCategory;
use crate::approval::{Question, Verdict};
use crate::conversation::{Message, StopReason, Wishes};
use crate::id::{AgentId, ApprovalId, KnowledgeId, SessionId, SnapshotId, TurnId};
use crate::model::{ModelName, Usage};
use crate::session::Channel;
use crate::tool::{ToolCall, ToolCallId, ToolOutcome, ToolSpec};
use crate::unit::MicroUsd;

/// Where an event stands in its session: 1, 2, 3, … without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// Returns the place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry of a session's log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The agent it happened to.
    pub agent: AgentId,
    /// The log it stands in.
    pub session: SessionId,
    /// Where it stands.
    pub offset: Offset,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Something happened to the agent itself. Only in its journal.
    Journal(Journal),
    /// A session began.
    SessionStarted {
        /// How it is held.
        channel: Channel,
    },
    /// Something happened in a turn.
    Turn {
        /// The turn.
        turn: TurnId,
        /// What happened in it.
        event: TurnEvent,
    },
}

/// What can happen to an agent itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Journal {
    /// It was made.
    Created,
    /// It was started.
    Started,
    /// It was stopped.
    Stopped,
    /// It was started afresh.
    Restarted,
    /// Its loop was turned off.
    Paused,
    /// Its loop was turned on.
    Resumed,
    /// It was idle and its machine froze.
    Froze,
    /// It was needed and its machine thawed.
    Woke,
    /// Its configuration, documents or secrets changed.
    Changed {
        /// What, for people; never a value.
        what: String,
    },
    /// A snapshot of it was taken.
    Saved {
        /// The snapshot.
        snapshot: SnapshotId,
        /// What it was called.
        name: String,
    },
    /// Its files and documents became those of a snapshot again.
    Restored {
        /// The snapshot.
        snapshot: SnapshotId,
        /// What it was called.
        name: String,
    },
    /// It was made from another agent's state.
    Forked {
        /// The other agent.
        parent: AgentId,
        /// What the other was called.
        name: String,
    },
    /// It cannot go on.
    Failed {
        /// Whose problem it is.
        category: FailureCategory,
        /// A sentence for people.
        message: String,
    },
    /// A process in its machine tried to connect to a host.
    Connected {
        /// The host and port, as the process named them.
        target: String,
        /// Why it was refused; `None` if it was let through.
        refused: Option<String>,
    },
}

/// What can happen in a turn. Written before acting (an intent) or after (an outcome); [`crate::turn::step`]
/// says what follows from each.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEvent {
    /// The peer's message; begins the turn.
    MessageReceived {
        /// What the peer said.
        text: String,
        /// What the caller told about the peer, formatted.
        context: Option<String>,
    },
    /// What the agent knows of its peer and of the matter was looked up, for the model to read with the message.
    Recalled {
        /// What was found, best first, cut to what the model reads.
        entries: Vec<Recollection>,
    },
    /// What was said before the turn's message, as the caller tells it: the session does not have it.
    HistoryGiven {
        /// The messages, oldest first; every tool call among them is followed by its result.
        messages: Vec<Message>,
    },
    /// What the caller wants of the model calls that follow in the turn; the latest counts.
    CallerAsked {
        /// Tools that the caller runs itself, next to the agent's own.
        tools: Vec<ToolSpec>,
        /// How the model is to answer.
        wishes: Box<Wishes>,
    },
    /// What began the turn binds it: a step of a run.
    Confined {
        /// The model that is asked instead of the agent's.
        model: Option<ModelName>,
        /// The tools that may be used, by name; `None` is all that the agent has.
        tools: Option<Vec<String>>,
        /// What that is called which it is to make.
        title: Option<String>,
    },
    /// What is to be done instead of asking a model: these calls, and the turn is over with them.
    CallsGiven {
        /// The calls.
        calls: Vec<ToolCall>,
    },
    /// Intent: a model is about to be asked.
    ModelCalled {
        /// The model.
        model: ModelName,
        /// The most the call can cost, held back from the budget until the outcome.
        reserved: MicroUsd,
    },
    /// Outcome: the model answered, whole.
    ModelAnswered {
        /// What it said; empty when it only wanted tools.
        text: String,
        /// The tools it wanted.
        calls: Vec<ToolCall>,
        /// Why it stopped.
        stop: StopReason,
        /// What the call used.
        usage: Usage,
        /// What it cost.
        cost: MicroUsd,
    },
    /// Outcome: the model did not answer.
    ModelFailed {
        /// What went wrong.
        problem: Problem,
        /// Whether asking again may help.
        retryable: bool,
    },
    /// The server died while the model was answering; it is asked again.
    ModelLost,
    /// A person has to decide before the turn goes on.
    ApprovalRequested {
        /// The approval.
        approval: ApprovalId,
        /// The tool call that waits; `None` where the next model call waits.
        call: Option<ToolCallId>,
        /// What is asked.
        question: Question,
        /// What would be done, in one line.
        summary: String,
        /// Why a person is asked.
        reason: String,
        /// Until when it can be decided.
        expires_at: Timestamp,
    },
    /// A person decided, or nobody did in time.
    ApprovalDecided {
        /// The approval.
        approval: ApprovalId,
        /// The tool call that waited.
        call: Option<ToolCallId>,
        /// How it ended.
        verdict: Verdict,
        /// Who decided.
        by: Option<String>,
        /// What they said about it.
        note: Option<String>,
    },
    /// The gate refused a tool call; the model is told why.
    ToolBlocked {
        /// The call.
        call: ToolCallId,
        /// Why, and what would allow it.
        reason: String,
    },
    /// Intent: the gate allowed a tool call and it is about to run.
    ToolStarted {
        /// The call.
        call: ToolCallId,
        /// What it does, in one line.
        summary: String,
        /// Whether running it again after a crash does no harm.
        idempotent: bool,
    },
    /// Outcome: a tool call ended.
    ToolFinished {
        /// The call.
        call: ToolCallId,
        /// What came of it.
        outcome: ToolOutcome,
    },
    /// The server died while an idempotent tool ran; it is run again.
    ToolLost {
        /// The call.
        call: ToolCallId,
    },
    /// The agent asked its peer; the peer's next message is the answer.
    QuestionAsked {
        /// The call.
        call: ToolCallId,
        /// The question.
        question: String,
    },
    /// The peer answered.
    QuestionAnswered {
        /// The call.
        call: ToolCallId,
        /// The answer.
        answer: String,
    },
    /// The gate allowed a call of one of the caller's own tools, and it waits for what the caller makes of it.
    CallHandedOut {
        /// The call.
        call: ToolCallId,
    },
    /// The caller told what came of a call that was handed out to it, or nothing came of it.
    CallReturned {
        /// The call.
        call: ToolCallId,
        /// What came of it.
        outcome: ToolOutcome,
    },
    /// The agent handed a task to another; that agent's turn ends with the call's outcome.
    AgentAsked {
        /// The call.
        call: ToolCallId,
        /// The other agent.
        agent: AgentId,
        /// What it was called then.
        name: String,
        /// The session in which it does the task.
        session: SessionId,
        /// The turn in which it does.
        turn: TurnId,
    },
    /// Somebody wants the turn to stop.
    CancelRequested,
    /// The turn is over. Nothing follows in it.
    Ended {
        /// How.
        ending: Ending,
    },
}

/// Something that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recollection {
    /// Which entry it is.
    pub id: KnowledgeId,
    /// Whether it is remembered of the peer; else it is knowledge.
    pub memory: bool,
    /// Where it comes from.
    pub source: String,
    /// What it says.
    pub text: String,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The model gave its answer.
    Answered,
    /// It could not go on.
    Failed(Problem),
    /// Somebody stopped it.
    Cancelled,
}

/// Something that went wrong in a turn, for people and programs, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable, for programs: `model_unreachable`, `model_auth`, `too_many_rounds`, …
    pub code: String,
    /// A sentence for people.
    pub message: String,
}
