use std::fmt::Write as _;

use roost_http::Failure;
use serde_json::Value;

/// Writes what a caller tells about the peer as the agent reads it: a text as it is, an object as `key: value`
/// lines.
pub(super) fn formatted(context: Option<Value>) -> Result<Option<String>, Failure> {
    match context {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Object(map)) => {
            let mut lines = String::new();
            for (key, value) in map {
                let end = if lines.is_empty() { "" } else { "\n" };
                // silent-ok: writing to a text cannot fail.
                let _ = match value {
                    Value::String(text) => write!(lines, "{end}{key}: {text}"),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        write!(lines, "{end}{key}: {value}")
                    }
                };
            }
            Ok(Some(lines))
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            Err(Failure::invalid("context", "must be a text or an object"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_become_lines_and_nested_values_compact_json() {
        let object =
            json!({"name": "Alice", "plan": {"tier": "Pro", "seats": [1, 2]}, "vip": true, "zip": null});
        let expected = "name: Alice\nplan: {\"seats\":[1,2],\"tier\":\"Pro\"}\nvip: true\nzip: null";
        assert_eq!(formatted(Some(object)).unwrap().unwrap(), expected);
        assert_eq!(formatted(Some(json!("as it is\n"))).unwrap().unwrap(), "as it is\n");
        assert!(formatted(None).unwrap().is_none());
        assert!(formatted(Some(json!(["a"]))).is_err());
    }
}
