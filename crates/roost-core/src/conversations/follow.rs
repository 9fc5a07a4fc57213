//! Follows an agent's answer to one request through its session's events. Pure: events in, what to tell out.

use std::collections::HashMap;

use roost_domain::approval::Verdict;
use roost_domain::conversation::StopReason;
use roost_domain::event::{Body, Ending, Event, Offset, Problem, TurnEvent};
use roost_domain::id::TurnId;
use roost_domain::model::Usage;
use roost_domain::tool::{ToolCall, ToolCallId};

use super::outside_id::outside;
use crate::{Live, ProgressOf};

/// Between what a model said before it used tools and what it says after.
const GAP: &str = "\n\n";

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// More text.
    Text(String),
    /// The answer is complete; nothing follows.
    Over(Over),
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// The agent has said what it had to say, or asks its peer something.
    Answered(StopReason),
    /// The caller has to use its own tools and bring what comes of it.
    Calls(Vec<ToolCall>),
    /// It could not go on.
    Failed(Problem),
    /// Somebody stopped it.
    Cancelled,
    /// What was told of it is void: the model's answer broke off and is asked for again.
    Broken,
}

/// An answer that is followed from after a place in the log.
pub struct Follow {
    turn: TurnId,
    after: Offset,
    /// The model call under way, and how much was told of its text.
    call: Option<(Offset, usize)>,
    early: HashMap<Offset, String>,
    gap: bool,
    open: Vec<(ToolCall, Status)>,
    stop: StopReason,
    usage: Usage,
    text: String,
    over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Open,
    HandedOut,
    Asks,
}

impl Follow {
    /// Follows what a turn answers after a place.
    pub fn new(turn: TurnId, after: Offset) -> Self {
        Self {
            turn,
            after,
            call: None,
            early: HashMap::new(),
            gap: false,
            open: Vec::new(),
            stop: StopReason::EndTurn,
            usage: Usage::default(),
            text: String::new(),
            over: false,
        }
    }

    /// Returns what its model calls have used so far.
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// Returns all text that was told.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes the next item of the session's stream.
    pub fn feed(&mut self, live: Live) -> Vec<Told> {
        let mut out = Vec::new();
        if self.over {
            return out;
        }
        match live {
            Live::Delta { of: ProgressOf::Model(at), text } => match self.call {
                Some((call, _)) if call == at => self.say(&text, &mut out),
                // Its event may not have been read yet; whose it is, that will tell.
                Some(_) | None if at > self.after => self.early.entry(at).or_default().push_str(&text),
                Some(_) | None => {}
            },
            Live::Delta { of: ProgressOf::Tool(_), .. } => {}
            Live::Event(Event { offset, body: Body::Turn { turn, event }, .. }) => {
                if turn == self.turn && offset > self.after {
                    self.event(offset, event, &mut out);
                }
                self.early.retain(|at, _| *at > offset);
            }
            Live::Event(Event { body: Body::Journal(_) | Body::SessionStarted { .. }, .. }) => {}
        }
        out
    }

    fn say(&mut self, text: &str, out: &mut Vec<Told>) {
        if text.is_empty() {
            return;
        }
        if let Some((_, told)) = &mut self.call {
            *told += text.len();
        }
        let gap = if std::mem::take(&mut self.gap) { GAP } else { "" };
        let text = format!("{gap}{text}");
        self.text.push_str(&text);
        out.push(Told::Text(text));
    }

