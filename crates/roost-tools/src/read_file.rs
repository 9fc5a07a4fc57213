//! `read_file`: reads lines of a text file.

use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::ToolSpec;
use roost_domain::unit::Bytes;
use roost_ports::machine::Machine;
use roost_ports::tool::BadCall;
use serde::Deserialize;
use serde_json::{Value, json};

use self::lines::Lines;
use crate::arguments;
use crate::text::is_binary;
use crate::workspace::{CHUNK, Failed, file_path};

mod lines;

pub(crate) const NAME: &str = "read_file";

const LINES_DEFAULT: u64 = 2000;

/// How far into a file lines are counted.
const SCAN_MAX: Bytes = Bytes::mib(64);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    path: String,
    offset: Option<u64>,
    limit: Option<u64>,
}

/// The lines that are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadFile {
    path: String,
    first: u64,
    limit: u64,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description:
            "Reads a text file of the workspace, as it is, without line numbers; at most 64 KiB at once. A \
            note in brackets at the end says where to go on when the file has more."
                .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "path": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The file, from the workspace: notes/today.md."
                },
                "offset": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "The line to begin with; 1, the first, if left out."
                },
                "limit": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 100_000,
                    "description": "The most lines to read; 2000 if left out."
                }
            },
            "required": ["path"],
            "additionalProperties": false
        }),
        idempotent: true,
    }
}

impl ReadFile {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        let (first, limit) = (wire.offset.unwrap_or(1), wire.limit.unwrap_or(LINES_DEFAULT));
        Ok(Self { path: file_path(NAME, &wire.path)?, first, limit })
    }

    pub(crate) fn action(&self) -> Action {
        Action::ReadFiles { path: self.path.clone() }
    }

    pub(crate) async fn run(&self, machine: &dyn Machine, permit: &Permit) -> Result<String, Failed> {
        let mut lines = Lines::new(self.first, self.limit);
        let mut at = 0;
        loop {
            let part = machine.read(permit, &self.path, at, CHUNK).await?;
            if at == 0 && is_binary(&part.content) {
                return Err(Failed(format!(
                    "{} is binary ({}); look at it with shell",
                    self.path, part.size
                )));
            }
            at += part.content.len() as u64;
            lines.push(&part.content);
            let at_end = at >= part.size.0 || part.content.is_empty();
            if lines.is_done() || at_end {
                return self.report(lines, at_end, part.size);
            }
            if at >= SCAN_MAX.0 {
                return Err(Failed(format!(
                    "line {} lies beyond the first {SCAN_MAX} of {} ({}); use shell, for example sed -n '{},{}p'",
                    self.first,
                    self.path,
                    part.size,
                    self.first,
                    self.first.saturating_add(self.limit - 1)
                )));
            }
        }
    }

    fn report(&self, lines: Lines, at_end: bool, size: Bytes) -> Result<String, Failed> {
        let path = &self.path;
        if size == Bytes(0) {
            return Ok("[the file is empty]".to_owned());
        }
        let picked = lines.finish(at_end);
        if picked.text.is_empty() {
            let has = picked.next - 1;
            let noun = if has == 1 { "line" } else { "lines" };
            return Err(Failed(format!("{path} has {has} {noun}; there is no line {}", self.first)));
        }
        let gap = if picked.text.ends_with('\n') { "" } else { "\n" };
        let (first, next, text) = (self.first, picked.next, picked.text);
        Ok(match (picked.long_line, picked.more) {
            (true, _) => format!(
                "{text}{gap}[line {first} is cut, it is longer than 64KiB; use shell to see the rest of it; the next \
                 line is offset {next}]"
            ),
            (false, true) => {
                let last = next - 1;
                format!("{text}{gap}[lines {first} to {last} of a file of {size}; go on with offset {next}]")
            }
            (false, false) => text,
        })
    }
}

#[cfg(test)]
mod tests;
