//! The script format as it is written.

use std::time::Duration;

use regex::Regex;
use roost_domain::conversation::StopReason;
use roost_domain::model::Usage;
use roost_domain::unit::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Call, InvalidScript, Round, RoundError, Rule};

const MAX_BYTES: usize = 1024 * 1024;
const MAX_DELAY_MS: u64 = 600_000;
const MAX_CHUNKS: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptFile {
    #[serde(default)]
    turns: Vec<Vec<RoundEntry>>,
    #[serde(default)]
    rules: Vec<RuleEntry>,
    #[serde(default)]
    default: Vec<RoundEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    when: String,
    then: Vec<RoundEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundEntry {
    #[serde(default)]
    text: String,
    #[serde(default)]
    calls: Vec<CallEntry>,
    stop: Option<StopEntry>,
    usage: Option<UsageEntry>,
    chunks: Option<usize>,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    chunk_delay_ms: u64,
    error: Option<ErrorEntry>,
    break_after: Option<usize>,
    break_times: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallEntry {
    tool: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StopEntry {
    EndTurn,
    ToolUse,
    MaxOutput,
    Refused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageEntry {
    input: u64,
    #[serde(default)]
    cached: u64,
    #[serde(default)]
    cache_written: u64,
    output: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorEntry {
    status: u16,
    message: Option<String>,
    retry_after_s: Option<u64>,
    times: Option<u32>,
}

type Parts = (Vec<Vec<Round>>, Vec<Rule>, Vec<Round>);

/// Reads and checks a script's text.
pub(super) fn read(yaml: &str) -> Result<Parts, InvalidScript> {
    if yaml.len() > MAX_BYTES {
        return Err(InvalidScript(format!("a script has at most {MAX_BYTES} bytes")));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let file: ScriptFile = serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|error| InvalidScript(error.to_string()))?;
    if file.turns.is_empty() && file.rules.is_empty() && file.default.is_empty() {
        return Err(InvalidScript("a script needs turns, rules or a default".into()));
    }
    let turns = file
        .turns
        .into_iter()
        .enumerate()
        .map(|(turn, entries)| rounds(&format!("turn {}", turn + 1), entries))
        .collect::<Result<_, _>>()?;
    let rules = file
        .rules
        .into_iter()
        .enumerate()
        .map(|(number, entry)| {
            let name = format!("rule {}", number + 1);
            let when = Regex::new(&entry.when).map_err(|error| {
                InvalidScript(format!("{name}: `when` is no regular expression: {error}"))
            })?;
            Ok(Rule { when, then: rounds(&name, entry.then)? })
        })
        .collect::<Result<_, _>>()?;
    let default = if file.default.is_empty() { Vec::new() } else { rounds("default", file.default)? };
    Ok((turns, rules, default))
}

fn rounds(of: &str, entries: Vec<RoundEntry>) -> Result<Vec<Round>, InvalidScript> {
    if entries.is_empty() {
        return Err(InvalidScript(format!("{of} has no rounds")));
    }
    entries
        .into_iter()
        .enumerate()
        .map(|(number, entry)| round(&format!("{of}, round {}", number + 1), entry))
        .collect()
}

fn round(name: &str, entry: RoundEntry) -> Result<Round, InvalidScript> {
    let wrong = |what: &str| Err(InvalidScript(format!("{name}: {what}")));
    if entry.text.is_empty() && entry.calls.is_empty() && entry.error.is_none() {
        return wrong("needs text, calls or an error");
    }
    if entry.delay_ms > MAX_DELAY_MS || entry.chunk_delay_ms > MAX_DELAY_MS {
        return wrong("a delay is at most 600000 ms");
    }
    if entry.chunks.is_some_and(|chunks| !(1..=MAX_CHUNKS).contains(&chunks)) {
        return wrong("`chunks` is from 1 to 10000");
    }
    if entry.break_times.is_some() && entry.break_after.is_none() {
        return wrong("`break_times` needs `break_after`");
    }
    if entry.error.as_ref().is_some_and(|error| !(400..=599).contains(&error.status)) {
        return wrong("an error's `status` is from 400 to 599");
    }
    if entry.calls.iter().any(|call| call.tool.is_empty()) {
        return wrong("a call needs the name of a tool");
    }
    Ok(Round {
        text: entry.text,
        calls: entry
            .calls
            .into_iter()
            .map(|call| Call { tool: call.tool, arguments: Value::Object(call.arguments) })
            .collect(),
        stop: entry.stop.map(|stop| match stop {
            StopEntry::EndTurn => StopReason::EndTurn,
            StopEntry::ToolUse => StopReason::ToolUse,
            StopEntry::MaxOutput => StopReason::MaxOutput,
            StopEntry::Refused => StopReason::Refused,
        }),
        usage: entry.usage.map(|usage| Usage {
            input: Tokens(usage.input),
            cached: Tokens(usage.cached),
            cache_written: Tokens(usage.cache_written),
            output: Tokens(usage.output),
        }),
        chunks: entry.chunks,
        delay: Duration::from_millis(entry.delay_ms),
        chunk_delay: Duration::from_millis(entry.chunk_delay_ms),
        error: entry.error.map(|error| RoundError {
            status: error.status,
            message: error.message,
            retry_after: error.retry_after_s.map(Duration::from_secs),
            times: error.times.unwrap_or(1),
        }),
        break_after: entry.break_after,
        break_times: entry.break_times,
    })
}
