//! The turn: one pass of the agent loop, as a pure step function over the log.
//!
//! [`step`] folds one event into the state and says what is due now. It decides nothing about leave (that is
//! [`crate::gate`]) and acts on nothing (that is the runtime): intents and outcomes come back as events. What is
//! due depends on the state alone, so folding the same log always leads to the same acts, before a crash and
//! after it.

use std::time::Duration;

use crate::approval::{Question, Verdict};
use crate::conversation::StopReason;
use crate::event::{Ending, Problem, TurnEvent};
use crate::gate::Used;
use crate::id::ApprovalId;
use crate::knowledge::is_memorable;
use crate::tool::{ToolCall, ToolCallId};

/// How often a model call that failed in passing is tried again within a turn, one after the other.
const MODEL_RETRIES: u32 = 2;

/// A turn as its events have left it.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    phase: Phase,
    calls: Vec<Call>,
    rounds: u32,
    max_rounds: u32,
    failures: u32,
    cancelled: bool,
    tool_calls: u64,
    tokens: u64,
    /// Whether something was looked up for the message.
    recalled: bool,
    /// Whether the peer said something that may be worth remembering.
    memorable: bool,
    /// The names of the caller's own tools.
    offered: Vec<String>,
    /// Whether the turn is over with the calls that it has.
    given: bool,
    /// The only tools that may be used, where what began the turn says so.
    tools: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Nothing happened yet.
    New,
    /// The model has to be asked; with the approval that lets it, if one was needed.
    Due { leave: Option<ApprovalId> },
    /// A person decides whether the model may be asked.
    AwaitingLeave(ApprovalId),
    /// The model is being asked.
    Thinking,
    /// The model wanted tools.
    Acting,
    /// Nothing more can happen but the end.
    Ending(Ending),
    /// It is over.
    Ended(Ending),
}

#[derive(Debug, Clone, PartialEq)]
struct Call {
    call: ToolCall,
    status: Status,
    /// Whether its tool is the caller's own, which was so when the model asked for it.
    is_callers: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Status {
    Due { leave: Option<ApprovalId> },
    AwaitingLeave(ApprovalId),
    AwaitingPeer,
    AwaitingCaller,
    AwaitingAgent,
    Running { idempotent: bool },
    Done,
}

/// Something to be done now.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Ask the gate, then the model.
    AskModel {
        /// The approval that lets it, if one was needed.
        leave: Option<ApprovalId>,
    },
    /// Ask the gate, then use the tool.
    UseTool {
        /// What the model wants.
        call: ToolCall,
        /// The approval that lets it, if one was needed.
        leave: Option<ApprovalId>,
    },
    /// Ask the gate, then give the call to the caller, whose own tool it is.
    HandOut {
        /// What the model wants.
        call: ToolCall,
        /// The approval that lets it, if one was needed.
        leave: Option<ApprovalId>,
    },
    /// End the turn.
    End(Ending),
}

/// Something that was under way when the server died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// A model call: asking again does no harm.
    Model,
    /// A tool call that can be repeated without harm.
    Repeatable(ToolCallId),
    /// A tool call that may or may not have been done: a person has to say.
    Unknown(ToolCallId),
}

/// An event that cannot follow what happened before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a turn that is {phase} cannot take the event {event}")]
pub struct Unexpected {
    phase: &'static str,
    event: &'static str,
}

impl State {
    /// Returns a turn in which nothing has happened yet. It ends as failed when the model wants to be asked more
    /// than `max_rounds` times.
    pub const fn new(max_rounds: u32) -> Self {
        Self {
            phase: Phase::New,
            calls: Vec::new(),
            rounds: 0,
            max_rounds,
            failures: 0,
            cancelled: false,
            tool_calls: 0,
            tokens: 0,
            recalled: false,
            memorable: false,
            offered: Vec::new(),
            given: false,
            tools: None,
        }
    }

    /// Returns how the turn ended, if it did.
    pub const fn ended(&self) -> Option<&Ending> {
        if let Phase::Ended(ending) = &self.phase { Some(ending) } else { None }
    }

