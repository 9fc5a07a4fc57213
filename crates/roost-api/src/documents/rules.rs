use axum::Json as Answer;
use axum::extract::State;
use roost_core::PutDocument;
use roost_domain::document::DocumentName;
use roost_domain::id::AgentId;
use roost_http::{Caller, Failure, Json, Query, Segment};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::hash;
use super::wire::Shown;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// An agent's rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rules {
    /// By name.
    rules: Vec<RuleSummary>,
}

/// A rule in a list.
#[derive(Debug, Serialize, ToSchema)]
struct RuleSummary {
    /// Without `.md`.
    #[schema(example = "refunds")]
    name: String,
    /// In bytes.
    size: u64,
}

/// List an agent's rules
///
/// Procedures that the agent reads when it needs them.
#[utoipa::path(
    get, path = "/v1/agents/{id}/rules", tag = "documents", operation_id = "list_rules",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("id" = String, Path, description = "The agent.")),
    responses((status = 200, description = "The rules, by name.", body = Data<Rules>)),
)]
pub(crate) async fn list_rules(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
) -> Result<Answer<Data<Rules>>, Failure> {
    let rules = app.core.documents().rules(&ctx, id).await?;
    let rules = rules.into_iter().map(|(name, size)| RuleSummary { name: name.to_string(), size }).collect();
    Ok(Answer(Data { data: Rules { rules } }))
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    /// Without `.md`.
    name: String,
    content: String,
    /// The SHA-256 of the content, in hexadecimal digits; send it as `expectedHash`.
    hash: String,
    updated_at: Option<String>,
}

/// Get a rule
#[utoipa::path(
    get, path = "/v1/agents/{id}/rules/{name}", tag = "documents", operation_id = "get_rule",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "The rule, without `.md`."),
    ),
    responses((status = 200, description = "The rule.", body = Data<Rule>)),
)]
pub(crate) async fn get_rule(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, String)>,
) -> Result<Answer<Data<Rule>>, Failure> {
    let rule = Shown::new(Some(app.core.documents().get(&ctx, id, named(&name)?).await?));
    let Shown { text: content, hash, updated_at } = rule;
    Ok(Answer(Data { data: Rule { name, content, hash, updated_at } }))
}

/// A rule to be written.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PutRuleBody {
    /// Markdown, at most 48,000 bytes.
    content: String,
    /// The SHA-256 of the content that this replaces (of the empty text for a new rule); 409 if it has another by now.
    expected_hash: Option<String>,
}

/// A rule that was written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WrittenRule {
    name: String,
    hash: String,
    /// Whether something waits for a restart: sessions under way do not list a new rule before.
    needs_restart: bool,
}

/// Write a rule
///
/// Makes it or replaces it; what was there before is kept as a version. At most 100 rules. The agent reads it as it is
/// at that moment; sessions under way list a new one after a restart.
#[utoipa::path(
    put, path = "/v1/agents/{id}/rules/{name}", tag = "documents", operation_id = "put_rule",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "1 to 64 letters, digits, hyphens and underscores."),
    ),
    request_body = PutRuleBody,
    responses(
        (status = 200, description = "It is written.", body = Data<WrittenRule>),
        (status = 409, description = "It was changed meanwhile.", body = ErrorBody),
    ),
)]
pub(crate) async fn put_rule(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, String)>,
    Json(body): Json<PutRuleBody>,
) -> Result<Answer<Data<WrittenRule>>, Failure> {
    let put = PutDocument {
        name: named(&name)?,
        content: body.content,
        expected: hash("expectedHash", body.expected_hash)?,
        field: "content",
    };
    let written = app.core.documents().put(&ctx, id, vec![put]).await?;
    let Shown { hash, .. } = Shown::new(written.documents.into_iter().next());
    Ok(Answer(Data { data: WrittenRule { name, hash, needs_restart: written.needs_restart } }))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteRuleQuery {
    /// The SHA-256 of the content that is deleted; 409 if it has another by now.
    expected_hash: Option<String>,
}

/// A rule that is gone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeletedRule {
    name: String,
    /// Always true.
    deleted: bool,
    /// Whether something waits for a restart: sessions under way list the rule until then.
    needs_restart: bool,
}

/// Delete a rule
///
/// Its versions are kept, so that it can be restored.
#[utoipa::path(
    delete, path = "/v1/agents/{id}/rules/{name}", tag = "documents", operation_id = "delete_rule",
    security(("ApiKey" = ["agents:write"]), ("Bearer" = ["agents:write"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("name" = String, Path, description = "The rule, without `.md`."),
        DeleteRuleQuery,
    ),
    responses(
        (status = 200, description = "It is gone.", body = Data<DeletedRule>),
        (status = 409, description = "It was changed meanwhile.", body = ErrorBody),
    ),
)]
pub(crate) async fn delete_rule(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, name)): Segment<(AgentId, String)>,
    Query(query): Query<DeleteRuleQuery>,
) -> Result<Answer<Data<DeletedRule>>, Failure> {
    let expected = hash("expectedHash", query.expected_hash)?;
    let needs_restart = app.core.documents().delete(&ctx, id, named(&name)?, expected).await?;
    Ok(Answer(Data { data: DeletedRule { name, deleted: true, needs_restart } }))
}

fn named(name: &str) -> Result<DocumentName, Failure> {
    Ok(DocumentName::Rule(name.parse().map_err(|error| Failure::invalid("name", error))?))
}
