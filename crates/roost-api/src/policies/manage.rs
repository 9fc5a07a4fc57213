use axum::Json as Answer;
use axum::extract::State;
use roost_core::PutPolicy;
use roost_domain::page::Limit;
use roost_domain::policy::Version;
use roost_domain::subject::Subject;
use roost_http::{Caller, Document, Failure, Query, Segment};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::{EditionSummary, Policy};
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

/// How many versions a list has.
const MOST: Limit = Limit::clamped(500, 500);

/// Get a policy
///
/// The version that is in force.
#[utoipa::path(
    get, path = "/v1/policies/{agentId}", tag = "policies",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent: its id, or its name where it runs elsewhere.")),
    responses((status = 200, description = "The policy.", body = Data<Policy>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<Data<Policy>>, Failure> {
    let view = app.core.policies().get(&ctx, subject, None).await?;
    Ok(Answer(Data { data: Policy::new(view) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutPolicyQuery {
    /// Whether a policy with warnings is refused.
    strict: Option<bool>,
    /// Whether it is only checked.
    dry_run: Option<bool>,
}

/// Put a policy in force
///
/// Every decision after the answer goes by it. The versions before it stay in the history.
#[utoipa::path(
    put, path = "/v1/policies/{agentId}", tag = "policies",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(
        ("agentId" = String, Path, description = "The agent: its id, or its name where it runs elsewhere."),
        PutPolicyQuery,
    ),
    request_body(description = "The policy, as YAML or JSON.",
        content((Object = "application/json"), (Object = "application/yaml"))),
    responses((status = 200, description = "The policy, with warnings.", body = Data<Policy>)),
)]
pub(crate) async fn put(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Query(query): Query<PutPolicyQuery>,
    Document(document): Document,
) -> Result<Answer<Data<Policy>>, Failure> {
    let put = PutPolicy {
        subject,
        document,
        strict: query.strict.unwrap_or(false),
        dry_run: query.dry_run.unwrap_or(false),
    };
    let view = app.core.policies().put(&ctx, put).await?;
    Ok(Answer(Data { data: Policy::new(view) }))
}

/// List a policy's versions
///
/// Newest first; the newest 500.
#[utoipa::path(
    get, path = "/v1/policies/{agentId}/versions", tag = "policies",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(("agentId" = String, Path, description = "The agent: its id, or its name where it runs elsewhere.")),
    responses((status = 200, description = "The versions.", body = Listed<EditionSummary>)),
)]
pub(crate) async fn versions(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<Listed<EditionSummary>>, Failure> {
    let editions = app.core.policies().versions(&ctx, subject, MOST).await?;
    Ok(Answer(Listed {
        pagination: Pagination::new(editions.len() as u64, MOST, None),
        data: editions.into_iter().map(EditionSummary::new).collect(),
    }))
}

/// Get a version of a policy
#[utoipa::path(
    get, path = "/v1/policies/{agentId}/versions/{version}", tag = "policies",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(
        ("agentId" = String, Path, description = "The agent: its id, or its name where it runs elsewhere."),
        ("version" = String, Path, description = "The version, such as `1.0`."),
    ),
    responses((status = 200, description = "The version.", body = Data<Policy>)),
)]
pub(crate) async fn version(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject, version)): Segment<(Subject, Version)>,
) -> Result<Answer<Data<Policy>>, Failure> {
    let view = app.core.policies().get(&ctx, subject, Some(version)).await?;
    Ok(Answer(Data { data: Policy::new(view) }))
}