    /// Tells whether somebody wants the turn to stop: what is under way is to be cut short.
    pub const fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Returns how often the model was asked.
    pub const fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Returns what the turn has used when it is `age` old: tool calls that were begun, tokens of the model's answers.
    pub const fn used(&self, age: Duration) -> Used {
        Used { tool_calls: self.tool_calls, tokens: self.tokens, time: age }
    }

    /// Tells whether the model is about to read the message for the first time and nothing was looked up for it.
    pub const fn may_recall(&self) -> bool {
        matches!(self.phase, Phase::Due { .. }) && self.rounds == 0 && !self.recalled && !self.cancelled
    }

    /// Tells whether the peer said something that may be worth remembering.
    pub const fn is_memorable(&self) -> bool {
        self.memorable
    }

    /// Returns how many model calls in a row failed in passing.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the tool call that waits for the peer's answer, if one does: the first, where several do.
    pub fn question(&self) -> Option<&ToolCallId> {
        self.calls.iter().find(|call| call.status == Status::AwaitingPeer).map(|call| &call.call.id)
    }

    /// Returns the calls that were handed out to the caller and have not come back, in the model's order.
    pub fn handed_out(&self) -> Vec<&ToolCall> {
        let handed_out = self.calls.iter().filter(|call| call.status == Status::AwaitingCaller);
        handed_out.map(|call| &call.call).collect()
    }

    /// Tells whether the turn waits for its caller alone: some calls are handed out, and all others are done.
    pub fn waits_for_caller(&self) -> bool {
        let settled = |call: &Call| matches!(call.status, Status::AwaitingCaller | Status::Done);
        !self.cancelled && !self.handed_out().is_empty() && self.calls.iter().all(settled)
    }

    /// Tells whether the turn can only go on when a person or another agent did something: nothing is due and nothing
    /// runs.
    pub fn is_waiting(&self) -> bool {
        !self.is_under_way()
            && self.due().is_empty()
            && match &self.phase {
                Phase::AwaitingLeave(_) => true,
                Phase::Acting => self.calls.iter().any(|call| call.status != Status::Done),
                Phase::New | Phase::Due { .. } | Phase::Thinking | Phase::Ending(_) | Phase::Ended(_) => {
                    false
                }
            }
    }

    /// Returns what had been begun and not ended. Whoever claims a dead process's turn asks this first.
    pub fn lost(&self) -> Vec<Lost> {
        if self.phase == Phase::Thinking {
            return vec![Lost::Model];
        }
        self.calls
            .iter()
            .filter_map(|call| match call.status {
                Status::Running { idempotent: true } => Some(Lost::Repeatable(call.call.id.clone())),
                Status::Running { idempotent: false } => Some(Lost::Unknown(call.call.id.clone())),
                Status::Due { .. }
                | Status::AwaitingLeave(_)
                | Status::AwaitingPeer
                | Status::AwaitingCaller
                | Status::AwaitingAgent
                | Status::Done => None,
            })
            .collect()
    }

    /// Returns a tool call of the current round.
    pub fn call(&self, id: &ToolCallId) -> Option<&ToolCall> {
        self.calls.iter().map(|call| &call.call).find(|call| call.id == *id)
    }

    /// Tells whether what began the turn lets it use a tool.
    pub fn may_use(&self, tool: &str) -> bool {
        self.given || self.tools.as_ref().is_none_or(|tools| tools.iter().any(|name| name == tool))
    }

    /// Returns the tool calls that run now.
    pub fn running(&self) -> Vec<ToolCallId> {
        self.calls
            .iter()
            .filter(|call| matches!(call.status, Status::Running { .. }))
            .map(|call| call.call.id.clone())
            .collect()
    }

    /// Returns what is due now, in order. Acts of one list do not depend on each other and may run at once.
    pub fn due(&self) -> Vec<Act> {
        if let Phase::Ended(_) = self.phase {
            return Vec::new();
        }
        if self.cancelled {
            return if self.is_under_way() { Vec::new() } else { vec![Act::End(Ending::Cancelled)] };
        }
        match &self.phase {
            Phase::Due { leave: _ } if self.rounds >= self.max_rounds => {
                vec![Act::End(Ending::Failed(too_many_rounds(self.max_rounds)))]
            }
            Phase::Due { leave } => vec![Act::AskModel { leave: *leave }],
            Phase::Acting => self.calls.iter().filter_map(due_call).collect(),
            Phase::Ending(ending) => vec![Act::End(ending.clone())],
            Phase::New | Phase::AwaitingLeave(_) | Phase::Thinking | Phase::Ended(_) => Vec::new(),
        }
    }

