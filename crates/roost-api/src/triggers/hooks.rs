use axum::Json as Answer;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roost_core::{Challenge, HookRequest, Received};
use roost_domain::id::RunId;
use roost_domain::secret::Secret;
use roost_http::{Failure, Segment, WholeBody};

use super::wire::{BegunRun, IgnoredMessage};
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Take a message for a trigger
///
/// Begins a run of the workflow, with the message as its event. The body is JSON, a form or text of at most 1 MiB. Where
/// the trigger wants it, the message is signed with the trigger's secret as Standard Webhooks, GitHub, Stripe or Slack
/// do, or brings the secret itself in `X-Webhook-Secret`, `X-Gitlab-Token` or `Authorization: Bearer`. A message that has
/// come before, by its signature or by `webhook-id`, `X-GitHub-Delivery`, `X-Gitlab-Event-UUID` or `Idempotency-Key`,
/// begins nothing.
#[utoipa::path(
    post, path = "/hooks/{token}", tag = "triggers", operation_id = "take_message",
    params(("token" = String, Path, description = "The last part of the trigger's path.")),
    request_body(content = Object, description = "What happened."),
    responses(
        (status = 202, description = "The run that began.", body = Data<BegunRun>),
        (status = 200, description = "The run that this message began before, or the answer to a question whether \
                                      somebody is there. A message of an event that the trigger does not wait for is \
                                      answered with `ignored`.", body = Data<BegunRun>),
        (status = 400, description = "The body is not what it says it is.", body = ErrorBody),
        (status = 401, description = "The signature is missing, wrong or too old.", body = ErrorBody),
        (status = 404, description = "No trigger has this path.", body = ErrorBody),
        (status = 409, description = "The agent's triggers are off, or the agent does not run; or a message with \
                                      the same signature has come under another id.", body = ErrorBody),
        (status = 413, description = "The body is too long.", body = ErrorBody),
        (status = 429, description = "Too many messages came in the last minute.", body = ErrorBody),
    ),
)]
pub(crate) async fn receive(
    State(app): State<App>,
    Segment((token,)): Segment<(String,)>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    WholeBody(body): WholeBody,
) -> Result<Response, Failure> {
    let request = request(token, &method, query, &headers, body);
    Ok(match app.core.triggers().receive(request).await? {
        Received::Begun(run) => (StatusCode::ACCEPTED, begun(run, false)).into_response(),
        Received::Repeated(run) => begun(run, true).into_response(),
        Received::Ignored => Answer(Data { data: IgnoredMessage { ignored: true } }).into_response(),
        Received::Question(challenge) => told(challenge),
    })
}

/// Answer a service that asks whether somebody is there
///
/// As Meta (`hub.challenge`, with the trigger's secret as `hub.verify_token`), Dropbox (`challenge`) and Okta do.
#[utoipa::path(
    get, path = "/hooks/{token}", tag = "triggers", operation_id = "answer_question",
    params(("token" = String, Path, description = "The last part of the trigger's path.")),
    responses(
        (status = 200, description = "What the service wants to see.", body = String, content_type = "text/plain"),
        (status = 404, description = "No trigger has this path.", body = ErrorBody),
        (status = 405, description = "It asks for nothing; messages are posted.", body = ErrorBody),
    ),
)]
pub(crate) async fn answer(
    State(app): State<App>,
    Segment((token,)): Segment<(String,)>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let request = request(token, &method, query, &headers, Vec::new());
    match app.core.triggers().question(request).await? {
        Some(challenge) => Ok(told(challenge)),
        None => {
            let message = "messages for a trigger are posted; this GET asks for nothing that is known here";
            let failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
            Ok(([(header::ALLOW, "POST")], failure).into_response())
        }
    }
}

fn request(
    token: String,
    method: &Method,
    query: Option<String>,
    headers: &HeaderMap,
    body: Vec<u8>,
) -> HookRequest {
    let text = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        // silent-ok: what is no text can neither sign nor be shown.
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    HookRequest {
        token: Secret::new(token),
        method: method.as_str().to_owned(),
        query: query.unwrap_or_default(),
        headers: headers.iter().filter_map(text).collect(),
        body,
    }
}

fn begun(run: RunId, repeated: bool) -> Answer<Data<BegunRun>> {
    Answer(Data { data: BegunRun { run_id: run.to_string(), repeated } })
}

fn told(challenge: Challenge) -> Response {
    let no_guessing = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    match challenge {
        Challenge::Text(text) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], no_guessing, text).into_response()
        }
        Challenge::Json(json) => (no_guessing, Answer(json)).into_response(),
    }
}
