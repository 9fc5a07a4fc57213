use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The server is up.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`: a server that is not well does not answer.
    #[schema(example = "ok")]
    status: &'static str,
    /// The server's version.
    version: &'static str,
}

/// Tell that the server answers
///
/// Looks at nothing but itself, so it is cheap to ask often.
#[utoipa::path(get, path = "/health", tag = "server", responses((status = 200, description = "It does.", body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
