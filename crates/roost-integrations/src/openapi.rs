//! Reads OpenAPI documents: 2.0 (Swagger), 3.0 and 3.1, as JSON or YAML.
//!
//! A document is read whole or not at all, but for single operations that cannot be sent: those are left out, and a
//! sentence says so. References are followed inside the document, as far as the bounds in [`schema`] let.
//!
//! **Source:** OpenAPI Specification 2.0, 3.0.4, 3.1.1.

use std::collections::BTreeMap;

use roost_domain::integration::{Description, IntegrationName, Operation};
use roost_ports::integrations::BadDescription;
use serde_json::{Map, Value};

mod body;
mod document;
mod names;
mod operation;
mod parameter;
mod schema;
mod security;

use self::document::Document;

/// The most operations of one service.
const MOST_OPERATIONS: usize = 5_000;

/// The longest path.
const PATH_MAX: usize = 2_000;

/// How many bytes all schemas of a document may have together. A small document can say the same large thing thousands
/// of times by reference. What is beyond is not checked here but by the service.
const SCHEMAS_MAX_BYTES: usize = 48 * 1024 * 1024;

/// The most sentences about what could not be used.
const MOST_PROBLEMS: usize = 100;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Reads a document.
///
/// # Errors
///
/// A sentence that says why it is none.
pub(crate) fn read(name: &IntegrationName, text: &str) -> Result<Description, BadDescription> {
    let root = parse(text)?;
    let document = Document::new(&root)?;
    let mut problems = Vec::new();
    let mut problem = |text: String| {
        if problems.len() < MOST_PROBLEMS {
            problems.push(text);
        }
    };
    let mut operations = Vec::new();
    let mut left = SCHEMAS_MAX_BYTES;
    let paths = root.get("paths").and_then(Value::as_object);
    let paths =
        paths.ok_or_else(|| BadDescription("the document has no paths, so nothing can be asked".into()))?;
    for (path, item) in paths {
        if path.len() > PATH_MAX {
            problem(format!("{} is left out: it is longer than {PATH_MAX} bytes", cut(path, 100)));
            continue;
        }
        let item = match document.resolve(item) {
            Ok(item) => item,
            Err(why) => {
                problem(format!("{path} is left out: {why}"));
                continue;
            }
        };
        for method in METHODS {
            let Some(found) = item.get(method).and_then(Value::as_object) else { continue };
            if operations.len() >= MOST_OPERATIONS {
                let problem = format!("the document has more than {MOST_OPERATIONS} operations");
                return Err(BadDescription(problem));
            }
            match operation::read(&document, path, method, (item, found), &mut left) {
                Ok(operation) => operations.push(operation),
                Err(why) => problem(format!("{} {path} is left out: {why}", method.to_uppercase())),
            }
        }
    }
    if operations.is_empty() {
        return Err(BadDescription("the document has no operation that can be sent".into()));
    }
    let operations = names::settle(name, operations);
    Ok(describe(&document, &root, operations, problems))
}

fn describe(
    document: &Document<'_>,
    root: &Value,
    operations: Vec<Operation>,
    problems: Vec<String>,
) -> Description {
    let info =
        |field: &str| cut(root.pointer(&format!("/info/{field}")).and_then(Value::as_str).unwrap_or(""), 200);
    let security = security::read(document);
    Description {
        title: info("title"),
        version: info("version"),
        base: root.as_object().and_then(|root| document.base(root)),
        placement: security.placement,
        oauth: security.oauth,
        operations,
        problems,
    }
}

/// Reads JSON, or else YAML, of which JSON is no longer a part where it is large.
fn parse(text: &str) -> Result<Value, BadDescription> {
    let bad = |problem: String| BadDescription(format!("the text is neither JSON nor YAML: {problem}"));
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).map_err(|error| bad(error.to_string()));
    }
    // The usual bounds but for how long a document may be; aliases that grow without end stay refused.
    let budget = serde_saphyr::budget! { max_events: 20_000_000, max_nodes: 10_000_000, max_total_scalar_bytes: 64 * 1024 * 1024 };
    let alias_limits = serde_saphyr::alias_limits! { max_total_replayed_events: 200_000 };
    let options = serde_saphyr::options! { with_snippet: false, budget: budget, alias_limits: alias_limits };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| bad(cut(&error.to_string(), 300)))
}

/// Returns the first `most` characters, on one line if `most` is short.
fn cut(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

fn line(text: &str, most: usize) -> String {
    cut(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default(), most)
}

type Fields = Map<String, Value>;
type Named = BTreeMap<String, Value>;

#[cfg(test)]
mod tests;