    fn is_under_way(&self) -> bool {
        self.phase == Phase::Thinking
            || self.calls.iter().any(|call| matches!(call.status, Status::Running { .. }))
    }

    const fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::New => "new",
            Phase::Due { .. } => "about to ask the model",
            Phase::AwaitingLeave(_) => "waiting for leave to ask the model",
            Phase::Thinking => "asking the model",
            Phase::Acting => "using tools",
            Phase::Ending(_) => "about to end",
            Phase::Ended(_) => "over",
        }
    }
}

fn due_call(call: &Call) -> Option<Act> {
    match &call.status {
        Status::Due { leave } if call.is_callers => {
            Some(Act::HandOut { call: call.call.clone(), leave: *leave })
        }
        Status::Due { leave } => Some(Act::UseTool { call: call.call.clone(), leave: *leave }),
        Status::AwaitingLeave(_)
        | Status::AwaitingPeer
        | Status::AwaitingCaller
        | Status::AwaitingAgent
        | Status::Running { .. }
        | Status::Done => None,
    }
}

fn too_many_rounds(max: u32) -> Problem {
    Problem {
        code: "too_many_rounds".to_owned(),
        message: format!(
            "The agent asked its model {max} times in one turn without coming to an answer. Raise config.maxRounds \
             to let it go on longer"
        ),
    }
}

/// Folds one event into a turn and returns what is due then.
///
/// # Errors
///
/// [`Unexpected`] if the event cannot follow; in particular nothing follows the end.
pub fn step(mut state: State, event: &TurnEvent) -> Result<(State, Vec<Act>), Unexpected> {
    apply(&mut state, event)
        .ok_or_else(|| Unexpected { phase: state.phase_name(), event: event_name(event) })?;
    let due = state.due();
    Ok((state, due))
}

