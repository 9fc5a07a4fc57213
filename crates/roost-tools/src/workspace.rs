//! What the file tools share: paths as models write them, whole files, and why a tool failed.

use roost_domain::gate::Permit;
use roost_domain::unit::Bytes;
use roost_ports::machine::{Error, Machine};
use roost_ports::tool::BadCall;

use crate::arguments::bad;

/// How much of a file is read at once.
pub(crate) const CHUNK: Bytes = Bytes::mib(1);

const PATH_MAX: usize = 4096;

/// Why a tool did not do what was asked; a text for the model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) String);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let text = chain(&error);
        Self(match error {
            Error::NotFound { .. } => format!("{text}; list_files shows what there is"),
            Error::Outside { .. } => format!("{text}; only files below /workspace can be used"),
            Error::CannotStart { .. }
            | Error::Gone
            | Error::Denied { .. }
            | Error::WrongKind { .. }
            | Error::BadPattern { .. }
            | Error::NoSnapshot(_)
            | Error::NoSpace { .. }
            | Error::NotPermitted
            | Error::Host { .. } => text,
        })
    }
}

/// Joins an error and what caused it into one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Returns a path relative to the workspace, `.` for the workspace itself.
///
/// Only the spelling is judged here; links are the machine's matter. `..` is refused, so that the path a rule or
/// a person looks at is the path that is used.
///
/// # Errors
///
/// [`BadCall`] that says how to write it.
pub(crate) fn path(tool: &str, text: &str) -> Result<String, BadCall> {
    let right = "write it from the workspace, such as notes/today.md";
    if text.contains('\0') || text.len() > PATH_MAX {
        return Err(bad(tool, "path", format!("is no path; {right}")));
    }
    let inside = match text.strip_prefix('/') {
        None => text,
        Some(absolute) => match absolute.split_once('/').unwrap_or((absolute, "")) {
            ("workspace", rest) => rest,
            _ => return Err(bad(tool, "path", format!("is outside /workspace; {right}"))),
        },
    };
    let parts: Vec<&str> = inside.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(bad(tool, "path", format!("must not hold `..`; {right}")));
    }
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// Returns the path of a file: [`path`], but not the workspace itself.
///
/// # Errors
///
/// [`BadCall`] that says how to write it.
pub(crate) fn file_path(tool: &str, text: &str) -> Result<String, BadCall> {
    match path(tool, text)?.as_str() {
        "." => Err(bad(tool, "path", "must name a file, such as notes/today.md")),
        inside => Ok(inside.to_owned()),
    }
}

/// Reads a file whole.
///
/// # Errors
///
/// [`Failed`] if it is larger than `max`, changes size while it is read, or cannot be read.
pub(crate) async fn read_whole(
    machine: &dyn Machine,
    permit: &Permit,
    path: &str,
    max: Bytes,
) -> Result<Vec<u8>, Failed> {
    let mut content = Vec::new();
    loop {
        let part = machine.read(permit, path, content.len() as u64, CHUNK).await?;
        if part.size > max {
            return Err(Failed(format!(
                "{path} has {}; this tool takes files up to {max}, use shell",
                part.size
            )));
        }
        content.extend_from_slice(&part.content);
        if content.len() as u64 >= part.size.0 {
            return Ok(content);
        }
        if part.content.is_empty() {
            return Err(Failed(format!("{path} changed while it was read; try again")));
        }
    }
}

#[cfg(test)]
mod tests;
