//! Follows one turn through its session's events and tells it as a chat answer. Pure: events in, events out.

use std::collections::HashMap;

use roost_core::{Live, Posted, ProgressOf};
use roost_domain::approval::Verdict;
use roost_domain::event::{Body, Ending, Event, Offset, TurnEvent};
use roost_domain::id::{ApprovalId, TurnId};
use roost_domain::tool::ToolCallId;

use super::wire::{ChatEvent, Unfinished};
use roost_http::iso;

/// Between what a model said before it used tools and what it says after: the two are different messages, and
/// clients that join all texts should not see them run together.
const GAP: &str = "\n\n";

/// A turn that is followed from a message of its own on. What happened in it before is known but not told.
pub(super) struct Follow {
    turn: TurnId,
    from: Offset,
    /// The model call under way, and what was told of its text.
    call: Option<Call>,
    /// Text that came before the event of its model call was read.
    early: HashMap<Offset, String>,
    /// Whether something was said that what is said next must be set apart from.
    gap: bool,
    /// Tool calls without an outcome.
    open: Vec<ToolCallId>,
    /// Those of them that wait for the peer, with their questions.
    questions: Vec<(ToolCallId, String)>,
    /// Approvals that wait for a person, as they were told.
    approvals: Vec<(ApprovalId, ChatEvent)>,
    over: bool,
}

struct Call {
    at: Offset,
    /// Bytes of the model's text.
    told: usize,
    /// Characters, a gap before them included.
    characters: usize,
    gapped: bool,
}

impl Follow {
    pub(super) fn new(posted: &Posted) -> Self {
        Self {
            turn: posted.turn,
            from: posted.offset,
            call: None,
            early: HashMap::new(),
            gap: false,
            open: Vec::new(),
            questions: Vec::new(),
            approvals: Vec::new(),
            over: false,
        }
    }

    /// Tells whether the answer is complete.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    /// Takes the next item of the session's stream and returns what there is to tell.
    pub(super) fn feed(&mut self, live: Live) -> Vec<ChatEvent> {
        let mut out = Vec::new();
        match live {
            Live::Delta { of, text } => self.delta(of, text, &mut out),
            Live::Event(Event { offset, body: Body::Turn { turn, event }, .. }) => {
                if turn == self.turn {
                    let mut told = Vec::new();
                    self.turn_event(offset, event, &mut told);
                    if offset > self.from {
                        out = told;
                    } else if offset == self.from {
                        // Whoever comes now should know what it waits for, and has heard nothing yet.
                        self.gap = false;
                        out.extend(self.approvals.iter().map(|(_, event)| event.clone()));
                        let asked = self.questions.clone();
                        asked.into_iter().for_each(|(id, question)| self.ask(&id, question, &mut out));
                    }
                    self.end_if_asking(offset, &mut out);
                }
                self.early.retain(|at, _| *at > offset);
            }
            Live::Event(Event { body: Body::Journal(_) | Body::SessionStarted { .. }, .. }) => {}
        }
        out
    }

    fn delta(&mut self, of: ProgressOf, text: String, out: &mut Vec<ChatEvent>) {
        match of {
            ProgressOf::Model(at) if self.call.as_ref().is_some_and(|call| call.at == at) => {
                self.say(text, out)
            }
            // Its event may not have been read yet; whose it is, that will tell.
            ProgressOf::Model(at) if at > self.from => self.early.entry(at).or_default().push_str(&text),
            ProgressOf::Tool(id) if self.open.contains(&id) => {
                out.push(ChatEvent::ToolOutput { id: id.to_string(), content: text });
            }
            ProgressOf::Model(_) | ProgressOf::Tool(_) => {}
        }
    }

