use axum::Json as Answer;
use axum::extract::State;
use roost_core::PutDocument;
use roost_domain::document::DocumentName;
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hash;
use super::wire::Shown;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Who an agent is. A document that is not there is empty, and its time null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Personality {
    /// SOUL.md: how it is.
    soul_md: String,
    /// IDENTITY.md: who it is.
    identity_md: String,
    /// The SHA-256 of SOUL.md, in hexadecimal digits; send it as `expectedHash`.
    soul_md_hash: String,
    soul_md_updated_at: Option<String>,
    /// The SHA-256 of IDENTITY.md; send it as `expectedIdentityHash`.
    identity_md_hash: String,
    identity_md_updated_at: Option<String>,
}

/// Get an agent's personality
#[utoipa::path(
    get, path = "/v1/agents/{id}/personality", tag = "documents", operation_id = "get_personality",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "SOUL.md and IDENTITY.md.", body = Data<Personality>)),
)]
pub(crate) async fn get_personality(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Personality>>, Failure> {
    let found = app.core.documents().personality(&ctx, id).await?;
    let (soul, identity) = (Shown::new(found.soul), Shown::new(found.identity));
    Ok(Answer(Data {
        data: Personality {
            soul_md: soul.text,
            soul_md_hash: soul.hash,
            soul_md_updated_at: soul.updated_at,
            identity_md: identity.text,
            identity_md_hash: identity.hash,
            identity_md_updated_at: identity.updated_at,
        },
    }))
}

/// A personality to be written.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutPersonalityBody {
    /// SOUL.md, at most 48,000 bytes.
    soul_md: String,
    /// The SHA-256 of the SOUL.md that this replaces; 409 if it has another by now.
    expected_hash: Option<String>,
    /// IDENTITY.md, at most 48,000 bytes; left out, it stays.
    identity_md: Option<String>,
    /// The SHA-256 of the IDENTITY.md that this replaces.
    expected_identity_hash: Option<String>,
}

/// The personality as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenPersonality {
    soul_md: String,
    soul_md_hash: String,
    soul_md_updated_at: Option<String>,
    /// IDENTITY.md, where it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_md: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_md_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_md_updated_at: Option<String>,
    /// Whether sessions under way see it only after a restart.
    needs_restart: bool,
}

/// Write an agent's personality
///
/// What was there before is kept as a version. New sessions see it at once, sessions under way after a restart.
#[utoipa::path(
    put, path = "/v1/agents/{id}/personality", tag = "documents", operation_id = "put_personality",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = PutPersonalityBody,
    responses(
        (status = 200, description = "It is written.", body = Data<WrittenPersonality>),
        (status = 409, description = "A document was changed meanwhile.", body = ErrorBody),
    ),
)]
pub(crate) async fn put_personality(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Json(body): Json<PutPersonalityBody>,
) -> Result<Answer<Data<WrittenPersonality>>, Failure> {
    let written = app.core.documents().put(&ctx, id, body.into_params()?).await?;
    let mut documents = written.documents.into_iter();
    let (soul, identity) =
        (Shown::new(documents.next()), documents.next().map(|last| Shown::new(Some(last))));
    let (identity_md, identity_md_hash, identity_md_updated_at) = match identity {
        Some(Shown { text, hash, updated_at }) => (Some(text), Some(hash), updated_at),
        None => (None, None, None),
    };
    Ok(Answer(Data {
        data: WrittenPersonality {
            soul_md: soul.text,
            soul_md_hash: soul.hash,
            soul_md_updated_at: soul.updated_at,
            identity_md,
            identity_md_hash,
            identity_md_updated_at,
            needs_restart: written.needs_restart,
        },
    }))
}

impl PutPersonalityBody {
    fn into_params(self) -> Result<Vec<PutDocument>, Failure> {
        let mut puts = vec![PutDocument {
            name: DocumentName::Soul,
            content: self.soul_md,
            expected: hash("expectedHash", self.expected_hash)?,
            field: "soulMd",
        }];
        let expected = hash("expectedIdentityHash", self.expected_identity_hash)?;
        match (self.identity_md, expected) {
            (Some(content), expected) => {
                puts.push(PutDocument {
                    name: DocumentName::Identity,
                    content,
                    expected,
                    field: "identityMd",
                });
            }
            (None, Some(_)) => {
                return Err(Failure::invalid("expectedIdentityHash", "is of no use without identityMd"));
            }
            (None, None) => {}
        }
        Ok(puts)
    }
}
