use axum::Router;
use axum::routing::{get, post};
use roost_core::Core;
use roost_http::Face;

use crate::{Options, agents, envelope, runs};

/// Every route, by method and path. A test holds that each is tested.
pub const ROUTES: [(&str, &str); 19] = [
    ("post", "/api/v1/agents"),
    ("get", "/api/v1/agents"),
    ("get", "/api/v1/agents/{agent_id}"),
    ("patch", "/api/v1/agents/{agent_id}"),
    ("put", "/api/v1/agents/{agent_id}"),
    ("delete", "/api/v1/agents/{agent_id}"),
    ("get", "/api/v1/agents/{agent_id}/connections"),
    ("post", "/api/v1/agents/{agent_id}/connections"),
    ("post", "/api/v1/agents/{agent_id}/start"),
    ("post", "/api/v1/agents/{agent_id}/stop"),
    ("post", "/api/v1/agents/{agent_id}/pause"),
    ("post", "/api/v1/agents/{agent_id}/runs"),
    ("get", "/api/v1/agents/{agent_id}/runs"),
    ("get", "/api/v1/agents/{agent_id}/runs/{run_id}"),
    ("patch", "/api/v1/agents/{agent_id}/runs/{run_id}"),
    ("put", "/api/v1/agents/{agent_id}/runs/{run_id}"),
    ("delete", "/api/v1/agents/{agent_id}/runs/{run_id}"),
    ("post", "/api/v1/agents/{agent_id}/runs/{run_id}/input"),
    ("put", "/api/v1/agents/{agent_id}/runs/{run_id}/input"),
];

/// Builds the Fullpilot API over a core. It is merged into the router of the native API, which answers the paths that
/// are left.
pub fn router(core: Core, options: Options) -> Router {
    let face = Face::new(core.clone(), options.http, envelope::error_body);
    let executing = face.with_limits(options.execution).guard(executing());
    let routes = face.guard(standard()).merge(executing);
    face.finish_part(Router::new().nest("/api/v1/agents", routes).with_state(core))
}

/// Routes that count against the standard limit.
fn standard() -> Router<Core> {
    Router::new()
        .route("/", get(agents::list).post(agents::create))
        .route(
            "/{agent_id}",
            get(agents::show).patch(agents::update).put(agents::update).delete(agents::delete),
        )
        .route("/{agent_id}/connections", get(agents::connections).post(agents::connections))
        .route("/{agent_id}/start", post(agents::start))
        .route("/{agent_id}/stop", post(agents::stop))
        .route("/{agent_id}/pause", post(agents::pause))
        .route("/{agent_id}/runs", get(runs::list))
        .route(
            "/{agent_id}/runs/{run_id}",
            get(runs::show).patch(runs::update).put(runs::update).delete(runs::delete),
        )
}

/// Routes that start runs and answer them.
fn executing() -> Router<Core> {
    Router::new()
        .route("/{agent_id}/runs", post(runs::create))
        .route("/{agent_id}/runs/{run_id}/input", post(runs::input).put(runs::input))
}
