//! The door for the model calls of hosted runtimes: chat completions, for whoever shows a runtime's token. Not a part
//! of the API that others see.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::post;
use roost_core::{Asked, Core};
use roost_http::{Face, Failure, Json, allow_body};

use crate::answering::Answering;
use crate::chat::{ChatBody, about, is_retry, respond};
use crate::{Options, errors};

/// The longest body: runtimes send whole conversations, with everything that their tools brought.
const LONGEST: usize = 16 << 20;

/// Builds the door over a core.
pub fn door(core: Core, options: Options) -> Router {
    let longest = options.http.body_limit.max(LONGEST);
    let face = Face::new(core.clone(), options.http, errors::body);
    let roomy = from_fn(move |mut request: Request, next: Next| async move {
        allow_body(&mut request, longest);
        next.run(request).await
    });
    face.finish(Router::new().route("/v1/chat/completions", post(complete).layer(roomy)).with_state(core))
}

async fn complete(
    State(core): State<Core>,
    headers: HeaderMap,
    Json(body): Json<ChatBody>,
) -> Result<Response, Failure> {
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = shown.ok_or_else(|| {
        Failure::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "show the runtime's token as Authorization: Bearer",
        )
    })?;
    let asked = body.read(is_retry(&headers))?;
    let about = about(&asked.ask.model, core.now().as_second());
    let completion = core.runtimes().answer(token, asked.ask).await?;
    respond(about, Answering::new(Asked::Model(completion)), asked.streams, asked.include_usage).await
}
