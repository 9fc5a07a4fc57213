//! `write_file`: writes a file whole.

use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::ToolSpec;
use roost_domain::unit::Bytes;
use roost_ports::machine::Machine;
use roost_ports::tool::BadCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments;
use crate::text::count;
use crate::workspace::{Failed, file_path};

pub(crate) const NAME: &str = "write_file";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    path: String,
    content: String,
}

/// A file as it will be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WriteFile {
    path: String,
    content: String,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description:
            "Writes a file of the workspace whole, with the directories above it; what was there before \
            is replaced. To change a part of a file use edit_file."
                .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "path": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The file, from the workspace: notes/today.md."
                },
                "content": { "type": "string", "description": "All of the file's text." }
            },
            "required": ["path", "content"],
            "additionalProperties": false
        }),
        idempotent: true,
    }
}

impl WriteFile {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        Ok(Self { path: file_path(NAME, &wire.path)?, content: wire.content })
    }

    pub(crate) fn action(&self) -> Action {
        Action::WriteFile { path: self.path.clone() }
    }

    pub(crate) async fn run(&self, machine: &dyn Machine, permit: &Permit) -> Result<String, Failed> {
        machine.write(permit, &self.path, self.content.as_bytes()).await?;
        let (lines, size) = (count(self.content.lines().count(), "line"), Bytes(self.content.len() as u64));
        Ok(format!("wrote {}: {lines}, {size}", self.path))
    }
}
