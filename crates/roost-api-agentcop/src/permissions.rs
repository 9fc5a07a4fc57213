//! **Source:** AgentCop's API reference, "Permissions API".

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{ChangePermissions, Core, Edition};
use roost_domain::page::Limit;
use roost_domain::subject::Subject;
use roost_http::{Caller, Document, Failure, Segment, iso};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::policies::Versions;

#[derive(Serialize)]
pub(crate) struct PermissionsBody {
    agent_id: String,
    version: String,
    #[serde(flatten)]
    document: Map<String, Value>,
    updated_at: String,
}

pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<PermissionsBody>, Failure> {
    let edition = core.permissions().get(&ctx, subject.clone(), None).await?;
    Ok(Answer(PermissionsBody::new(&subject, edition)))
}

pub(crate) async fn create(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Document(document): Document,
) -> Result<(StatusCode, Answer<PermissionsBody>), Failure> {
    let change = ChangePermissions::Create(document);
    let edition = core.permissions().change(&ctx, subject.clone(), change).await?;
    Ok((StatusCode::CREATED, Answer(PermissionsBody::new(&subject, edition))))
}

pub(crate) async fn replace(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Document(document): Document,
) -> Result<Answer<PermissionsBody>, Failure> {
    let change = ChangePermissions::Replace(document);
    let edition = core.permissions().change(&ctx, subject.clone(), change).await?;
    Ok(Answer(PermissionsBody::new(&subject, edition)))
}

pub(crate) async fn patch(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Document(document): Document,
) -> Result<Answer<PermissionsBody>, Failure> {
    let change = ChangePermissions::Patch(document);
    let edition = core.permissions().change(&ctx, subject.clone(), change).await?;
    Ok(Answer(PermissionsBody::new(&subject, edition)))
}

pub(crate) async fn delete(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<StatusCode, Failure> {
    core.permissions().change(&ctx, subject, ChangePermissions::Delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn versions(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<Versions>, Failure> {
    let editions = core.permissions().versions(&ctx, subject.clone(), Limit::clamped(500, 500)).await?;
    Ok(Answer(Versions::new(&subject, editions)))
}

impl PermissionsBody {
    fn new(subject: &Subject, edition: Edition) -> Self {
        let document = match edition.document {
            Some(Value::Object(map)) => map,
            Some(_) | None => Map::new(),
        };
        Self {
            agent_id: subject.to_string(),
            version: edition.version.to_string(),
            document,
            updated_at: iso(edition.at),
        }
    }
}
