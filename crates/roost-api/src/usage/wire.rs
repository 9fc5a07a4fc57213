use jiff::civil::Date;
use roost_core::UsageRow;
use serde::Serialize;
use utoipa::ToSchema;

/// What agents used of models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// The first day, in UTC.
    #[schema(example = "2026-01-12")]
    from: String,
    /// The last day.
    #[schema(example = "2026-02-10")]
    to: String,
    total: Amounts,
    /// By day, agent and model; at most 10,000.
    rows: Vec<Row>,
}

/// What one agent used of one model on one day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Row {
    day: String,
    agent_id: String,
    model: String,
    #[serde(flatten)]
    amounts: Amounts,
}

/// How much was used.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Amounts {
    /// Model calls that were answered.
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
}

impl Usage {
    pub(super) fn new(from: Date, to: Date, rows: &[UsageRow]) -> Self {
        let rows: Vec<Row> = rows.iter().map(Row::new).collect();
        let mut total = Amounts::default();
        for row in &rows {
            total.add(&row.amounts);
        }
        Self { from: from.to_string(), to: to.to_string(), total, rows }
    }
}

impl Row {
    fn new(row: &UsageRow) -> Self {
        let mut amounts = Amounts {
            calls: row.calls,
            input_tokens: row.usage.input.0,
            cached_tokens: row.usage.cached.0,
            cache_written_tokens: row.usage.cache_written.0,
            output_tokens: row.usage.output.0,
            ..Amounts::default()
        };
        amounts.set_cost(row.cost.0);
        Self {
            day: row.day.to_string(),
            agent_id: row.agent.to_string(),
            model: row.model.to_string(),
            amounts,
        }
    }
}

impl Amounts {
    fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(other.cached_tokens);
        self.cache_written_tokens = self.cache_written_tokens.saturating_add(other.cache_written_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.set_cost(self.cost_micro_usd.saturating_add(other.cost_micro_usd));
    }

    fn set_cost(&mut self, micro_usd: i64) {
        self.cost_micro_usd = micro_usd;
        self.cost_usd = micro_usd as f64 / 1_000_000.0;
    }
}