fn apply(state: &mut State, event: &TurnEvent) -> Option<()> {
    match event {
        TurnEvent::MessageReceived { text, .. } => (state.phase == Phase::New).then(|| {
            state.phase = Phase::Due { leave: None };
            state.memorable = is_memorable(text);
        }),
        TurnEvent::Recalled { .. } => {
            (matches!(state.phase, Phase::Due { .. }) && !state.recalled).then(|| state.recalled = true)
        }
        TurnEvent::HistoryGiven { .. } => {
            (state.rounds == 0 && matches!(state.phase, Phase::Due { .. })).then_some(())
        }
        TurnEvent::CallerAsked { tools, .. } => {
            let open = !matches!(state.phase, Phase::New | Phase::Ended(_));
            open.then(|| state.offered = tools.iter().map(|tool| tool.name.clone()).collect())
        }
        TurnEvent::Confined { tools, .. } => {
            let fresh = state.rounds == 0 && matches!(state.phase, Phase::Due { .. });
            fresh.then(|| state.tools.clone_from(tools))
        }
        TurnEvent::CallsGiven { calls } => {
            let fresh = state.rounds == 0 && !state.given && matches!(state.phase, Phase::Due { .. });
            fresh.then(|| calls_given(state, calls))
        }
        TurnEvent::ModelCalled { .. } => matches!(state.phase, Phase::Due { .. }).then(|| {
            state.phase = Phase::Thinking;
            state.rounds += 1;
        }),
        TurnEvent::ModelAnswered { text, calls, stop, usage, .. } => thinking(state).map(|()| {
            state.tokens = state.tokens.saturating_add(usage.input.0).saturating_add(usage.output.0);
            answered(state, text, calls, *stop);
        }),
        TurnEvent::ModelFailed { problem, retryable } => {
            thinking(state).map(|()| model_failed(state, problem, *retryable))
        }
        TurnEvent::ModelLost => thinking(state).map(|()| {
            state.rounds -= 1;
            state.phase = Phase::Due { leave: None };
        }),
        TurnEvent::ApprovalRequested { approval, call, question, .. } => {
            approval_requested(state, *approval, call.as_ref(), *question)
        }
        TurnEvent::ApprovalDecided { approval, call, verdict, .. } => {
            approval_decided(state, *approval, call.as_ref(), *verdict)
        }
        TurnEvent::ToolBlocked { call, .. } => {
            settle(state, call, |status| matches!(status, Status::Due { .. }), Status::Done)
        }
        TurnEvent::ToolStarted { call, idempotent, .. } => {
            let running = Status::Running { idempotent: *idempotent };
            settle(state, call, |status| matches!(status, Status::Due { .. }), running)
                .map(|()| state.tool_calls += 1)
        }
        TurnEvent::ToolFinished { call, .. } => {
            let may_finish = |status: &Status| {
                matches!(status, Status::Running { .. } | Status::Due { .. } | Status::AwaitingAgent)
            };
            settle(state, call, may_finish, Status::Done)
        }
        TurnEvent::ToolLost { call } => {
            let repeatable = |status: &Status| matches!(status, Status::Running { idempotent: true });
            settle(state, call, repeatable, Status::Due { leave: None })
        }
        TurnEvent::QuestionAsked { call, .. } => {
            settle(state, call, |status| matches!(status, Status::Due { .. }), Status::AwaitingPeer)
        }
        TurnEvent::QuestionAnswered { call, answer } => {
            state.memorable |= is_memorable(answer);
            settle(state, call, |status| *status == Status::AwaitingPeer, Status::Done)
        }
        TurnEvent::CallHandedOut { call } => {
            let is_callers = state.calls.iter().any(|known| known.call.id == *call && known.is_callers);
            let due = |status: &Status| matches!(status, Status::Due { .. });
            is_callers
                .then(|| settle(state, call, due, Status::AwaitingCaller))
                .flatten()
                .map(|()| state.tool_calls += 1)
        }
        TurnEvent::CallReturned { call, .. } => {
            settle(state, call, |status| *status == Status::AwaitingCaller, Status::Done)
        }
        TurnEvent::AgentAsked { call, .. } => {
            settle(state, call, |status| matches!(status, Status::Due { .. }), Status::AwaitingAgent)
                .map(|()| state.tool_calls += 1)
        }
        TurnEvent::CancelRequested => {
            let open = !matches!(state.phase, Phase::New | Phase::Ended(_));
            open.then(|| state.cancelled = true)
        }
        TurnEvent::Ended { ending } => {
            let open = !matches!(state.phase, Phase::New | Phase::Ended(_));
            (open && !state.is_under_way()).then(|| state.phase = Phase::Ended(ending.clone()))
        }
    }
}

fn thinking(state: &State) -> Option<()> {
    (state.phase == Phase::Thinking).then_some(())
}

fn calls_given(state: &mut State, calls: &[ToolCall]) {
    state.given = true;
    // What is prescribed is no sign of anything that the peer said.
    state.memorable = false;
    let due =
        |call: &ToolCall| Call { call: call.clone(), status: Status::Due { leave: None }, is_callers: false };
    state.calls = calls.iter().map(due).collect();
    state.phase = if calls.is_empty() { Phase::Ending(Ending::Answered) } else { Phase::Acting };
}

fn answered(state: &mut State, text: &str, calls: &[ToolCall], stop: StopReason) {
    state.failures = 0;
    if !calls.is_empty() {
        let due = |call: &ToolCall| Call {
            call: call.clone(),
            status: Status::Due { leave: None },
            is_callers: state.offered.contains(&call.tool),
        };
        state.calls = calls.iter().map(due).collect();
        state.phase = Phase::Acting;
        return;
    }
    let problem = |code: &str, message: &str| {
        Ending::Failed(Problem { code: code.to_owned(), message: message.to_owned() })
    };
    state.phase = Phase::Ending(match stop {
        StopReason::Refused if text.is_empty() => problem("model_declined", "The model declined to answer"),
        StopReason::MaxOutput if text.is_empty() => {
            problem("output_limit", "The model reached its output limit before it said anything")
        }
        StopReason::EndTurn | StopReason::ToolUse | StopReason::MaxOutput | StopReason::Refused => {
            Ending::Answered
        }
    });
}

