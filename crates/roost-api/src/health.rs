use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthBody {
    /// `ok`, or `degraded` if something below is.
    #[schema(example = "ok")]
    status: &'static str,
    /// The server's version.
    version: &'static str,
    /// `ok`, or `degraded` if it knows no rules.
    scanner: &'static str,
    /// `ok`, or `degraded` if it does not answer.
    database: &'static str,
    /// How long ago the server started.
    uptime_seconds: u64,
}

/// Tell how the server is
///
/// Reads one row, so it is cheap to ask often.
#[utoipa::path(
    get, path = "/health", tag = "server",
    responses(
        (status = 200, description = "All is well.", body = HealthBody),
        (status = 503, description = "Something is not; the body says what.", body = HealthBody),
    ),
)]
pub(crate) async fn health(State(app): State<App>) -> (StatusCode, Json<HealthBody>) {
    let health = app.core.health().await;
    let word = |well| if well { "ok" } else { "degraded" };
    let status = if health.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = HealthBody {
        status: word(health.is_ok()),
        version: env!("CARGO_PKG_VERSION"),
        scanner: word(health.scanner),
        database: word(health.store),
        uptime_seconds: health.uptime.as_secs(),
    };
    (status, Json(body))
}
