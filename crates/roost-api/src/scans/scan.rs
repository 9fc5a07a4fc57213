use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{Code, ScanCode};
use roost_domain::id::ScanId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::Scan;
use crate::app::App;
use crate::envelope::Data;

/// Code to be scanned.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanBody {
    /// At most 100 KiB.
    code: String,
    /// The file's name, which says in which language it is; without one, that is guessed.
    #[schema(example = "agent.py")]
    filename: Option<String>,
    /// What it is written for.
    #[schema(example = "langchain")]
    framework: Option<String>,
}

/// Scan code
///
/// Exactly the same code, scanned before under the same rules, gives the same scan.
#[utoipa::path(
    post, path = "/v1/scans", tag = "scans",
    security(("ApiKey" = ["scans"]), ("Bearer" = ["scans"])),
    request_body = ScanBody,
    responses((status = 201, description = "What was found.", body = Data<Scan>)),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    Json(body): Json<ScanBody>,
) -> Result<(StatusCode, Answer<Data<Scan>>), Failure> {
    let scan = app.core.scans().scan(&ctx, body.into_params()?).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: Scan::new(scan) })))
}

/// Get a scan
#[utoipa::path(
    get, path = "/v1/scans/{id}", tag = "scans",
    security(("ApiKey" = ["scans"]), ("Bearer" = ["scans"])),
    params(("id" = String, Path, description = "The scan.")),
    responses((status = 200, description = "What was found.", body = Data<Scan>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ScanId,)>,
) -> Result<Answer<Data<Scan>>, Failure> {
    let scan = app.core.scans().get(&ctx, id).await?;
    Ok(Answer(Data { data: Scan::new(scan) }))
}

impl ScanBody {
    fn into_params(self) -> Result<ScanCode, Failure> {
        if self.filename.as_ref().is_some_and(|name| !(1..=500).contains(&name.chars().count())) {
            return Err(Failure::invalid("filename", "must have 1 to 500 characters"));
        }
        let framework = |name: String| name.parse().map_err(|error| Failure::invalid("framework", error));
        Ok(ScanCode {
            framework: self.framework.map(framework).transpose()?,
            code: match self.filename {
                Some(name) => Code::File(name, self.code),
                None => Code::Snippet(self.code),
            },
        })
    }
}
