use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event as SseEvent;
use roost_core::{Live, ProgressOf};
use roost_domain::event::{Body, Offset, TurnEvent};
use roost_domain::id::{AgentId, SessionId};
use roost_domain::tool::ToolCallId;
use roost_http::{Caller, Failure, LastEventId, Query, Segment, event_stream};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::log::{Delta, LogEvent};
use super::watch::Watch;
use crate::app::App;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FollowQuery {
    /// Begin after this offset; 0, the default, is from the beginning. `Last-Event-ID` goes before it.
    after: Option<u64>,
}

/// Follow a session
///
/// Everything that happened in the session after an offset, then everything that happens, as server-sent events.
/// Each event of the log has its offset as `id`, so that a client that comes back with `Last-Event-ID` misses
/// nothing; pieces of unfinished text come as `event: delta` without an id. A comment every 10 seconds shows that
/// the stream is alive. It ends with `event: error` when the agent is deleted.
#[utoipa::path(
    get, path = "/v1/agents/{id}/chat/sessions/{session}/events", tag = "chat",
    security(("ApiKey" = ["chat"]), ("Bearer" = ["chat"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("session" = String, Path, description = "The session."),
        FollowQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "The last offset that was seen."),
    ),
    responses((
        status = 200,
        description = "Log events; between them `event: delta` with a `Delta`.",
        body = LogEvent, content_type = "text/event-stream",
    )),
)]
pub(crate) async fn follow_session(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent, session)): Segment<(AgentId, SessionId)>,
    Query(query): Query<FollowQuery>,
    LastEventId(last): LastEventId,
) -> Result<Response, Failure> {
    let after = last.or(query.after.map(Offset)).unwrap_or_default();
    let mut watch = Watch::begin(&app, &ctx, agent, session, after).await?;
    let mut finished = Finished::default();
    Ok(event_stream(async_stream::stream! {
        loop {
            match watch.next().await {
                Ok(live) => {
                    if finished.lets_through(&live) {
                        yield encode(live);
                    }
                }
                Err(error) => {
                    tracing::debug!(request = ctx.request_id, code = error.code(), %error, "a session's stream ends");
                    let told = json!({"code": error.code(), "message": error.public()});
                    yield SseEvent::default().event("error").data(told.to_string());
                    return;
                }
            }
        }
    }))
}

/// What has ended, so that no piece of a text is told after the event that has the whole.
#[derive(Default)]
struct Finished {
    /// Model calls that began before this offset.
    model_calls: Offset,
    /// Tool calls of the last round.
    tool_calls: Vec<ToolCallId>,
}

impl Finished {
    fn lets_through(&mut self, live: &Live) -> bool {
        match live {
            Live::Delta { of: ProgressOf::Model(at), .. } => *at > self.model_calls,
            Live::Delta { of: ProgressOf::Tool(call), .. } => !self.tool_calls.contains(call),
            Live::Event(event) => {
                let Body::Turn { event: what, .. } = &event.body else { return true };
                if let TurnEvent::ModelAnswered { .. }
                | TurnEvent::ModelFailed { .. }
                | TurnEvent::ModelLost = what
                {
                    self.model_calls = event.offset;
                    self.tool_calls.clear();
                }
                if let TurnEvent::ToolFinished { call, .. } = what {
                    self.tool_calls.push(call.clone());
                }
                true
            }
        }
    }
}

fn encode(live: Live) -> SseEvent {
    match live {
        Live::Event(event) => {
            let id = event.offset.to_string();
            SseEvent::default().id(id).data(json!(LogEvent::new(event)).to_string())
        }
        Live::Delta { of, text } => {
            SseEvent::default().event("delta").data(json!(Delta::new(of, text)).to_string())
        }
    }
}
