//! Usage as a table of comma-separated values.

use roost_core::{Dimension, Error, UsageRow};
use roost_http::Failure;

/// Writes a table with a header row.
///
/// # Errors
///
/// 500 if it cannot be written, which does not happen in memory.
pub(super) fn write(by: &[Dimension], rows: &[UsageRow]) -> Result<String, Failure> {
    let told = |dimension| by.contains(&dimension);
    let columns = [
        (told(Dimension::Day), "day"),
        (told(Dimension::Agent), "agentId"),
        (told(Dimension::Model), "model"),
        (told(Dimension::Peer), "peer"),
    ];
    let names = columns.iter().filter(|(told, _)| *told).map(|(_, name)| *name);
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(names.chain(AMOUNTS)).map_err(Error::internal)?;
    for row in rows {
        let key = &row.key;
        let agent = key.agent.map(|agent| agent.to_string()).unwrap_or_default();
        let values = [key.day.clone(), agent, key.model.clone(), key.peer.clone()];
        let values = columns.iter().zip(values).filter(|((told, _), _)| *told).map(|(_, value)| safe(value));
        table.write_record(values.chain(amounts(row))).map_err(Error::internal)?;
    }
    let bytes = table.into_inner().map_err(|error| Error::internal(error.into_error()))?;
    Ok(String::from_utf8(bytes).map_err(Error::internal)?)
}

const AMOUNTS: [&str; 9] = [
    "calls",
    "inputTokens",
    "cachedTokens",
    "cacheWrittenTokens",
    "outputTokens",
    "costMicroUsd",
    "turns",
    "toolCalls",
    "machineSeconds",
];

fn amounts(row: &UsageRow) -> [String; 9] {
    let amounts = row.amounts;
    [
        amounts.calls.to_string(),
        amounts.usage.input.0.to_string(),
        amounts.usage.cached.0.to_string(),
        amounts.usage.cache_written.0.to_string(),
        amounts.usage.output.0.to_string(),
        amounts.cost.0.to_string(),
        amounts.turns.to_string(),
        amounts.tool_calls.to_string(),
        format!("{:.3}", amounts.machine.as_secs_f64()),
    ]
}

/// Keeps a spreadsheet from taking a text for a formula.
fn safe(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_none_is_a_formula() {
        let row = |peer: &str, model: &str| UsageRow {
            key: roost_core::UsageKey { peer: peer.into(), model: model.into(), ..Default::default() },
            amounts: roost_core::Amounts { calls: 2, ..Default::default() },
        };
        let rows = [row("peer:a,\"b\"", "test/x"), row("", "=1+1/x"), row("@x", "-1/x")];
        let table = write(&[Dimension::Peer, Dimension::Model], &rows).ok().unwrap();
        let lines: Vec<_> = table.lines().collect();
        let head = "model,peer,calls,inputTokens,cachedTokens,cacheWrittenTokens,outputTokens,costMicroUsd,turns,\
                    toolCalls,machineSeconds";
        let rest = "2,0,0,0,0,0,0,0,0.000";
        assert_eq!(lines[0], head);
        assert_eq!(lines[1], format!("test/x,\"peer:a,\"\"b\"\"\",{rest}"));
        assert_eq!(lines[2], format!("'=1+1/x,,{rest}"));
        assert_eq!(lines[3], format!("'-1/x,'@x,{rest}"));
        assert_eq!(lines.len(), 4);
    }
}
