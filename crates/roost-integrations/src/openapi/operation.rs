//! One operation.

use roost_domain::integration::Operation;
use serde_json::{Value, json};

use super::body;
use super::document::Document;
use super::parameter::{self, Arguments};
use super::schema::Budget;
use super::{Fields, Named, cut, line, names};

pub(super) fn read<'a>(
    document: &Document<'a>,
    path: &str,
    method: &str,
    (item, found): (&'a Value, &'a Fields),
    left: &mut usize,
) -> Result<Operation, String> {
    let mut arguments = Arguments { budget: Budget::within(*left), ..Arguments::default() };
    let given = parameter::collect(document, item, found)?;
    for one in &given {
        parameter::read(document, one, &mut arguments);
    }
    parameter::missing_in_path(path, &mut arguments)?;
    let body = body::read(document, found, &given, &mut arguments)?;
    let own = names::plain(found.get("operationId").and_then(Value::as_str).unwrap_or_default());
    let name = if own.is_empty() { names::plain(&format!("{method} {path}")) } else { own };
    let text = |field: &str| found.get(field).and_then(Value::as_str).unwrap_or_default();
    let (summary, description) = (text("summary"), text("description"));
    let tags = found.get("tags").and_then(Value::as_array);
    let tags = tags.into_iter().flatten().filter_map(Value::as_str).take(5).map(|tag| cut(tag, 60)).collect();
    let base = document.base(found).or_else(|| document.base(item.as_object()?));
    *left = left.saturating_sub(arguments.budget.spent());
    Ok(Operation {
        name,
        method: method.to_uppercase(),
        path: path.to_owned(),
        base,
        summary: line(if summary.trim().is_empty() { description } else { summary }, 200),
        description: cut(description, 1_000),
        tags,
        parameters: arguments.parameters,
        body,
        schema: schema(&arguments.properties, &arguments.required),
    })
}

fn schema(properties: &Named, required: &[String]) -> Value {
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
