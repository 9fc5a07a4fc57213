use axum::Json as Answer;
use axum::extract::State;
use roost_core::TestPolicy;
use roost_domain::subject::Subject;
use roost_http::{Caller, Document, Failure, Query, Segment, iso, since};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::{PolicySuggestion, PolicyTest};
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SinceQuery {
    /// Since this time, or since a span before now such as `7d` (the default), `24h` or `90m`.
    since: Option<String>,
}

/// Test a policy
///
/// Tries a policy on what was decided about the agent, says what would have been decided otherwise, and changes
/// nothing.
#[utoipa::path(
    post, path = "/v1/policies/{agentId}/test", tag = "policies",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(
        ("agentId" = String, Path, description = "The agent: its id, or its name where it runs elsewhere."),
        SinceQuery,
    ),
    request_body(description = "The policy, as YAML or JSON.",
        content((Object = "application/json"), (Object = "application/yaml"))),
    responses((status = 200, description = "What it would change.", body = Data<PolicyTest>)),
)]
pub(crate) async fn test(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Query(query): Query<SinceQuery>,
    Document(document): Document,
) -> Result<Answer<Data<PolicyTest>>, Failure> {
    let since = since(query.since.as_deref(), ctx.now)?;
    let test = TestPolicy { subject: subject.clone(), document, since };
    let result = app.core.policies().test(&ctx, test).await?;
    Ok(Answer(Data { data: PolicyTest::new(&subject, iso(since), result) }))
}

/// Suggest a policy
///
/// The smallest one that covers what the agent did.
#[utoipa::path(
    get, path = "/v1/policies/{agentId}/suggestion", tag = "policies",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(
        ("agentId" = String, Path, description = "The agent: its id, or its name where it runs elsewhere."),
        SinceQuery,
    ),
    responses(
        (status = 200, description = "A policy. It is not in force until it is put.", body = Data<PolicySuggestion>),
        (status = 409, description = "The agent did nothing since then.", body = ErrorBody),
    ),
)]
pub(crate) async fn suggestion(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Query(query): Query<SinceQuery>,
) -> Result<Answer<Data<PolicySuggestion>>, Failure> {
    let since = since(query.since.as_deref(), ctx.now)?;
    let policy = app.core.policies().suggest(&ctx, subject.clone(), since).await?;
    let data = PolicySuggestion { agent_id: subject.to_string(), since: iso(since), policy };
    Ok(Answer(Data { data }))
}
