use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_domain::skill::SkillId;
use roost_http::{Caller, Failure, Segment};

use super::upload::{PutSkillBody, SkillUpload};
use super::wire::{DeletedSkill, SkillDetails};
use crate::app::App;
use crate::envelope::Data;

/// Create a skill
///
/// A skill of the account's own, or a new version of one that is there. Takes JSON, a zip archive
/// (`application/zip`), or a form with the archive as `file`. It is scanned at once. Agents keep the version that they
/// have until they are updated.
#[utoipa::path(
    post, path = "/v1/skills", tag = "skills", operation_id = "create_skill",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    request_body = PutSkillBody,
    responses(
        (status = 201, description = "The skill is new.", body = Data<SkillDetails>),
        (status = 200, description = "The skill was there; this is its latest version.", body = Data<SkillDetails>),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Caller(ctx): Caller,
    SkillUpload(put): SkillUpload,
) -> Result<(StatusCode, Answer<Data<SkillDetails>>), Failure> {
    let (view, is_new) = app.core.skills().put(&ctx, put).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Answer(Data { data: SkillDetails::new(view) })))
}

/// Replace a skill
///
/// Makes a new version of a skill of the account's own. Exactly the latest version again changes nothing.
#[utoipa::path(
    put, path = "/v1/skills/{id}", tag = "skills", operation_id = "replace_skill",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(("id" = String, Path, description = "The skill.")),
    request_body = PutSkillBody,
    responses((status = 200, description = "The skill.", body = Data<SkillDetails>)),
)]
pub(crate) async fn replace(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SkillId,)>,
    SkillUpload(put): SkillUpload,
) -> Result<Answer<Data<SkillDetails>>, Failure> {
    if put.id.as_ref().is_some_and(|given| *given != id) {
        return Err(Failure::invalid("id", "must be the one in the path, or be left out"));
    }
    let view = app.core.skills().replace(&ctx, id, put).await?;
    Ok(Answer(Data { data: SkillDetails::new(view) }))
}

/// Delete a skill
///
/// A skill of the account's own, with all its versions. Agents that have it keep it.
#[utoipa::path(
    delete, path = "/v1/skills/{id}", tag = "skills", operation_id = "delete_skill",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(("id" = String, Path, description = "The skill.")),
    responses((status = 200, description = "It is gone.", body = Data<DeletedSkill>)),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SkillId,)>,
) -> Result<Answer<Data<DeletedSkill>>, Failure> {
    app.core.skills().delete(&ctx, &id).await?;
    Ok(Answer(Data { data: DeletedSkill { id: id.to_string(), deleted: true } }))
}
