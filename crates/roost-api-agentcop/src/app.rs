use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use roost_core::Core;
use roost_http::Face;

use crate::{Options, approvals, badge, errors, gate, permissions, policies, sandboxes, scan};

/// Every route behind a key, by method and path below either prefix. A test holds that each is tested.
pub const ROUTES: [(&str, &str); 29] = [
    ("post", "/scan"),
    ("post", "/scan/zip"),
    ("get", "/scan/{scan_id}"),
    ("post", "/gate/evaluate"),
    ("post", "/gate/explain"),
    ("get", "/gate/policy/{agent_id}"),
    ("put", "/gate/policy/{agent_id}"),
    ("get", "/gate/policy/{agent_id}/versions"),
    ("get", "/gate/policy/{agent_id}/versions/{version}"),
    ("post", "/gate/policy/{agent_id}/test"),
    ("get", "/gate/policy/{agent_id}/suggestion"),
    ("get", "/gate/log/{agent_id}"),
    ("get", "/permissions/{agent_id}"),
    ("post", "/permissions/{agent_id}"),
    ("put", "/permissions/{agent_id}"),
    ("patch", "/permissions/{agent_id}"),
    ("delete", "/permissions/{agent_id}"),
    ("get", "/permissions/{agent_id}/versions"),
    ("post", "/sandbox/create"),
    ("get", "/sandbox/{sandbox_id}"),
    ("delete", "/sandbox/{sandbox_id}"),
    ("post", "/sandbox/{sandbox_id}/run"),
    ("get", "/sandbox/{sandbox_id}/runs/{run_id}"),
    ("get", "/approvals"),
    ("get", "/approvals/audit"),
    ("get", "/approvals/{approval_id}"),
    ("post", "/approvals/{approval_id}/approve"),
    ("post", "/approvals/{approval_id}/deny"),
    ("post", "/approvals/{approval_id}/escalate"),
];

/// The longest that an answer waits for code, with what its machine takes to start and to end.
const LONGEST_RUN: Duration = Duration::from_secs(660);

/// Builds the AgentCop API over a core. It is merged into the router of the native API, which answers the paths that
/// are left.
pub fn router(core: Core, options: Options) -> Router {
    let patient = options.http.deadline + LONGEST_RUN;
    let face = Face::new(core.clone(), options.http, errors::body);
    let running = face.with_deadline(patient).guard(running());
    let routes = face.guard(guarded()).merge(running).route("/badge/{badge_id}", get(badge::show));
    let routes = Router::new().nest("/api/v1", routes.clone()).nest("/api", routes);
    face.finish_part(routes.with_state(core))
}

/// Routes for whoever has a key.
fn guarded() -> Router<Core> {
    let archives = post(scan::archive).layer(DefaultBodyLimit::max(scan::LARGEST_UPLOAD));
    Router::new()
        .route("/scan", post(scan::code))
        .route("/scan/zip", archives)
        .route("/scan/{scan_id}", get(scan::one))
        .route("/gate/evaluate", post(gate::evaluate))
        .route("/gate/explain", post(gate::explain))
        .route("/gate/log/{agent_id}", get(gate::log))
        .route("/gate/policy/{agent_id}", get(policies::show).put(policies::put))
        .route("/gate/policy/{agent_id}/versions", get(policies::versions))
        .route("/gate/policy/{agent_id}/versions/{version}", get(policies::version))
        .route("/gate/policy/{agent_id}/test", post(policies::test))
        .route("/gate/policy/{agent_id}/suggestion", get(policies::suggestion))
        .route(
            "/permissions/{agent_id}",
            get(permissions::show)
                .post(permissions::create)
                .put(permissions::replace)
                .patch(permissions::patch)
                .delete(permissions::delete),
        )
        .route("/permissions/{agent_id}/versions", get(permissions::versions))
        .route("/sandbox/create", post(sandboxes::create))
        .route("/sandbox/{sandbox_id}", get(sandboxes::show).delete(sandboxes::delete))
        .route("/sandbox/{sandbox_id}/runs/{run_id}", get(sandboxes::show_run))
        .route("/approvals", get(approvals::list))
        .route("/approvals/audit", get(approvals::audit))
        .route("/approvals/{approval_id}", get(approvals::show))
        .route("/approvals/{approval_id}/approve", post(approvals::approve))
        .route("/approvals/{approval_id}/deny", post(approvals::deny))
        .route("/approvals/{approval_id}/escalate", post(approvals::escalate))
}

/// Routes that may take as long as code runs.
fn running() -> Router<Core> {
    Router::new().route("/sandbox/{sandbox_id}/run", post(sandboxes::run))
}
