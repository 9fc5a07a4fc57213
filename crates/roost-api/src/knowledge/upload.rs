use axum::Json as Answer;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use roost_core::Upload;
use roost_domain::key::Scope;
use roost_http::{Caller, Failure};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::{StoredTexts, owner};
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// The longest upload that is read: the largest file and the form around it.
const LONGEST: usize = 20 * 1024 * 1024 + 64 * 1024;

/// A form with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "says in the reference what the form has")]
#[schema(rename_all = "camelCase")]
pub(crate) struct UploadForm {
    /// Markdown, HTML, PDF, DOCX, CSV or text, told by the file's name; at most 20 MiB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The swarm whose knowledge it becomes. Give either this or `agentId`.
    swarm_id: Option<String>,
    /// The agent whose knowledge it becomes; its swarm's, if it is in one.
    agent_id: Option<String>,
    /// What its entries' source is called; the file's name without.
    source: Option<String>,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadedFile {
    /// What its entries' source is called.
    source: String,
    #[serde(flatten)]
    stored: StoredTexts,
}

/// Upload a document
///
/// Its text is taken out, cut along its headings, paragraphs and rows, and taken in, in the place of whatever had the
/// same source. All or nothing.
#[utoipa::path(
    post, path = "/v1/knowledge/upload", tag = "knowledge",
    security(("ApiKey" = ["knowledge:write"]), ("Bearer" = ["knowledge:write"])),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What became of its texts.", body = Data<UploadedFile>),
        (status = 404, description = "There is no such agent or swarm.", body = ErrorBody),
        (status = 503, description = "The embedder is not there.", body = ErrorBody),
    ),
)]
pub(crate) async fn upload(
    State(app): State<App>,
    Caller(ctx): Caller,
    request: Request,
) -> Result<Answer<Data<UploadedFile>>, Failure> {
    ctx.require(Scope::KnowledgeWrite)?;
    let uploaded = app.core.knowledge().upload(&ctx, form(request).await?).await?;
    Ok(Answer(Data { data: UploadedFile { source: uploaded.source, stored: uploaded.stored.into() } }))
}

async fn form(request: Request) -> Result<Upload, Failure> {
    let mut request = request;
    DefaultBodyLimit::max(LONGEST).apply(&mut request);
    let request: Request<Body> = request;
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        let message =
            "the body must be a form with a file; send the header Content-Type: multipart/form-data";
        Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    })?;
    let (mut file, mut agent, mut swarm, mut source) = (None, None, None, None);
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        match field.name().unwrap_or_default() {
            "file" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let media_type = field.content_type().map(str::to_owned);
                file =
                    Some((name, media_type, field.bytes().await.map_err(|error| broken(&error))?.to_vec()));
            }
            "agentId" => agent = Some(text(field, "agentId").await?),
            "swarmId" => swarm = Some(text(field, "swarmId").await?),
            "source" => source = Some(text(field, "source").await?),
            other => {
                let other: String = other.chars().take(80).collect();
                let known = "is not known here; the fields are file, agentId, swarmId, source";
                return Err(Failure::invalid(&other, known));
            }
        }
    }
    let (name, media_type, bytes) = file.ok_or_else(|| Failure::invalid("file", "is missing"))?;
    let owner = owner(agent.as_deref(), swarm.as_deref())?;
    Ok(Upload { owner, name, media_type, source, bytes })
}

async fn text(field: Field<'_>, name: &str) -> Result<String, Failure> {
    let bytes = field.bytes().await.map_err(|error| broken(&error))?;
    String::from_utf8(bytes.into()).map_err(|_| Failure::invalid(name, "must be a text in UTF-8"))
}

fn broken(error: &MultipartError) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "the file has more than 20 MiB; split it";
        return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message);
    }
    let message = format!("the form cannot be read: {}", error.body_text());
    Failure::new(StatusCode::BAD_REQUEST, "invalid_request", message)
}
