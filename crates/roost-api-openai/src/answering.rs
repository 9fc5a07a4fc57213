//! One stream of whoever answers: an agent in its session, or a model that is asked directly.

use std::collections::VecDeque;

use axum::http::StatusCode;
use roost_core::{Asked, Chunk, Completion, Follow, Over, Talk, Told};
use roost_domain::conversation::StopReason;
use roost_domain::event::Problem;
use roost_domain::id::{ResponseId, SessionId};
use roost_domain::model::Usage;
use roost_domain::tool::ToolCall;
use roost_http::Failure;

/// An answer that is being written.
pub(crate) struct Answering {
    who: Who,
    /// 32 hexadecimal digits that name it.
    pub(crate) name: String,
    pub(crate) response: Option<ResponseId>,
    pub(crate) session: Option<SessionId>,
}

enum Who {
    Agent(Box<Followed>),
    Model(Box<Completion>),
}

struct Followed {
    talk: Talk,
    follow: Follow,
    ready: VecDeque<Told>,
}

/// A piece of an answer.
pub(crate) enum Piece {
    Text(String),
    End(End),
}

/// How an answer ended well.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) finish: Finish,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) usage: Usage,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
}

/// A whole answer.
pub(crate) struct Whole {
    pub(crate) text: String,
    pub(crate) end: End,
}

impl Answering {
    pub(crate) fn new(asked: Asked) -> Self {
        match asked {
            Asked::Agent(talk) => Self {
                name: talk.turn.uuid().as_simple().to_string(),
                response: talk.response,
                session: Some(talk.session),
                who: {
                    let (follow, ready) = (Follow::new(talk.turn, talk.after), VecDeque::new());
                    Who::Agent(Box::new(Followed { talk, follow, ready }))
                },
            },
            Asked::Model(completion) => Self {
                name: completion.id().uuid().as_simple().to_string(),
                response: completion.response(),
                session: None,
                who: Who::Model(Box::new(completion)),
            },
        }
    }

    /// Returns the next piece; nothing follows the end or a failure. Whoever drops an agent's answer leaves the agent
    /// at its work; a model's answer ends with it.
    pub(crate) async fn next(&mut self) -> Result<Piece, Failure> {
        match &mut self.who {
            Who::Agent(agent) => loop {
                match agent.ready.pop_front() {
                    Some(Told::Text(text)) => return Ok(Piece::Text(text)),
                    Some(Told::Over(over)) => return ended(over, agent.follow.usage()).map(Piece::End),
                    None => {
                        let live = agent.talk.events.next().await?;
                        agent.ready.extend(agent.follow.feed(live));
                    }
                }
            },
            Who::Model(completion) => match completion.next().await? {
                Some(Chunk::Text(text)) => Ok(Piece::Text(text)),
                Some(Chunk::End(answer)) => {
                    let finish = finish(answer.stop, !answer.calls.is_empty());
                    Ok(Piece::End(End { finish, calls: answer.calls, usage: answer.usage }))
                }
                None => Err(interrupted()),
            },
        }
    }

    /// Waits for the whole answer.
    pub(crate) async fn whole(&mut self) -> Result<Whole, Failure> {
        let mut text = String::new();
        loop {
            match self.next().await? {
                Piece::Text(more) => text.push_str(&more),
                Piece::End(end) => return Ok(Whole { text, end }),
            }
        }
    }
}

/// Returns how an agent's answer ended, or why it is none.
pub(crate) fn ended(over: Over, usage: Usage) -> Result<End, Failure> {
    match over {
        Over::Answered(stop) => Ok(End { finish: finish(stop, false), calls: Vec::new(), usage }),
        Over::Calls(calls) => Ok(End { finish: Finish::ToolCalls, calls, usage }),
        Over::Failed(problem) => Err(failed(&problem)),
        Over::Cancelled => {
            let message = "the agent's turn was cancelled";
            Err(Failure::new(StatusCode::CONFLICT, "turn_cancelled", message))
        }
        Over::Broken => Err(interrupted()),
    }
}

fn interrupted() -> Failure {
    let message = "the model's answer broke off in the middle; what came of it is no answer. Ask again";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "answer_interrupted", message)
}

const fn finish(stop: StopReason, has_calls: bool) -> Finish {
    match stop {
        _ if has_calls => Finish::ToolCalls,
        StopReason::EndTurn | StopReason::ToolUse => Finish::Stop,
        StopReason::MaxOutput => Finish::Length,
        StopReason::Refused => Finish::ContentFilter,
    }
}

/// Says why an agent's turn failed. What passes by itself has a status at which clients ask again; what may have been
/// done has one at which they do not.
fn failed(problem: &Problem) -> Failure {
    let (status, code) = match problem.code.as_str() {
        "model_rate_limited" => (StatusCode::TOO_MANY_REQUESTS, "model_rate_limited"),
        "model_timeout" => (StatusCode::GATEWAY_TIMEOUT, "model_timeout"),
        "model_unreachable" => (StatusCode::SERVICE_UNAVAILABLE, "model_unreachable"),
        "model_failed" => (StatusCode::SERVICE_UNAVAILABLE, "model_failed"),
        "model_stream_broken" => (StatusCode::SERVICE_UNAVAILABLE, "model_stream_broken"),
        "outcome_unknown" => (StatusCode::FAILED_DEPENDENCY, "outcome_unknown"),
        "budget_exceeded" => (StatusCode::FORBIDDEN, "budget_exceeded"),
        "approval_refused" => (StatusCode::FORBIDDEN, "approval_refused"),
        code => {
            let message = format!("{} ({code})", problem.message);
            return Failure::new(StatusCode::CONFLICT, "turn_failed", message);
        }
    };
    Failure::new(status, code, problem.message.clone())
}
