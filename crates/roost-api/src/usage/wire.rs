use jiff::civil::Date;
use roost_core::{Amounts as Used, Dimension, UsageRow, UsageView};
use roost_domain::page::Limit;
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::Pagination;

/// What agents used, and which part of it this is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Told {
    data: Usage,
    pagination: Pagination,
}

/// What agents used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// The first day, in UTC.
    #[schema(example = "2026-01-12")]
    from: String,
    /// The last day.
    #[schema(example = "2026-02-10")]
    to: String,
    total: Amounts,
    /// In the order of day, agent, model, peer.
    rows: Vec<Row>,
}

/// A sum, with what it is of: those of the four that `groupBy` names.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<String>,
    /// The model that was called; for what is no call, the one that the agent had.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// `peer:` and the peer's id, `key:` and the id of the key that spoke, or null where it was for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    peer: Option<Option<String>>,
    #[serde(flatten)]
    amounts: Amounts,
}

/// How much was used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Amounts {
    /// Model calls that were answered, and those that may have cost something though they were not.
    calls: u64,
    /// Tokens read, those from the provider's cache included.
    input_tokens: u64,
    /// The part of the input that came from the provider's cache.
    cached_tokens: u64,
    /// The part of the input that was written to the provider's cache.
    cache_written_tokens: u64,
    output_tokens: u64,
    cost_usd: f64,
    /// The same in whole millionths of a dollar, for sums that must be exact.
    cost_micro_usd: i64,
    /// Turns that ended, however they did.
    turns: u64,
    /// Tool calls that came to an end.
    tool_calls: u64,
    /// How long machines were up and not frozen.
    machine_seconds: f64,
}

impl Told {
    pub(super) fn new(
        from: Date,
        to: Date,
        by: &[Dimension],
        limit: Limit,
        view: &UsageView,
        next: Option<String>,
    ) -> Self {
        let rows = view.page.rows.iter().map(|row| Row::new(by, row)).collect();
        let (from, to, total) = (from.to_string(), to.to_string(), Amounts::new(&view.total));
        Self {
            data: Usage { from, to, total, rows },
            pagination: Pagination::new(view.page.total, limit, next),
        }
    }
}

impl Row {
    fn new(by: &[Dimension], row: &UsageRow) -> Self {
        let told = |dimension| by.contains(&dimension);
        let key = &row.key;
        let peer = Some(key.peer.clone()).filter(|peer| !peer.is_empty());
        Self {
            day: told(Dimension::Day).then(|| key.day.clone()),
            agent_id: key.agent.filter(|_| told(Dimension::Agent)).map(|agent| agent.to_string()),
            model: told(Dimension::Model).then(|| key.model.clone()),
            peer: told(Dimension::Peer).then_some(peer),
            amounts: Amounts::new(&row.amounts),
        }
    }
}

impl Amounts {
    fn new(used: &Used) -> Self {
        Self {
            calls: used.calls,
            input_tokens: used.usage.input.0,
            cached_tokens: used.usage.cached.0,
            cache_written_tokens: used.usage.cache_written.0,
            output_tokens: used.usage.output.0,
            cost_usd: used.cost.0 as f64 / 1_000_000.0,
            cost_micro_usd: used.cost.0,
            turns: used.turns,
            tool_calls: used.tool_calls,
            machine_seconds: used.machine.as_millis() as f64 / 1_000.0,
        }
    }
}
