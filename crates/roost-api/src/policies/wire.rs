use roost_core::{Backtest, Change, Edition, PolicyView};
use roost_domain::policy::Problem;
use roost_domain::subject::Subject;
use roost_http::iso;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One version of a policy.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Policy {
    agent_id: String,
    #[schema(example = "1.0")]
    version: String,
    /// What it says, as it can be put again.
    #[schema(value_type = Object)]
    policy: Value,
    /// What is odd about it: rules that never decide, contradictions, unknown tools.
    warnings: Vec<PolicyWarning>,
    updated_at: String,
    /// The name of the key that put it.
    updated_by: String,
}

/// What is odd about a policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyWarning {
    code: &'static str,
    /// Where.
    path: String,
    message: String,
}

/// A version of a policy or of permissions, without what it says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EditionSummary {
    #[schema(example = "1.0")]
    version: String,
    /// Whether this version took away what was there.
    deleted: bool,
    updated_at: String,
    updated_by: String,
}

/// What a policy would have made of what was done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyTest {
    agent_id: String,
    since: String,
    /// Decisions that there are since then.
    decisions: u64,
    /// Those that were tried: the newest 10,000.
    evaluated: u64,
    /// Those that would have been the same.
    unchanged: u64,
    /// Those that would have been others.
    changed: u64,
    /// Those that cannot be tried: their parameters were too long to be kept.
    not_replayable: u64,
    /// The newest that would have been others, at most 500.
    changes: Vec<PolicyTestChange>,
}

/// A decision that would have been another.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyTestChange {
    tool: String,
    parameters: Option<Value>,
    run_id: Option<String>,
    /// `allow`, `require_approval` or `block`
    was: &'static str,
    would_be: &'static str,
    /// Why it would be.
    reason: String,
    decided_at: String,
}

/// The smallest policy that covers what an agent did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicySuggestion {
    pub(super) agent_id: String,
    pub(super) since: String,
    /// What it says, as it can be put.
    #[schema(value_type = Object)]
    pub(super) policy: Value,
}

impl Policy {
    pub(super) fn new(view: PolicyView) -> Self {
        let warning = |Problem { kind, path, message }| PolicyWarning { code: kind.name(), path, message };
        Self {
            agent_id: view.subject.to_string(),
            version: view.edition.version.to_string(),
            policy: view.edition.document.unwrap_or_default(),
            warnings: view.problems.into_iter().map(warning).collect(),
            updated_at: iso(view.edition.at),
            updated_by: view.edition.by,
        }
    }
}

impl EditionSummary {
    pub(crate) fn new(edition: Edition) -> Self {
        Self {
            version: edition.version.to_string(),
            deleted: edition.document.is_none(),
            updated_at: iso(edition.at),
            updated_by: edition.by,
        }
    }
}

impl PolicyTest {
    pub(super) fn new(subject: &Subject, since: String, result: Backtest) -> Self {
        let change = |Change { was, would, why }: Change| PolicyTestChange {
            tool: was.tool,
            parameters: was.parameters,
            run_id: was.run,
            was: was.ruling.name(),
            would_be: would.name(),
            reason: why,
            decided_at: iso(was.at),
        };
        Self {
            agent_id: subject.to_string(),
            since,
            decisions: result.total,
            evaluated: result.looked_at,
            unchanged: result.same,
            changed: result.changed,
            not_replayable: result.unknown,
            changes: result.changes.into_iter().map(change).collect(),
        }
    }
}
