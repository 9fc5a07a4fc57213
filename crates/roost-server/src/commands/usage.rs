//! `roost usage`

use std::collections::BTreeMap;
use std::process::ExitCode;

use jiff::Span;
use jiff::tz::TimeZone;
use reqwest::StatusCode;
use roost_domain::id::AgentId;
use roost_ports::clock::Clock as _;
use serde_json::Value;

use crate::cli::Usage;
use crate::client::{Client, ClientError};
use crate::output;
use crate::system::SystemClock;

/// The most rows that are printed as a table or as JSON.
const MOST_ROWS: usize = 100_000;

const HEADINGS: [&str; 7] = ["CALLS", "INPUT", "OUTPUT", "USD", "TURNS", "TOOL CALLS", "MACHINE"];

pub(super) async fn run(args: Usage, client: &Client) -> anyhow::Result<ExitCode> {
    let mut query = vec![("groupBy", args.by.join(","))];
    let today = SystemClock::default().now().to_zoned(TimeZone::UTC).date();
    let since = args.since.map(|days| today.checked_sub(Span::new().try_days(days)?)).transpose()?;
    query.extend(since.or(args.from).map(|day| ("from", day.to_string())));
    query.extend(args.to.map(|day| ("to", day.to_string())));
    if let Some(named) = &args.agent {
        // One that was deleted has no name any more.
        let id = match named.parse::<AgentId>() {
            Ok(_) => named.clone(),
            Err(_) => client.agent(Some(named)).await?.id,
        };
        query.push(("agentId", id));
    }
    let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if args.csv {
        csv(client, &query).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let usage = all(client, &query).await?;
    if args.client.output.json {
        output::json(&usage)?;
    } else {
        show(client, &args.by, &usage).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for all parts and puts their rows together.
async fn all(client: &Client, query: &[(&str, &str)]) -> anyhow::Result<Value> {
    let (mut rows, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut asked = query.to_vec();
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let mut answer = client.get(&["usage"], &asked).await?;
        if let Value::Array(part) = answer["data"]["rows"].take() {
            rows.extend(part);
        }
        cursor = answer["pagination"]["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() || rows.len() >= MOST_ROWS {
            if cursor.is_some() {
                output::note(format!("There is more than these {} rows; ask for fewer days.", rows.len()));
            }
            let mut usage = answer["data"].take();
            usage["rows"] = rows.into();
            return Ok(usage);
        }
    }
}

/// Prints all parts as they come, with one row of headings.
async fn csv(client: &Client, query: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut cursor = None::<String>;
    loop {
        let mut asked = [query, &[("format", "csv")]].concat();
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let (table, next) = client.text(&["usage"], &asked, "x-next-cursor").await?;
        let rows = match cursor {
            None => table.as_str(),
            Some(_) => table.split_once('\n').map_or("", |(_, rows)| rows),
        };
        output::piece(rows)?;
        if next.is_none() {
            return Ok(());
        }
        cursor = next;
    }
}

async fn show(client: &Client, by: &[String], usage: &Value) -> anyhow::Result<()> {
    let rows = usage["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (from, to) = (output::text(usage, "from"), output::text(usage, "to"));
    if rows.is_empty() {
        output::note(format!("Nothing was used from {from} to {to}."));
        return Ok(());
    }
    let told: Vec<&str> = ["day", "agent", "model", "peer"]
        .into_iter()
        .filter(|what| by.iter().any(|named| named == what))
        .collect();
    let names = if told.contains(&"agent") { names(client).await? } else { BTreeMap::new() };
    let row = |row: &Value| -> Vec<String> {
        let what = told.iter().map(|what| match *what {
            "agent" => {
                let id = output::text(row, "agentId");
                names.get(&id).cloned().unwrap_or(id)
            }
            other => output::text(row, other),
        });
        what.chain(amounts(row)).collect()
    };
    let mut cells: Vec<_> = rows.iter().map(row).collect();
    let mut total: Vec<_> = told.iter().map(|_| String::new()).collect();
    total[0] = "total".to_owned();
    total.extend(amounts(&usage["total"]));
    cells.push(total);
    let headings: Vec<_> = told.iter().map(|what| what.to_uppercase()).collect();
    let headings: Vec<_> = headings.iter().map(String::as_str).chain(HEADINGS).collect();
    output::note(format!("From {from} to {to}, in days of UTC:"));
    Ok(output::columns(&headings, &cells)?)
}

/// Returns what agents are called, by id; nothing where the key may not see them.
async fn names(client: &Client) -> anyhow::Result<BTreeMap<String, String>> {
    match client.list(&["agents"], &[]).await {
        Ok(agents) => {
            Ok(agents.iter().map(|agent| (output::text(agent, "id"), output::text(agent, "name"))).collect())
        }
        Err(ClientError::Refused { status: StatusCode::FORBIDDEN, .. }) => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}

fn amounts(row: &Value) -> [String; 7] {
    let count = |field: &str| output::text(row, field);
    let number = |field: &str| row[field].as_f64().unwrap_or(0.0);
    [
        count("calls"),
        count("inputTokens"),
        count("outputTokens"),
        format!("{:.4}", number("costUsd")),
        count("turns"),
        count("toolCalls"),
        format!("{:.0} s", number("machineSeconds")),
    ]
}
