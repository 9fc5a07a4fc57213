use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use roost_core::ListSkills;
use roost_domain::page::Limit;
use roost_domain::skill::{SkillId, SkillPath, TrustLevel};
use roost_http::{Caller, Failure, Query, Segment};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::{Skill, SkillDetails};
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SkillsQuery {
    /// Words that name and description must have, whatever the case.
    search: Option<String>,
    category: Option<String>,
    /// `verified` for the server's catalog, `custom` for the account's own, `clawhub` for the public registry; the
    /// first two without it.
    trust_level: Option<String>,
    /// From 1; 1 without it.
    page: Option<u32>,
    /// 1 to 100; 20 without it.
    page_size: Option<u32>,
}

/// List skills
///
/// Sorted by name; those of the public registry as it ranks them, at most 200.
#[utoipa::path(
    get, path = "/v1/skills", tag = "skills", operation_id = "list_skills",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(SkillsQuery),
    responses((status = 200, description = "A page of skills.", body = Listed<Skill>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<SkillsQuery>,
) -> Result<Answer<Listed<Skill>>, Failure> {
    let page = query.page.unwrap_or(1);
    if page == 0 {
        return Err(Failure::invalid("page", "must be 1 or more"));
    }
    let size = query.page_size.unwrap_or(20);
    if !(1..=100).contains(&size) {
        return Err(Failure::invalid("pageSize", "must be 1 to 100"));
    }
    let limit = Limit::clamped(size, 100);
    let skip = u64::from(page - 1) * u64::from(size);
    let list = ListSkills {
        search: query.search,
        category: query.category.filter(|category| !category.is_empty()),
        trust: trust(query.trust_level.as_deref())?,
        skip,
        limit,
    };
    let (skills, total) = app.core.skills().list(&ctx, list).await?;
    let data = skills.iter().map(Skill::new).collect();
    Ok(Answer(Listed { data, pagination: Pagination::after(total, limit, skip) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SkillQuery {
    /// `verified`, `custom` or `clawhub`; without it, the server's catalog is asked first, then the account's own.
    trust_level: Option<String>,
}

/// Get a skill
#[utoipa::path(
    get, path = "/v1/skills/{id}", tag = "skills", operation_id = "get_skill",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(("id" = String, Path, description = "The skill."), SkillQuery),
    responses((status = 200, description = "The skill.", body = Data<SkillDetails>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(SkillId,)>,
    Query(query): Query<SkillQuery>,
) -> Result<Answer<Data<SkillDetails>>, Failure> {
    let trust = trust(query.trust_level.as_deref())?;
    let view = app.core.skills().get(&ctx, &id, trust).await?;
    Ok(Answer(Data { data: SkillDetails::new(view) }))
}

/// Read a file of a skill
///
/// Its bytes, as they are. The path may have slashes.
#[utoipa::path(
    get, path = "/v1/skills/{id}/files/{*path}", tag = "skills", operation_id = "get_skill_file",
    security(("ApiKey" = ["skills"]), ("Bearer" = ["skills"])),
    params(
        ("id" = String, Path, description = "The skill."),
        ("path" = String, Path, description = "The file, such as scripts/insights.sh."),
        SkillQuery,
    ),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream", body = Vec<u8>)),
)]
pub(crate) async fn file(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, path)): Segment<(SkillId, SkillPath)>,
    Query(query): Query<SkillQuery>,
) -> Result<impl IntoResponse, Failure> {
    let trust = trust(query.trust_level.as_deref())?;
    let content = app.core.skills().file(&ctx, &id, trust, &path).await?;
    // Nothing that somebody uploaded is shown as a page of this server.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_DISPOSITION, "attachment"),
    ];
    Ok((headers, content))
}

pub(super) fn trust(text: Option<&str>) -> Result<Option<TrustLevel>, Failure> {
    text.map(|text| text.parse().map_err(|error| Failure::invalid("trustLevel", error))).transpose()
}
