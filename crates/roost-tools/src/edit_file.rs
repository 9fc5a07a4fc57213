//! `edit_file`: replaces a text in a file.

use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::ToolSpec;
use roost_domain::unit::Bytes;
use roost_ports::machine::Machine;
use roost_ports::tool::BadCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::{self, bad};
use crate::workspace::{Failed, file_path, read_whole};

pub(crate) const NAME: &str = "edit_file";

const SIZE_MAX: Bytes = Bytes::mib(8);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    path: String,
    old: String,
    new: String,
    replace_all: Option<bool>,
}

/// A change as it will be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EditFile {
    path: String,
    old: String,
    new: String,
    occurrences: Occurrences,
}

/// How often the old text may occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Occurrences {
    ExactlyOne,
    All,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Replaces a text in a file of the workspace. The old text must stand in the file exactly \
            once, as it is there, with its spaces and line ends; with replace_all every occurrence is replaced. \
            Read the file first."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "path": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The file, from the workspace: notes/today.md."
                },
                "old": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The text to replace, with enough lines around it to occur only once."
                },
                "new": { "type": "string", "description": "The text to put in its place; may be empty." },
                "replace_all": {
                    "type": "boolean",
                    "description": "Whether to replace every occurrence; false if left out."
                }
            },
            "required": ["path", "old", "new"],
            "additionalProperties": false
        }),
        idempotent: false,
    }
}

impl EditFile {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        if wire.old == wire.new {
            return Err(bad(NAME, "new", "is the same as `old`; nothing would change"));
        }
        let occurrences =
            if wire.replace_all == Some(true) { Occurrences::All } else { Occurrences::ExactlyOne };
        Ok(Self { path: file_path(NAME, &wire.path)?, old: wire.old, new: wire.new, occurrences })
    }

    pub(crate) fn action(&self) -> Action {
        Action::WriteFile { path: self.path.clone() }
    }

    pub(crate) async fn run(&self, machine: &dyn Machine, permit: &Permit) -> Result<String, Failed> {
        let content = read_whole(machine, permit, &self.path, SIZE_MAX).await?;
        let size = Bytes(content.len() as u64);
        let text = String::from_utf8(content)
            .map_err(|_| Failed(format!("{} is not UTF-8 text ({size}); change it with shell", self.path)))?;
        let (changed, report) = self.replace(&text)?;
        machine.write(permit, &self.path, changed.as_bytes()).await?;
        Ok(report)
    }

    /// Returns the changed text and what to tell the model.
    fn replace(&self, text: &str) -> Result<(String, String), Failed> {
        let lines = lines_of(text, &self.old);
        match (lines.as_slice(), self.occurrences) {
            ([], _) => Err(Failed(self.not_found(text))),
            ([line], _) => {
                let report = format!("replaced 1 occurrence in {}, at line {line}", self.path);
                Ok((text.replacen(&self.old, &self.new, 1), report))
            }
            (all, Occurrences::All) => {
                let report = format!("replaced {} occurrences in {}", all.len(), self.path);
                Ok((text.replace(&self.old, &self.new), report))
            }
            (many, Occurrences::ExactlyOne) => {
                let first: Vec<String> = many.iter().take(10).map(ToString::to_string).collect();
                let more = if many.len() > first.len() { ", …" } else { "" };
                Err(Failed(format!(
                    "`old` occurs {} times in {} (lines {}{more}); add lines before or after it to say which one, \
                     or set replace_all. Nothing was changed",
                    many.len(),
                    self.path,
                    first.join(", "),
                )))
            }
        }
    }

    fn not_found(&self, text: &str) -> String {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let why = if text.contains("\r\n") && lines_of(text, &self.old.replace('\n', "\r\n")).len() == 1 {
            "the file's lines end in \\r\\n: write \\r\\n for each line end in `old` and `new`"
        } else if !flat(&self.old).is_empty() && flat(text).contains(&flat(&self.old)) {
            "it does with other spaces or line ends: read the file and copy the text exactly"
        } else {
            "read the file and copy the text exactly"
        };
        format!("`old` occurs 0 times in {}; {why}. Nothing was changed", self.path)
    }
}

/// Returns the number of the line on which each occurrence begins.
fn lines_of(text: &str, old: &str) -> Vec<usize> {
    let (mut line, mut counted) = (1, 0);
    let begin = text.match_indices(old).map(|(at, _)| {
        line += text[counted..at].matches('\n').count();
        counted = at;
        line
    });
    begin.collect()
}

#[cfg(test)]
mod tests;
