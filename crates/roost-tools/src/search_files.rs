//! `search_files`: finds lines that match a pattern.

use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::ToolSpec;
use roost_ports::machine::Machine;
use roost_ports::tool::BadCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments;
use crate::text::join_capped;
use crate::workspace::{Failed, path};

pub(crate) const NAME: &str = "search_files";

const MATCHES_MAX: u32 = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    pattern: String,
    path: Option<String>,
}

/// What is to be found, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SearchFiles {
    pattern: String,
    path: String,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description:
            "Finds lines in files of the workspace that match a regular expression, at most 200, each as \
            path:line: text. Passes over binary files and files over 8 MiB."
                .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "pattern": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The regular expression; case matters unless it begins with (?i)."
                },
                "path": {
                    "type": "string",
                    "minLength": 1,
                    "description": "A file or directory, from the workspace; the whole workspace if left out."
                }
            },
            "required": ["pattern"],
            "additionalProperties": false
        }),
        idempotent: true,
    }
}

impl SearchFiles {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        let path = path(NAME, wire.path.as_deref().unwrap_or("."))?;
        Ok(Self { pattern: wire.pattern, path })
    }

    pub(crate) fn action(&self) -> Action {
        Action::ReadFiles { path: self.path.clone() }
    }

    pub(crate) async fn run(&self, machine: &dyn Machine, permit: &Permit) -> Result<String, Failed> {
        // One more than is shown, to tell all matches from the first ones.
        let matches = machine.search(permit, &self.path, &self.pattern, MATCHES_MAX + 1).await?;
        if matches.is_empty() {
            return Ok("[no line matches]".to_owned());
        }
        let lines = matches.iter().take(MATCHES_MAX as usize);
        let (mut text, shown) =
            join_capped(lines.map(|found| format!("{}:{}: {}", found.path, found.line, found.text)));
        if shown < matches.len() {
            text.push_str(&format!("[only the first {shown} lines; narrow the pattern or the path]"));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
