//! Finding the answer to a conversation.

use std::time::Duration;

use regex::Captures;
use roost_domain::conversation::{Answer, Conversation, Message, StopReason};
use roost_domain::model::Usage;
use roost_domain::tool::{ToolCall, ToolCallId};

use super::expand::Source;
use super::{Counted, Place, Round, Script};
use crate::draft::{estimate_input, estimate_usage};

/// What a script does when it is asked.
#[derive(Debug)]
pub(crate) enum Play {
    /// It answers.
    Perform(Performance),
    /// It answers with an error.
    Fail(ScriptFault),
}

/// An error, as a provider would give it.
#[derive(Debug)]
pub(crate) struct ScriptFault {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) delay: Duration,
}

/// An answer and how it is given.
#[derive(Debug)]
pub(crate) struct Performance {
    pub(crate) answer: Answer,
    /// The answer's text in pieces.
    pub(crate) pieces: Vec<String>,
    /// Before the first piece.
    pub(crate) delay: Duration,
    /// Before every further piece.
    pub(crate) chunk_delay: Duration,
    /// After how many pieces the stream is cut; calls count as two pieces each, after those of the text.
    pub(crate) break_after: Option<usize>,
    /// The number of the turn and of the round in it, from 1; together unique in a conversation.
    pub(crate) position: (usize, usize),
}

impl Script {
    /// Returns what the script does next in a conversation.
    pub(crate) fn play(&self, conversation: &Conversation) -> Play {
        let (turn, round) = position(conversation);
        let user = last_user(conversation);
        let inner = &self.inner;
        let number = round - 1;
        let (found, place, captures) = if let Some(rounds) = inner.turns.get(turn.wrapping_sub(1)) {
            (rounds.get(number), Place::Turn { turn, round }, None)
        } else if let Some((rule, captures)) = self.rule(user) {
            (inner.rules[rule].then.get(number), Place::Rule { rule, round }, Some(captures))
        } else {
            (inner.default.get(number), Place::Default { round }, None)
        };
        let Some(found) = found else {
            return Play::Fail(ScriptFault {
                status: 400,
                message: format!("the script has no answer for round {round} of turn {turn}"),
                retry_after: None,
                delay: Duration::ZERO,
            });
        };
        if let Some(error) = &found.error
            && self.count(place, Counted::Errors, error.times)
        {
            return Play::Fail(ScriptFault {
                status: error.status,
                message: error.message.clone().unwrap_or_else(|| format!("the script says {}", error.status)),
                retry_after: error.retry_after,
                delay: found.delay,
            });
        }
        if found.text.is_empty() && found.calls.is_empty() {
            return Play::Fail(ScriptFault {
                status: 400,
                message: format!("the script has only an error for round {round} of turn {turn}"),
                retry_after: None,
                delay: found.delay,
            });
        }
        let breaks = found.break_after.filter(|_| match found.break_times {
            None => true,
            Some(times) => self.count(place, Counted::Breaks, times),
        });
        let source = Source { captures: captures.as_ref(), user, result: last_result(conversation) };
        Play::Perform(perform(found, &source, (turn, round), breaks, conversation))
    }

    fn rule<'a>(&self, user: &'a str) -> Option<(usize, Captures<'a>)> {
        self.inner
            .rules
            .iter()
            .enumerate()
            .find_map(|(number, rule)| Some((number, rule.when.captures(user)?)))
    }
}

fn perform(
    round: &Round,
    source: &Source<'_>,
    position: (usize, usize),
    break_after: Option<usize>,
    conversation: &Conversation,
) -> Performance {
    let text = source.text(&round.text);
    let calls: Vec<ToolCall> = round
        .calls
        .iter()
        .enumerate()
        .map(|(number, call)| ToolCall {
            id: ToolCallId::from_text(format!("call_{}_{}_{number}", position.0, position.1)),
            tool: call.tool.clone(),
            arguments: source.value(&call.arguments),
        })
        .collect();
    let natural = if calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
    let stop = round.stop.unwrap_or(natural);
    let pieces = cut(&text, round.chunks);
    let mut answer = Answer { text, calls, stop, usage: Usage::default() };
    answer.usage = round.usage.unwrap_or_else(|| estimate_usage(estimate_input(conversation), &answer));
    Performance { answer, pieces, delay: round.delay, chunk_delay: round.chunk_delay, break_after, position }
}

/// Returns the numbers of the turn and of the round in it, from 1: the peer's messages, and the model's since the
/// last of them.
fn position(conversation: &Conversation) -> (usize, usize) {
    let (mut turn, mut round) = (0, 1);
    for message in &conversation.messages {
        match message {
            Message::User(_) => (turn, round) = (turn + 1, 1),
            Message::Assistant { .. } => round += 1,
            Message::ToolResult { .. } => {}
        }
    }
    (turn, round)
}

fn last_user(conversation: &Conversation) -> &str {
    let mut messages = conversation.messages.iter().rev();
    messages
        .find_map(|message| if let Message::User(text) = message { Some(text.as_str()) } else { None })
        .unwrap_or("")
}

fn last_result(conversation: &Conversation) -> &str {
    let result = |message: &Message| matches!(message, Message::ToolResult { .. });
    match conversation.messages.iter().rev().find(|message| result(message)) {
        Some(Message::ToolResult { text, .. }) => text,
        Some(_) | None => "",
    }
}

/// Cuts a text into `chunks` pieces of about the same length, or into its words.
fn cut(text: &str, chunks: Option<usize>) -> Vec<String> {
    let Some(chunks) = chunks else { return text.split_inclusive(' ').map(str::to_owned).collect() };
    let letters: Vec<char> = text.chars().collect();
    let size = letters.len().div_ceil(chunks).max(1);
    letters.chunks(size).map(|piece| piece.iter().collect()).collect()
}
