use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use roost_core::{InstallSkill, UpdateInstalledSkill};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_domain::skill::SkillId;
use roost_http::{Caller, Failure, Json, Segment};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::{ChangedSkill, InstalledSkill, UninstalledSkill};
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

/// List an agent's skills
///
/// In the order in which they were installed, all of them.
#[utoipa::path(
    get, path = "/v1/agents/{id}/skills", tag = "skills", operation_id = "list_agent_skills",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The skills.", body = Listed<InstalledSkill>)),
)]
pub(crate) async fn installed(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Listed<InstalledSkill>>, Failure> {
    let skills = app.core.skills().installed(&ctx, id).await?;
    let total = skills.len() as u64;
    // As Agento shows it: the limit is how many there are.
    let limit = Limit::clamped(u32::try_from(total).unwrap_or(u32::MAX), 1_000);
    let data = skills.into_iter().map(InstalledSkill::new).collect();
    Ok(Answer(Listed { data, pagination: Pagination::new(total, limit, None) }))
}

/// A skill to be installed.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InstallSkillBody {
    #[schema(example = "csv-insights")]
    skill_id: String,
    /// `verified` for the server's catalog, `clawhub` for the public registry, `custom` for the account's own.
    #[schema(example = "verified")]
    trust_level: String,
}

/// Install a skill on an agent
///
/// Its latest version. The agent has it from its next model call on. A skill whose scan comes to less than the server's
/// limit waits for an approval first: its `status` is `pending_approval`, and `approvalId` names what is to be decided.
#[utoipa::path(
    post, path = "/v1/agents/{id}/skills", tag = "skills", operation_id = "install_skill",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(("id" = String, Path, description = "The agent.")),
    request_body = InstallSkillBody,
    responses((status = 201, description = "The skill on the agent.", body = Data<ChangedSkill>)),
)]
pub(crate) async fn install(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Json(body): Json<InstallSkillBody>,
) -> Result<(StatusCode, Answer<Data<ChangedSkill>>), Failure> {
    let install = InstallSkill {
        agent: id,
        skill: body.skill_id.parse().map_err(|error| Failure::invalid("skillId", error))?,
        trust: body.trust_level.parse().map_err(|error| Failure::invalid("trustLevel", error))?,
    };
    let skill = app.core.skills().install(&ctx, install).await?;
    Ok((StatusCode::CREATED, Answer(Data { data: ChangedSkill::new(skill) })))
}

/// What to change of a skill on an agent; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UpdateSkillBody {
    /// Whether the agent is to have it.
    is_enabled: Option<bool>,
    /// `latest` takes the latest version of its source.
    #[schema(example = "latest")]
    version: Option<String>,
}

/// Change a skill on an agent
///
/// Turns it on or off, or takes its latest version, which is scanned like a new one.
#[utoipa::path(
    patch, path = "/v1/agents/{id}/skills/{skillId}", tag = "skills", operation_id = "update_agent_skill",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("skillId" = String, Path, description = "The skill."),
    ),
    request_body = UpdateSkillBody,
    responses((status = 200, description = "The skill on the agent.", body = Data<ChangedSkill>)),
)]
pub(crate) async fn update_installed(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, skill)): Segment<(AgentId, SkillId)>,
    Json(body): Json<UpdateSkillBody>,
) -> Result<Answer<Data<ChangedSkill>>, Failure> {
    if body.version.as_deref().is_some_and(|version| version != "latest") {
        return Err(Failure::invalid("version", "must be latest"));
    }
    let change = UpdateInstalledSkill { enabled: body.is_enabled, latest: body.version.is_some() };
    let skill = app.core.skills().update(&ctx, id, &skill, change).await?;
    Ok(Answer(Data { data: ChangedSkill::new(skill) }))
}

/// Uninstall a skill from an agent
///
/// Its files go before the agent's machine is used next.
#[utoipa::path(
    delete, path = "/v1/agents/{id}/skills/{skillId}", tag = "skills", operation_id = "uninstall_skill",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("skillId" = String, Path, description = "The skill."),
    ),
    responses((status = 200, description = "It is gone.", body = Data<UninstalledSkill>)),
)]
pub(crate) async fn uninstall(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, skill)): Segment<(AgentId, SkillId)>,
) -> Result<Answer<Data<UninstalledSkill>>, Failure> {
    app.core.skills().uninstall(&ctx, id, &skill).await?;
    let data = UninstalledSkill { skill_id: skill.to_string(), uninstalled: true, needs_restart: false };
    Ok(Answer(Data { data }))
}
