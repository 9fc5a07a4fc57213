//! Documents that people keep in files: policies and permissions.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use crate::cli::FileOf;
use crate::client::{Agent, Client};

/// A document as the API takes it, and whom it is about.
pub(super) struct Document {
    pub(super) of: Agent,
    pub(super) content: Value,
}

/// Reads a file and finds whom it is about: whoever is named on the command line, else in the file.
///
/// # Errors
///
/// If the file cannot be read, or nobody can be found.
pub(super) async fn read(client: &Client, of: &FileOf) -> anyhow::Result<Document> {
    let mut content = parse(&of.file)?;
    // The server counts versions, and is told in the path whom it is about.
    content.remove("version");
    let named = match content.remove("agent_id") {
        Some(Value::String(named)) => Some(named),
        Some(_) => bail!("agent_id in {} is not a text", of.file.display()),
        None => None,
    };
    let of = client.subject(of.agent.as_deref().or(named.as_deref())).await?;
    Ok(Document { of, content: content.into() })
}

/// Reads a file of keys with values; `-` is standard input.
///
/// # Errors
///
/// If it cannot be read.
pub(super) fn parse(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let shown = path.display();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read; check the path"))?
    };
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let read: Value = if is_json {
        serde_json::from_str(&text).with_context(|| format!("{shown} is not JSON"))?
    } else {
        serde_saphyr::from_str(&text).with_context(|| format!("{shown} is neither YAML nor JSON"))?
    };
    match read {
        Value::Object(map) => Ok(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            bail!("{shown} holds no keys with values; the documentation shows what it should look like")
        }
    }
}

/// Writes a document so that [`read`] finds the same in it.
///
/// # Errors
///
/// If it cannot be written as YAML.
pub(super) fn write(subject: &str, content: &Value) -> anyhow::Result<String> {
    let mut content = content.clone();
    content["agent_id"] = subject.into();
    let text = serde_saphyr::to_string(&content).context("the document cannot be written as YAML")?;
    Ok(crate::output::plain(text.trim_end()))
}
