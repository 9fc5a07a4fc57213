use axum::http::header;
use axum::response::IntoResponse;

/// The one that `docs/workflows.md` describes.
const SCHEMA: &str = include_str!("../../../../docs/workflow.schema.json");

/// Get the schema of workflows
///
/// JSON Schema (2020-12) of what `PUT /v1/agents/{id}/workflow/config` takes, for editors.
#[utoipa::path(
    get, path = "/v1/workflows/schema.json", tag = "workflows", operation_id = "workflow_schema",
    responses((status = 200, description = "The schema.", body = Object, content_type = "application/schema+json")),
)]
pub(crate) async fn workflow_schema() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/schema+json")], SCHEMA)
}
