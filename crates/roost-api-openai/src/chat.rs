//! **Source:** <https://developers.openai.com/api/reference/resources/chat>

use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use roost_core::Core;
use roost_http::{Caller, Failure, Json};

use crate::answering::Answering;

mod answer;
mod request;
mod stream;

pub(crate) use request::ChatBody;
pub(crate) use request::tool_of;

/// The session in which an agent answers, for whoever wants to look there.
const SESSION: HeaderName = HeaderName::from_static("x-roost-session-id");

pub(crate) async fn complete(
    State(core): State<Core>,
    Caller(ctx): Caller,
    headers: HeaderMap,
    Json(body): Json<ChatBody>,
) -> Result<Response, Failure> {
    let asked = body.read(is_retry(&headers))?;
    let about = about(&asked.ask.model, ctx.now.as_second());
    let answering = Answering::new(core.conversations().ask(&ctx, asked.ask).await?);
    let session = answering.session;
    let response = respond(about, answering, asked.streams, asked.include_usage).await?;
    Ok(with_session(response, session))
}

/// Says what an answer names: the model as it was asked for, and when.
pub(crate) fn about(model: &str, created: i64) -> answer::About {
    answer::About { model: model.to_owned(), created }
}

/// Sends an answer piece by piece, or whole.
pub(crate) async fn respond(
    about: answer::About,
    mut answering: Answering,
    streams: bool,
    include_usage: bool,
) -> Result<Response, Failure> {
    if streams {
        return Ok(stream::send(about, answering, include_usage));
    }
    let whole = answering.whole().await?;
    Ok(Answer(answer::completion(&about, &answering.name, whole)).into_response())
}

/// Tells whether an official client says that it asks again after a failure.
pub(crate) fn is_retry(headers: &HeaderMap) -> bool {
    let count = headers.get("x-stainless-retry-count").and_then(|value| value.to_str().ok());
    count.is_some_and(|count| count.parse::<u32>().is_ok_and(|count| count > 0))
}

/// Names the session of an agent's answer.
pub(crate) fn with_session(mut response: Response, session: Option<roost_domain::id::SessionId>) -> Response {
    if let Some(value) = session.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
        response.headers_mut().insert(SESSION, value);
    }
    response
}
