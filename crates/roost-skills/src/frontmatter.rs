//! The frontmatter of `SKILL.md`: YAML between two lines of dashes.

use std::collections::BTreeMap;

use roost_domain::skill::{About, SkillId};
use roost_ports::skills::{Draft, PackageError};
use serde_json::Value;

/// How much of a `SKILL.md` may be frontmatter.
const LONGEST: usize = 16 * 1024;

/// How strictly names are held to the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// A name that is none is an error.
    Strict,
    /// A name that is none is no name: the registry has its own.
    Lenient,
}

/// Reads what a `SKILL.md` says of its skill.
pub(crate) fn read(text: &str, naming: Naming) -> Result<About, PackageError> {
    let yaml = between(text)?;
    // Bounded twice: by its length, and by the reader's own budget of anchors, aliases and depth.
    let options = serde_saphyr::options! { with_snippet: false };
    let mut fields: BTreeMap<String, Value> = serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|error| PackageError::Frontmatter(first_line(&error.to_string())))?;
    let invalid = |error: &dyn std::fmt::Display| PackageError::Invalid(error.to_string());
    let name = match text_of(&mut fields, "name")? {
        Some(name) => match name.parse::<SkillId>() {
            Ok(name) => Some(name),
            Err(_) if naming == Naming::Lenient => None,
            Err(error) => return Err(invalid(&roost_domain::skill::InvalidAbout::from(error))),
        },
        None if naming == Naming::Lenient => None,
        None => return Err(invalid(&roost_domain::skill::InvalidAbout::Missing("name"))),
    };
    let about = About {
        name,
        description: text_of(&mut fields, "description")?.unwrap_or_default(),
        license: text_of(&mut fields, "license")?,
        compatibility: text_of(&mut fields, "compatibility")?,
        metadata: metadata(fields.remove("metadata"))?,
        allowed_tools: tools(fields.remove("allowed-tools"))?,
    };
    about.check().map_err(|error| invalid(&error))
}

/// Returns the YAML, without the dashes around it.
fn between(text: &str) -> Result<&str, PackageError> {
    let missing = || {
        PackageError::Frontmatter(
            "the file must begin with a line of three dashes, and a second one must end it".to_owned(),
        )
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("---").ok_or_else(missing)?;
    let start = rest.find('\n').filter(|end| rest[..*end].trim().is_empty()).ok_or_else(missing)? + 1;
    let mut at = start;
    for line in rest[start..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Ok(&rest[start..at]);
        }
        at += line.len();
        if at - start > LONGEST {
            return Err(PackageError::Frontmatter("it is longer than 16 KiB".to_owned()));
        }
    }
    Err(missing())
}

fn text_of(fields: &mut BTreeMap<String, Value>, field: &str) -> Result<Option<String>, PackageError> {
    match fields.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(number @ Value::Number(_)) => Ok(Some(number.to_string())),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            Err(PackageError::Frontmatter(format!("{field} must be a text")))
        }
    }
}

/// Texts stay; whatever else people put there becomes its JSON.
fn metadata(value: Option<Value>) -> Result<BTreeMap<String, String>, PackageError> {
    match value {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => Ok(map.into_iter().map(|(key, value)| (key, plain(value))).collect()),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(PackageError::Frontmatter("metadata must be a map".to_owned()))
        }
    }
}

fn plain(value: Value) -> String {
    if let Value::String(text) = value { text } else { value.to_string() }
}

/// A text of names between spaces, or a list of them.
fn tools(value: Option<Value>) -> Result<Vec<String>, PackageError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Some(Value::Array(list)) => Ok(list.into_iter().map(plain).collect()),
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
            Err(PackageError::Frontmatter("allowed-tools must be a text or a list".to_owned()))
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(300).collect()
}

/// Writes a `SKILL.md`.
pub(crate) fn write(draft: &Draft) -> Vec<u8> {
    // JSON's texts are YAML's double-quoted ones.
    let quoted = |text: &str| Value::from(text).to_string();
    let mut text = format!("---\nname: {}\ndescription: {}\n", draft.id, quoted(&draft.description));
    if let Some(title) = &draft.title {
        text.push_str(&format!("metadata:\n  title: {}\n", quoted(title)));
    }
    text.push_str("---\n\n");
    text.push_str(draft.instructions.trim());
    text.push('\n');
    text.into_bytes()
}
