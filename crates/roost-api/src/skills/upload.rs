//! What makes a skill: JSON, a zip archive, or a form with one.

use std::collections::BTreeMap;

use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost_core::{PutSkill, SkillContent};
use roost_http::{Failure, Json, allow_body};
use serde::Deserialize;
use utoipa::ToSchema;

/// The longest body: all files of a skill in base64, and what is around them.
const LONGEST: usize = 8 * 1024 * 1024;

/// A skill, or a new version of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutSkillBody {
    /// Its name as agents have it: lower-case letters, digits and hyphens. Without it, the name in `SKILL.md`, or one
    /// made of `name`.
    #[schema(example = "release-notes")]
    id: Option<String>,
    /// What people call it.
    #[schema(example = "Release Notes")]
    name: Option<String>,
    /// What it does and when to use it; only where no file is `SKILL.md`.
    description: Option<String>,
    /// The instructions, in Markdown; only where no file is `SKILL.md`.
    instructions: Option<String>,
    /// Its files by path: a text, or `{"base64": "…"}`.
    #[schema(value_type = Object)]
    files: Option<BTreeMap<String, FileBody>>,
}

/// A file's content.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be a text, or {\"base64\": \"…\"}")]
pub(crate) enum FileBody {
    Text(String),
    Bytes(Base64Body),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base64Body {
    base64: String,
}

/// A skill that somebody sends.
pub(crate) struct SkillUpload(pub(crate) PutSkill);

impl<S: Sync> FromRequest<S> for SkillUpload {
    type Rejection = Failure;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Failure> {
        allow_body(&mut request, LONGEST);
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind =
            kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        let archive =
            |bytes: Vec<u8>| PutSkill { id: None, title: None, content: SkillContent::Archive(bytes) };
        match kind.as_str() {
            "application/zip" | "application/x-zip-compressed" => {
                let bytes =
                    axum::body::to_bytes(request.into_body(), LONGEST).await.map_err(|_| too_long())?;
                Ok(Self(archive(bytes.into())))
            }
            "multipart/form-data" => form(request).await.map(archive).map(Self),
            _ => {
                let Json(body) = Json::<PutSkillBody>::from_request(request, state).await?;
                body.into_params().map(Self)
            }
        }
    }
}

/// Reads the form of an upload: `file`.
async fn form(request: Request) -> Result<Vec<u8>, Failure> {
    let no_form = |_| {
        let message = "the body must be a form with a file";
        Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(no_form)?;
    let mut archive = None;
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        match field.name().unwrap_or_default() {
            "file" => archive = Some(field.bytes().await.map_err(|error| broken(&error))?.to_vec()),
            other => {
                let other: String = other.chars().take(80).collect();
                return Err(Failure::invalid(&other, "is not known here; the only field is file"));
            }
        }
    }
    archive.ok_or_else(|| Failure::invalid("file", "is missing; send a zip archive"))
}

fn broken(error: &MultipartError) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_long();
    }
    let message = format!("the form cannot be read: {}", error.body_text());
    Failure::new(StatusCode::BAD_REQUEST, "invalid_request", message)
}

fn too_long() -> Failure {
    let message = "the body is too long; a skill has at most 5 MiB";
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

impl PutSkillBody {
    fn into_params(self) -> Result<PutSkill, Failure> {
        let id = self.id.map(|id| id.parse().map_err(|error| Failure::invalid("id", error))).transpose()?;
        let mut files = Vec::new();
        for (path, body) in self.files.unwrap_or_default() {
            let content = match body {
                FileBody::Text(text) => text.into_bytes(),
                FileBody::Bytes(Base64Body { base64 }) => STANDARD
                    .decode(base64.trim())
                    .map_err(|error| Failure::invalid(&format!("files.{path}.base64"), error))?,
            };
            files.push((path, content));
        }
        let content =
            SkillContent::Files { files, description: self.description, instructions: self.instructions };
        Ok(PutSkill { id, title: self.name, content })
    }
}
