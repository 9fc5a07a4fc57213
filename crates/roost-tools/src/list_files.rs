//! `list_files`: lists a directory.

use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::ToolSpec;
use roost_ports::machine::{Entry, EntryKind, Machine};
use roost_ports::tool::BadCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments;
use crate::text::join_capped;
use crate::workspace::{Failed, path};

pub(crate) const NAME: &str = "list_files";

const DEPTH_DEFAULT: u32 = 1;
const ENTRIES_MAX: u32 = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    path: Option<String>,
    depth: Option<u32>,
}

/// What is to be listed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListFiles {
    path: String,
    depth: u32,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description:
            "Lists a directory of the workspace, one path on a line: directories end in /, links in @, \
            files come with their size."
                .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "path": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The directory, from the workspace; the workspace itself if left out."
                },
                "depth": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 10,
                    "description": "How many levels deep; 1, the directory itself, if left out."
                }
            },
            "required": [],
            "additionalProperties": false
        }),
        idempotent: true,
    }
}

impl ListFiles {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        let path = path(NAME, wire.path.as_deref().unwrap_or("."))?;
        Ok(Self { path, depth: wire.depth.unwrap_or(DEPTH_DEFAULT) })
    }

    pub(crate) fn action(&self) -> Action {
        Action::ReadFiles { path: self.path.clone() }
    }

    pub(crate) async fn run(&self, machine: &dyn Machine, permit: &Permit) -> Result<String, Failed> {
        // One more than is shown, to tell a full list from a cut one.
        let entries = machine.list(permit, &self.path, self.depth, ENTRIES_MAX + 1).await?;
        if entries.is_empty() {
            return Ok("[the directory is empty]".to_owned());
        }
        let (mut text, shown) = join_capped(entries.iter().take(ENTRIES_MAX as usize).map(line));
        if shown < entries.len() {
            text.push_str(&format!(
                "[only the first {shown} entries; list a directory below, or use less depth]"
            ));
        }
        Ok(text)
    }
}

fn line(entry: &Entry) -> String {
    match entry.kind {
        EntryKind::File => format!("{} ({})", entry.path, entry.size),
        EntryKind::Directory => format!("{}/", entry.path),
        EntryKind::Link => format!("{}@", entry.path),
        EntryKind::Other => format!("{} (not a file)", entry.path),
    }
}

#[cfg(test)]
mod tests;
