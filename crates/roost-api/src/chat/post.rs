use std::time::Duration;

use axum::Json as Encoded;
use axum::extract::State;
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, pin_mut};
use roost_core::{Ctx, Error, Live, PostMessage, Posted};
use roost_domain::event::{Body, Event, Offset, TurnEvent};
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Json, Query, Segment, event_stream};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::context::formatted;
use super::follow::Follow;
use super::watch::Watch;
use super::wire::{Answer, ChatEvent, Unfinished};
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// A message to an agent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PostMessageBody {
    /// 1 to 100,000 characters.
    #[schema(example = "Hello!")]
    message: String,
    /// Without one, the latest session with the same peer, or a new one.
    session_id: Option<String>,
    /// Who says it, 1 to 200 characters; without one, whoever holds the key. Sessions and memory of different
    /// peers never mix.
    peer_id: Option<String>,
    /// What the caller tells about the peer: a text, or an object whose entries become `key: value` lines; at most
    /// 2,000 characters after formatting.
    context: Option<Value>,
    /// Whether to stream the answer (default) or to give it whole, as JSON.
    stream: Option<bool>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PostMessageQuery {
    /// The same as in the body.
    stream: Option<bool>,
}

/// Send a message
///
/// Streams the answer as server-sent events: `data: {"type":"text","content":"…"}` … `data: {"type":"done"}`. When
/// the first event comes, the message is kept: the turn goes on whether or not anybody listens, and the session's
/// events tell it all again. If the agent has asked back, the message is the answer to its question.
///
/// Where a person has to approve something first, the stream stays open for a while (15 minutes unless the
/// server's owner set it otherwise) and then ends with `done` and the status `waiting`.
///
/// With `stream: false`, in the body or the query, the answer comes whole, as JSON.
#[utoipa::path(
    post, path = "/v1/agents/{id}/chat/messages", tag = "chat",
    security(("ApiKey" = ["chat"]), ("Bearer" = ["chat"])),
    params(("id" = String, Path, description = "The agent."), PostMessageQuery),
    request_body = PostMessageBody,
    responses(
        (status = 200, description = "The answer.", content(
            (ChatEvent = "text/event-stream"),
            (Data<Answer> = "application/json"),
        )),
        (status = 409, description = "The agent is not running.", body = ErrorBody),
    ),
)]
pub(crate) async fn post(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    Query(query): Query<PostMessageQuery>,
    Json(body): Json<PostMessageBody>,
) -> Result<Response, Failure> {
    let streams = body.stream.or(query.stream).unwrap_or(true);
    let posted = app.core.messages().post(&ctx, body.into_params(agent)?).await?;
    let (follow, watch) = begin(&app, &ctx, agent, &posted).await?;
    let events = tell(follow, watch, posted, app.chat_wait, ctx.request_id);
    if streams {
        return Ok(event_stream(events.map(|event| encode(&event))));
    }
    let mut answer = Answer::default();
    pin_mut!(events);
    while let Some(event) = events.next().await {
        answer.take(event);
    }
    Ok(Encoded(Data { data: answer }).into_response())
}

impl PostMessageBody {
    fn into_params(self, agent: AgentId) -> Result<PostMessage, Failure> {
        let session =
            self.session_id.map(|id| id.parse().map_err(|error| Failure::invalid("sessionId", error)));
        Ok(PostMessage {
            agent,
            session: session.transpose()?,
            peer: self.peer_id,
            text: self.message,
            context: formatted(self.context)?,
        })
    }
}

/// Begins to follow the turn of a message. If the message answers a question, the turn began before it, and what
/// else is open in it has to be known.
async fn begin(app: &App, ctx: &Ctx, agent: AgentId, posted: &Posted) -> Result<(Follow, Watch), Error> {
    let mut follow = Follow::new(posted);
    let before = Offset(posted.offset.0.saturating_sub(1));
    let mut watch = Watch::begin(app, ctx, agent, posted.session, before).await?;
    let first = watch.next().await?;
    let answers =
        |event: &Event| matches!(&event.body, Body::Turn { event: TurnEvent::QuestionAnswered { .. }, .. });
    if matches!(&first, Live::Event(event) if answers(event)) {
        watch = Watch::begin(app, ctx, agent, posted.session, Offset::START).await?;
    } else {
        follow.feed(first);
    }
    Ok((follow, watch))
}

/// Tells the turn until it ends, or nothing has happened for too long.
fn tell(
    mut follow: Follow,
    mut watch: Watch,
    posted: Posted,
    wait: Duration,
    request_id: String,
) -> impl Stream<Item = ChatEvent> + Send {
    async_stream::stream! {
        yield ChatEvent::Start {
            session_id: posted.session.to_string(),
            turn_id: posted.turn.to_string(),
            offset: posted.offset.0,
        };
        while !follow.is_over() {
            match tokio::time::timeout(wait, watch.next()).await {
                Ok(Ok(live)) => {
                    for event in follow.feed(live) {
                        yield event;
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(request = request_id, code = error.code(), %error, "a chat stream broke off");
                    yield ChatEvent::Error { code: error.code().to_owned(), message: error.public().to_owned() };
                    return;
                }
                Err(tokio::time::error::Elapsed { .. }) => {
                    yield ChatEvent::Done { status: Some(Unfinished::Waiting) };
                    return;
                }
            }
        }
    }
}

fn encode(event: &ChatEvent) -> SseEvent {
    SseEvent::default().data(serde_json::json!(event).to_string())
}
