use axum::Json as Answer;
use axum::body::Body;
use axum::extract::multipart::Multipart;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roost_core::{AnswerRun, FormFile, UploadFile};
use roost_domain::id::{AgentId, FileId, FormId, RunId};
use roost_http::{Caller, Failure, Json, Query, Segment};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::wire::Run;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// The longest upload that is read: the largest file and the form around it.
const LONGEST: usize = (25 << 20) + (64 << 10);

/// An answer to a form.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AnswerRunBody {
    /// Which form; without one, the only one that waits and has fields of these names.
    form_id: Option<String>,
    /// What is answered, by the names of the fields. A file is named by its id: `{"file": "file_…"}`. The answer to a
    /// question is `{"approved": true}`, with a `note` if you like.
    #[schema(value_type = Object)]
    values: Map<String, Value>,
}

/// Answer a form
///
/// The run goes on with the answer, which is checked before it is taken.
#[utoipa::path(
    post, path = "/v1/agents/{id}/runs/{run}/input", tag = "runs", operation_id = "answer_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(("id" = String, Path, description = "The agent."), ("run" = String, Path, description = "The run.")),
    request_body = AnswerRunBody,
    responses(
        (status = 200, description = "The run, which goes on.", body = Data<Run>),
        (status = 409, description = "It does not wait, was answered, or the time is over.", body = ErrorBody),
    ),
)]
pub(crate) async fn answer_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
    Json(body): Json<AnswerRunBody>,
) -> Result<Answer<Data<Run>>, Failure> {
    let form = body.form_id.map(|form| form.parse::<FormId>()).transpose();
    let form = form.map_err(|error| Failure::invalid("formId", error))?;
    let answer = AnswerRun { agent: id, run, form, values: body.values };
    let answered = app.core.runs().answer(&ctx, answer).await?;
    Ok(Answer(Data { data: Run::new(&app.core, answered.run, ctx.now) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadRunFileQuery {
    /// The form that waits. Required.
    form_id: Option<String>,
    /// The field of the form. Required.
    field: Option<String>,
}

/// A form with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "says in the reference what the form has")]
pub(crate) struct RunFileForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file that was kept for a form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunFile {
    /// Its id, which the answer to the form names.
    file: String,
    name: String,
    r#type: String,
    /// In bytes.
    size: u64,
}

/// Upload a file for a form
///
/// The answer to the form then names it.
#[utoipa::path(
    post, path = "/v1/agents/{id}/runs/{run}/files", tag = "runs", operation_id = "upload_run_file",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("run" = String, Path, description = "The run."),
        UploadRunFileQuery,
    ),
    request_body(content = RunFileForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "What the answer may name.", body = Data<RunFile>)),
)]
pub(crate) async fn upload_run_file(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
    Query(query): Query<UploadRunFileQuery>,
    request: Request,
) -> Result<(StatusCode, Answer<Data<RunFile>>), Failure> {
    // Nobody may send much to a run that they cannot see.
    app.core.runs().get(&ctx, id, run).await?;
    let form = query.form_id.ok_or_else(|| Failure::invalid("formId", "is required"))?;
    let field = query.field.ok_or_else(|| Failure::invalid("field", "is required"))?;
    let form = form.parse::<FormId>().map_err(|error| Failure::invalid("formId", error))?;
    let upload = UploadFile { agent: id, run, form, upload: read(request, field).await? };
    let kept = app.core.forms().upload(&ctx, upload).await?;
    let data = RunFile { file: kept.file, name: kept.name, r#type: kept.media_type, size: kept.size };
    Ok((StatusCode::CREATED, Answer(Data { data })))
}

async fn read(request: Request, field: String) -> Result<FormFile, Failure> {
    let mut request: Request<Body> = request;
    DefaultBodyLimit::max(LONGEST).apply(&mut request);
    let broken = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let message = "the file has more than 25 MiB";
            return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message);
        }
        let message = format!("the form cannot be read: {}", error.body_text());
        Failure::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        let message =
            "the body must be a form with a file; send the header Content-Type: multipart/form-data";
        Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    })?;
    let part = form.next_field().await.map_err(broken)?;
    let part = part.ok_or_else(|| Failure::invalid("file", "is missing"))?;
    if part.name() != Some("file") {
        return Err(Failure::invalid("the form", "must hold one part, called file"));
    }
    let name = part.file_name().unwrap_or_default().to_owned();
    let media_type = part.content_type().unwrap_or_default().to_owned();
    let content = part.bytes().await.map_err(broken)?.to_vec();
    Ok(FormFile { field, name, media_type, content })
}

/// Download a file of a run
///
/// As somebody gave it to a form. Browsers are told to save it and not to look at it.
#[utoipa::path(
    get, path = "/v1/agents/{id}/runs/{run}/files/{file}", tag = "runs", operation_id = "get_run_file",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("run" = String, Path, description = "The run."),
        ("file" = String, Path, description = "The file."),
    ),
    responses((status = 200, description = "The file.", body = String, content_type = "application/octet-stream")),
)]
pub(crate) async fn get_run_file(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run, file)): Segment<(AgentId, RunId, FileId)>,
) -> Result<Response, Failure> {
    let (file, content) = app.core.artifacts().file(&ctx, id, run, file).await?;
    Ok(download(&file.name, "application/octet-stream", content))
}

/// Returns something to be saved: whoever sent it, no browser takes it for a page of this server.
pub(crate) fn download(name: &str, media_type: &'static str, content: Vec<u8>) -> Response {
    let plain: String = name
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' })
        .collect();
    let mut response = (StatusCode::OK, content).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{plain}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
