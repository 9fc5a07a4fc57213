use axum::Router;
use axum::routing::{get, post};
use roost_core::Core;
use roost_http::Face;

use crate::{Options, chat, embeddings, errors, models, responses};

/// Every route, by method and path. A test holds that each is tested.
pub const ROUTES: [(&str, &str); 7] = [
    ("get", "/v1/models"),
    ("get", "/v1/models/{*id}"),
    ("post", "/v1/chat/completions"),
    ("post", "/v1/embeddings"),
    ("post", "/v1/responses"),
    ("get", "/v1/responses/{id}"),
    ("delete", "/v1/responses/{id}"),
];

/// Builds the OpenAI-compatible API over a core. It is merged into the router of the native API, which answers the
/// paths that are left.
pub fn router(core: Core, options: Options) -> Router {
    let Options { http, answer_wait } = options;
    let patience = answer_wait + http.deadline;
    let face = Face::new(core.clone(), http, errors::body);
    let patient = face.with_deadline(patience);
    let answering = Router::new()
        .route("/v1/chat/completions", post(chat::complete))
        .route("/v1/embeddings", post(embeddings::create))
        .route("/v1/responses", post(responses::create));
    let looking = Router::new()
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::show))
        .route("/v1/responses/{id}", get(responses::show).delete(responses::delete));
    let routes = face.guard(looking).merge(patient.guard(answering));
    face.finish_part(routes.with_state(core))
}
