//! What can be typed about usage.

use clap::Args;
use jiff::civil::Date;

use super::ClientArgs;

/// Tell what agents used and what it cost
///
/// Model calls, tokens, dollars, turns, tool calls and machine time, by day, agent and model or as you say. Days are
/// those of UTC.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost usage --since 7d --by day,model\n  roost usage --agent robin --from 2026-01-01 \
                  --to 2026-01-31 --csv > january.csv"
)]
pub(crate) struct Usage {
    /// Only this agent's, by name or id; by id also one that was deleted
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Since so many days ago, such as 7d [default: 29d]
    #[arg(long, value_name = "DAYS", value_parser = days, conflicts_with_all = ["from", "to"])]
    pub(crate) since: Option<i64>,
    /// The first day, such as 2026-01-01
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<Date>,
    /// The last day [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<Date>,
    /// By what it is told apart: day, agent, model, peer, with commas between
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "day,agent,model",
          value_parser = ["day", "agent", "model", "peer"])]
    pub(crate) by: Vec<String>,
    /// Print comma-separated values, for spreadsheets
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

fn days(text: &str) -> Result<i64, String> {
    let number = text.strip_suffix('d').and_then(|number| number.parse().ok()); // silent-ok: said below
    number
        .filter(|days| (0..=366).contains(days))
        .ok_or_else(|| "write days, such as 7d; at most 366d".to_owned())
}