    /// Tells more of the text of the model call under way.
    fn say(&mut self, text: String, out: &mut Vec<ChatEvent>) {
        let Some(call) = &mut self.call else { return };
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.gap) {
            call.characters += GAP.len();
            call.gapped = true;
            out.push(ChatEvent::Text { content: GAP.to_owned() });
        }
        call.told += text.len();
        call.characters += text.chars().count();
        out.push(ChatEvent::Text { content: text });
    }

    fn turn_event(&mut self, offset: Offset, event: TurnEvent, out: &mut Vec<ChatEvent>) {
        match event {
            TurnEvent::MessageReceived { .. }
            | TurnEvent::ToolStarted { .. }
            | TurnEvent::ToolLost { .. } => {}
            TurnEvent::HistoryGiven { .. }
            | TurnEvent::CallerAsked { .. }
            | TurnEvent::Confined { .. }
            | TurnEvent::CallsGiven { .. }
            | TurnEvent::CallHandedOut { .. }
            | TurnEvent::CancelRequested
            | TurnEvent::AgentAsked { .. } => {}
            TurnEvent::ModelCalled { .. } => {
                self.call = Some(Call { at: offset, told: 0, characters: 0, gapped: false });
                let early = self.early.remove(&offset).unwrap_or_default();
                self.say(early, out);
            }
            TurnEvent::ModelAnswered { text, calls, .. } => {
                let told = self.call.as_ref().map_or(0, |call| call.told);
                self.say(text.get(told..).unwrap_or_default().to_owned(), out);
                self.call = None;
                self.gap |= !text.is_empty();
                self.open = calls.iter().map(|call| call.id.clone()).collect();
                out.extend(calls.into_iter().map(|call| ChatEvent::ToolCall {
                    id: call.id.to_string(),
                    name: call.tool,
                    arguments: call.arguments,
                }));
            }
            TurnEvent::ModelFailed { .. } | TurnEvent::ModelLost => self.retract(out),
            TurnEvent::ApprovalRequested { approval, call, question, summary, reason, expires_at } => {
                let event = ChatEvent::ApprovalRequired {
                    approval_id: approval.to_string(),
                    call_id: call.map(|call| call.to_string()),
                    question: question.name(),
                    summary,
                    reason,
                    expires_at: iso(expires_at),
                };
                self.approvals.push((approval, event.clone()));
                out.push(event);
            }
            TurnEvent::ApprovalDecided { approval, call, verdict, by, .. } => {
                self.approvals.retain(|(id, _)| *id != approval);
                if let Some(call) = call.filter(|_| verdict != Verdict::Approved) {
                    self.close(&call);
                }
                let status = verdict.status().name();
                out.push(ChatEvent::ApprovalDecided { approval_id: approval.to_string(), status, by });
            }
            TurnEvent::ToolBlocked { call, reason } => {
                self.close(&call);
                out.push(ChatEvent::ToolResult { id: call.to_string(), status: "blocked", content: reason });
            }
            TurnEvent::ToolFinished { call, outcome } | TurnEvent::CallReturned { call, outcome } => {
                self.close(&call);
                let status = outcome.status.name();
                out.push(ChatEvent::ToolResult { id: call.to_string(), status, content: outcome.text });
            }
            TurnEvent::QuestionAsked { call, question } => {
                self.questions.push((call.clone(), question.clone()));
                self.ask(&call, question, out);
            }
            TurnEvent::QuestionAnswered { call, .. } => self.close(&call),
            // It can be read in the session's events.
            TurnEvent::Recalled { .. } => {}
            TurnEvent::Ended { ending } => {
                self.over = true;
                out.push(match ending {
                    Ending::Answered => ChatEvent::Done { status: None },
                    Ending::Cancelled => ChatEvent::Done { status: Some(Unfinished::Cancelled) },
                    Ending::Failed(problem) => {
                        ChatEvent::Error { code: problem.code, message: problem.message }
                    }
                });
            }
        }
    }

    /// Takes back what was told of a model call that came to nothing.
    fn retract(&mut self, out: &mut Vec<ChatEvent>) {
        let Some(call) = self.call.take().filter(|call| call.characters > 0) else { return };
        self.gap |= call.gapped;
        out.push(ChatEvent::Retract { characters: call.characters });
    }

    fn ask(&mut self, id: &ToolCallId, question: String, out: &mut Vec<ChatEvent>) {
        let gap = if std::mem::replace(&mut self.gap, true) { GAP } else { "" };
        out.push(ChatEvent::Text { content: format!("{gap}{question}") });
        out.push(ChatEvent::Question { id: id.to_string(), content: question });
    }

    fn close(&mut self, call: &ToolCallId) {
        self.open.retain(|open| open != call);
        self.questions.retain(|(open, _)| open != call);
    }

    /// Ends the answer when the turn can only go on with the peer's.
    fn end_if_asking(&mut self, offset: Offset, out: &mut Vec<ChatEvent>) {
        let asks = |call: &ToolCallId| self.questions.iter().any(|(id, _)| id == call);
        if offset >= self.from && !self.over && !self.questions.is_empty() && self.open.iter().all(asks) {
            self.over = true;
            out.push(ChatEvent::Done { status: Some(Unfinished::Question) });
        }
    }
}

#[cfg(test)]
mod tests;