    fn event(&mut self, offset: Offset, event: TurnEvent, out: &mut Vec<Told>) {
        match event {
            TurnEvent::ModelCalled { .. } => {
                self.call = Some((offset, 0));
                let early = self.early.remove(&offset).unwrap_or_default();
                self.say(&early, out);
            }
            TurnEvent::ModelAnswered { text, calls, stop, usage, .. } => {
                let told = self.call.map_or(0, |(_, told)| told);
                self.say(text.get(told..).unwrap_or_default(), out);
                self.call = None;
                self.gap = !self.text.is_empty();
                self.stop = stop;
                self.usage = added(self.usage, usage);
                self.open = calls.into_iter().map(|call| (call, Status::Open)).collect();
            }
            TurnEvent::ModelFailed { .. } | TurnEvent::ModelLost => {
                if self.call.take().is_some_and(|(_, told)| told > 0) {
                    self.end(Over::Broken, out);
                }
            }
            TurnEvent::ApprovalDecided { call: Some(call), verdict, .. } if verdict != Verdict::Approved => {
                self.close(&call);
            }
            TurnEvent::ToolBlocked { call, .. }
            | TurnEvent::ToolFinished { call, .. }
            | TurnEvent::QuestionAnswered { call, .. }
            | TurnEvent::CallReturned { call, .. } => self.close(&call),
            TurnEvent::QuestionAsked { call, question } => {
                self.set(&call, Status::Asks);
                self.say(&question, out);
                self.gap = true;
            }
            TurnEvent::CallHandedOut { call } => self.set(&call, Status::HandedOut),
            TurnEvent::Ended { ending } => {
                let over = match ending {
                    Ending::Answered => Over::Answered(self.stop),
                    Ending::Failed(problem) => Over::Failed(problem),
                    Ending::Cancelled => Over::Cancelled,
                };
                self.end(over, out);
            }
            TurnEvent::MessageReceived { .. }
            | TurnEvent::AgentAsked { .. }
            | TurnEvent::HistoryGiven { .. }
            | TurnEvent::CallerAsked { .. }
            | TurnEvent::Confined { .. }
            | TurnEvent::CallsGiven { .. }
            | TurnEvent::ApprovalRequested { .. }
            | TurnEvent::ApprovalDecided { .. }
            | TurnEvent::ToolStarted { .. }
            | TurnEvent::ToolLost { .. }
            | TurnEvent::Recalled { .. }
            | TurnEvent::CancelRequested => {}
        }
        self.end_if_waiting(out);
    }

    fn set(&mut self, id: &ToolCallId, to: Status) {
        if let Some((_, status)) = self.open.iter_mut().find(|(call, _)| call.id == *id) {
            *status = to;
        }
    }

    fn close(&mut self, id: &ToolCallId) {
        self.open.retain(|(call, _)| call.id != *id);
    }

    /// Ends the answer when the turn can only go on with the caller: all that is open waits for it.
    fn end_if_waiting(&mut self, out: &mut Vec<Told>) {
        if self.over || self.open.is_empty() || self.open.iter().any(|(_, status)| *status == Status::Open) {
            return;
        }
        let handed_out = self.open.iter().filter(|(_, status)| *status == Status::HandedOut);
        let calls: Vec<ToolCall> = handed_out
            .map(|(call, _)| ToolCall { id: outside(self.turn, &call.id), ..call.clone() })
            .collect();
        let over = if calls.is_empty() { Over::Answered(StopReason::EndTurn) } else { Over::Calls(calls) };
        self.end(over, out);
    }

    fn end(&mut self, over: Over, out: &mut Vec<Told>) {
        self.over = true;
        out.push(Told::Over(over));
    }
}

/// Adds up what two calls used.
fn added(one: Usage, other: Usage) -> Usage {
    Usage {
        input: one.input.saturating_add(other.input),
        cached: one.cached.saturating_add(other.cached),
        cache_written: one.cache_written.saturating_add(other.cache_written),
        output: one.output.saturating_add(other.output),
    }
}

/// Returns the place after which a turn answers what it was last told.
pub(super) fn latest_input(events: &[Event]) -> Option<Offset> {
    let is_input = |event: &&Event| {
        matches!(
            &event.body,
            Body::Turn {
                event: TurnEvent::MessageReceived { .. }
                    | TurnEvent::QuestionAnswered { .. }
                    | TurnEvent::CallReturned { .. },
                ..
            }
        )
    };
    events.iter().rev().find(is_input).map(|event| event.offset)
}

/// Returns what a turn told in answer to what it was last told, and how that ended, if it did.
pub(super) fn retold(turn: TurnId, after: Offset, events: Vec<Event>) -> (Follow, Option<Over>) {
    let mut follow = Follow::new(turn, after);
    let mut over = None;
    for event in events {
        for told in follow.feed(Live::Event(event)) {
            if let Told::Over(how) = told {
                over = Some(how);
            }
        }
    }
    (follow, over)
}

#[cfg(test)]
mod tests;
