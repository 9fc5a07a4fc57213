//! **Source:** AgentCop's API reference, "Gate API": policies. Versions, tests and suggestions are not in it.

use axum::Json as Answer;
use axum::extract::State;
use jiff::Timestamp;
use roost_core::{Backtest, Change, Core, Edition, PolicyView, PutPolicy, TestPolicy};
use roost_domain::page::Limit;
use roost_domain::policy::{Problem, Version};
use roost_domain::subject::Subject;
use roost_http::{Caller, Document, Failure, Query, Segment, iso, since};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutQuery {
    /// Whether a policy with warnings is refused.
    strict: Option<bool>,
    /// Whether it is only checked.
    dry_run: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinceQuery {
    /// A time in ISO 8601, or a span before now such as `7d`, `24h`, `90m`.
    since: Option<String>,
}

/// A version of a policy: what it says, with whose it is, its version and when it was made.
#[derive(Serialize)]
pub(crate) struct PolicyBody {
    agent_id: String,
    version: String,
    updated_at: String,
    updated_by: String,
    #[serde(flatten)]
    document: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<Warning>>,
}

#[derive(Serialize)]
pub(crate) struct Warning {
    code: &'static str,
    path: String,
    message: String,
}

#[derive(Serialize)]
pub(crate) struct Versions {
    agent_id: String,
    versions: Vec<VersionRow>,
}

#[derive(Serialize)]
struct VersionRow {
    version: String,
    updated_at: String,
    updated_by: String,
    deleted: bool,
}

#[derive(Serialize)]
pub(crate) struct BacktestBody {
    agent_id: String,
    since: String,
    decisions: u64,
    evaluated: u64,
    unchanged: u64,
    changed: u64,
    not_replayable: u64,
    changes: Vec<ChangeRow>,
}

#[derive(Serialize)]
struct ChangeRow {
    tool_name: String,
    parameters: Option<Value>,
    timestamp: String,
    run_id: Option<String>,
    was: &'static str,
    would_be: &'static str,
    reason: String,
}

pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<PolicyBody>, Failure> {
    Ok(Answer(PolicyBody::new(core.policies().get(&ctx, subject, None).await?, false)))
}

pub(crate) async fn version(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject, version)): Segment<(Subject, Version)>,
) -> Result<Answer<PolicyBody>, Failure> {
    Ok(Answer(PolicyBody::new(core.policies().get(&ctx, subject, Some(version)).await?, false)))
}

pub(crate) async fn put(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Query(query): Query<PutQuery>,
    Document(document): Document,
) -> Result<Answer<PolicyBody>, Failure> {
    let put = PutPolicy {
        subject,
        // What GET answered can be sent back.
        document: without(document, &["updated_at", "updated_by", "warnings"]),
        strict: query.strict.unwrap_or(false),
        dry_run: query.dry_run.unwrap_or(false),
    };
    Ok(Answer(PolicyBody::new(core.policies().put(&ctx, put).await?, true)))
}

pub(crate) async fn versions(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
) -> Result<Answer<Versions>, Failure> {
    let editions = core.policies().versions(&ctx, subject.clone(), Limit::clamped(500, 500)).await?;
    Ok(Answer(Versions::new(&subject, editions)))
}

pub(crate) async fn test(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Query(query): Query<SinceQuery>,
    Document(document): Document,
) -> Result<Answer<BacktestBody>, Failure> {
    let since = since(query.since.as_deref(), ctx.now)?;
    let document = without(document, &["updated_at", "updated_by", "warnings"]);
    let test = TestPolicy { subject: subject.clone(), document, since };
    let result = core.policies().test(&ctx, test).await?;
    Ok(Answer(BacktestBody::new(&subject, since, result)))
}

pub(crate) async fn suggestion(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((subject,)): Segment<(Subject,)>,
    Query(query): Query<SinceQuery>,
) -> Result<Answer<Value>, Failure> {
    let since = since(query.since.as_deref(), ctx.now)?;
    let mut document = core.policies().suggest(&ctx, subject.clone(), since).await?;
    document["agent_id"] = json!(subject.as_str());
    Ok(Answer(document))
}

/// Takes keys out of a document that the server added to it.
pub(crate) fn without(mut document: Value, keys: &[&str]) -> Value {
    if let Some(map) = document.as_object_mut() {
        for key in keys {
            map.remove(*key);
        }
    }
    document
}

impl PolicyBody {
    fn new(view: PolicyView, warn: bool) -> Self {
        let PolicyView { subject, edition, problems } = view;
        let warnings =
            (warn || !problems.is_empty()).then(|| problems.into_iter().map(Warning::new).collect());
        let document = match edition.document {
            Some(Value::Object(map)) => map,
            Some(_) | None => Map::new(),
        };
        Self {
            agent_id: subject.to_string(),
            version: edition.version.to_string(),
            updated_at: iso(edition.at),
            updated_by: edition.by,
            document,
            warnings,
        }
    }
}

impl Warning {
    fn new(problem: Problem) -> Self {
        Self { code: problem.kind.name(), path: problem.path, message: problem.message }
    }
}

impl Versions {
    pub(crate) fn new(subject: &Subject, editions: Vec<Edition>) -> Self {
        let row = |edition: Edition| VersionRow {
            version: edition.version.to_string(),
            updated_at: iso(edition.at),
            updated_by: edition.by,
            deleted: edition.document.is_none(),
        };
        Self { agent_id: subject.to_string(), versions: editions.into_iter().map(row).collect() }
    }
}

impl BacktestBody {
    fn new(subject: &Subject, since: Timestamp, result: Backtest) -> Self {
        let row = |Change { was, would, why }: Change| ChangeRow {
            tool_name: was.tool,
            parameters: was.parameters,
            timestamp: iso(was.at),
            run_id: was.run,
            was: was.ruling.name(),
            would_be: would.name(),
            reason: why,
        };
        Self {
            agent_id: subject.to_string(),
            since: iso(since),
            decisions: result.total,
            evaluated: result.looked_at,
            unchanged: result.same,
            changed: result.changed,
            not_replayable: result.unknown,
            changes: result.changes.into_iter().map(row).collect(),
        }
    }
}