fn model_failed(state: &mut State, problem: &Problem, retryable: bool) {
    state.failures += 1;
    state.phase = if retryable && state.failures <= MODEL_RETRIES {
        state.rounds -= 1;
        Phase::Due { leave: None }
    } else {
        Phase::Ending(Ending::Failed(problem.clone()))
    };
}

fn approval_requested(
    state: &mut State,
    approval: ApprovalId,
    call: Option<&ToolCallId>,
    question: Question,
) -> Option<()> {
    match call {
        Some(call) => {
            let expected = |status: &Status| match question {
                Question::MayAct => matches!(status, Status::Due { .. }),
                Question::RunAgain => matches!(status, Status::Running { idempotent: false }),
            };
            settle(state, call, expected, Status::AwaitingLeave(approval))
        }
        None => {
            matches!(state.phase, Phase::Due { .. }).then(|| state.phase = Phase::AwaitingLeave(approval))
        }
    }
}

fn approval_decided(
    state: &mut State,
    approval: ApprovalId,
    call: Option<&ToolCallId>,
    verdict: Verdict,
) -> Option<()> {
    let approved = verdict == Verdict::Approved;
    match call {
        Some(call) => {
            let next = if approved { Status::Due { leave: Some(approval) } } else { Status::Done };
            settle(state, call, |status| *status == Status::AwaitingLeave(approval), next)
        }
        None if state.phase == Phase::AwaitingLeave(approval) => {
            state.phase = if approved {
                Phase::Due { leave: Some(approval) }
            } else {
                Phase::Ending(Ending::Failed(Problem {
                    code: "approval_refused".to_owned(),
                    message: format!("Asking the model needed an approval, which was {}", verdict.status()),
                }))
            };
            Some(())
        }
        None => None,
    }
}

/// Moves a call from an expected status to the next, and the turn on to the model when it was the last.
fn settle(
    state: &mut State,
    id: &ToolCallId,
    expected: impl Fn(&Status) -> bool,
    next: Status,
) -> Option<()> {
    if state.phase != Phase::Acting {
        return None;
    }
    let call = state.calls.iter_mut().find(|call| call.call.id == *id)?;
    if !expected(&call.status) {
        return None;
    }
    call.status = next;
    if state.calls.iter().all(|call| call.status == Status::Done) {
        state.phase = if state.given { Phase::Ending(Ending::Answered) } else { Phase::Due { leave: None } };
    }
    Some(())
}

const fn event_name(event: &TurnEvent) -> &'static str {
    match event {
        TurnEvent::MessageReceived { .. } => "message received",
        TurnEvent::Recalled { .. } => "recalled",
        TurnEvent::HistoryGiven { .. } => "history given",
        TurnEvent::CallerAsked { .. } => "caller asked",
        TurnEvent::Confined { .. } => "confined",
        TurnEvent::CallsGiven { .. } => "calls given",
        TurnEvent::ModelCalled { .. } => "model called",
        TurnEvent::ModelAnswered { .. } => "model answered",
        TurnEvent::ModelFailed { .. } => "model failed",
        TurnEvent::ModelLost => "model lost",
        TurnEvent::ApprovalRequested { .. } => "approval requested",
        TurnEvent::ApprovalDecided { .. } => "approval decided",
        TurnEvent::ToolBlocked { .. } => "tool blocked",
        TurnEvent::ToolStarted { .. } => "tool started",
        TurnEvent::ToolFinished { .. } => "tool finished",
        TurnEvent::ToolLost { .. } => "tool lost",
        TurnEvent::QuestionAsked { .. } => "question asked",
        TurnEvent::QuestionAnswered { .. } => "question answered",
        TurnEvent::CallHandedOut { .. } => "call handed out",
        TurnEvent::CallReturned { .. } => "call returned",
        TurnEvent::AgentAsked { .. } => "agent asked",
        TurnEvent::CancelRequested => "cancel requested",
        TurnEvent::Ended { .. } => "ended",
    }
}

#[cfg(test)]
mod tests;
