//! Schemas of OpenAPI, old and new, become JSON Schema 2020-12 that stands by itself and is not too large.
//!
//! References are put in where they stand, as deep and as many as [`Budget`] lets. Beyond it, and where a schema holds
//! itself, anything goes: the service checks what is not checked here.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::cut;
use super::document::{Document, Version};

/// How deep a schema is written out.
const DEPTH: usize = 7;

/// How often one schema may stand inside itself.
const INSIDE_ITSELF: usize = 1;

/// How many bytes the schemas of one operation may have.
const OPERATION_MAX_BYTES: usize = 256 * 1024;

/// The largest value that a schema names: one of an enumeration, a constant.
const VALUE_MAX_BYTES: usize = 1_000;

/// The largest enumeration: values, and bytes of them.
const ENUM_MAX: usize = 200;
const ENUM_MAX_BYTES: usize = 8_000;

/// The most alternatives of one place, and the most names that are required there.
const LIST_MAX: usize = 500;

/// What a part costs beside the texts in it.
const PART_BYTES: usize = 32;

/// How many parts, and how many bytes, the schemas of an operation may have together.
pub(super) struct Budget {
    parts: u32,
    bytes: usize,
    given: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::within(OPERATION_MAX_BYTES)
    }
}

impl Budget {
    /// Returns the budget of one operation of a document that has so many bytes left.
    pub(super) fn within(left: usize) -> Self {
        let given = OPERATION_MAX_BYTES.min(left);
        Self { parts: 300, bytes: given, given }
    }

    /// Returns how many bytes were used.
    pub(super) const fn spent(&self) -> usize {
        self.given - self.bytes
    }

    fn take(&mut self) -> bool {
        self.parts = self.parts.saturating_sub(1);
        self.parts > 0 && self.spend(PART_BYTES)
    }

    /// Tells whether there is room for so many bytes, and takes them.
    fn spend(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.bytes;
        self.bytes = self.bytes.saturating_sub(bytes);
        fits
    }
}

/// Returns about how many bytes a value takes, or nothing if that is more than `most`. Looks at no more of it than that.
fn size(value: &Value, most: usize) -> Option<usize> {
    let left = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => most.checked_sub(8),
        Value::String(text) => most.checked_sub(text.len() + 2),
        Value::Array(all) => {
            all.iter().try_fold(most.checked_sub(2)?, |left, one| left.checked_sub(size(one, left)?))
        }
        Value::Object(fields) => fields.iter().try_fold(most.checked_sub(2)?, |left, (name, one)| {
            let left = left.checked_sub(name.len() + 4)?;
            left.checked_sub(size(one, left)?)
        }),
    };
    Some(most - left?)
}

/// What a schema is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A request: what only answers have is left out.
    Request,
    /// A parameter of version 2, whose fields stand beside those of its schema.
    Parameter,
}

/// Translates a schema.
pub(super) fn translate<'a>(
    document: &Document<'a>,
    schema: &'a Value,
    how: Use,
    budget: &mut Budget,
) -> Value {
    let mut walk = Walk { document, how, budget, open: Vec::new() };
    walk.schema(schema, 0)
}

struct Walk<'w, 'a> {
    document: &'w Document<'a>,
    how: Use,
    budget: &'w mut Budget,
    /// The references that are being written out.
    open: Vec<&'a str>,
}

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];

impl<'a> Walk<'_, 'a> {
    fn schema(&mut self, schema: &'a Value, depth: usize) -> Value {
        let Value::Object(fields) = schema else {
            return if schema == &Value::Bool(false) { Value::Bool(false) } else { json!({}) };
        };
        if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
            return self.reference(reference, depth);
        }
        if depth > DEPTH || !self.budget.take() {
            return json!({});
        }
        let mut made = Map::new();
        self.kind(fields, &mut made);
        annotations(fields, &mut made, self.budget);
        numbers(fields, &mut made);
        self.values(fields, &mut made);
        self.object(fields, &mut made, depth);
        if let Some(items) = fields.get("items").filter(|items| items.is_object() || items.is_boolean()) {
            made.insert("items".to_owned(), self.schema(items, depth + 1));
        }
        for word in ["allOf", "anyOf", "oneOf"] {
            let Some(all) = fields.get(word).and_then(Value::as_array).filter(|all| !all.is_empty()) else {
                continue;
            };
            if all.len() > LIST_MAX || !self.budget.spend(all.len() * PART_BYTES) {
                // Some alternatives without the others would refuse what is right.
                continue;
            }
            let all: Vec<Value> = all.iter().map(|one| self.schema(one, depth + 1)).collect();
            // Where two alternatives could not be written out, both would fit, and oneOf wants exactly one.
            let word = if word == "oneOf" { "anyOf" } else { word };
            if made.contains_key(word) {
                continue;
            }
            made.insert(word.to_owned(), Value::Array(all));
        }
        nullable(fields, &mut made);
        Value::Object(made)
    }

    fn reference(&mut self, reference: &'a str, depth: usize) -> Value {
        let inside = self.open.iter().filter(|open| **open == reference).count();
        if inside > INSIDE_ITSELF || self.open.len() > 32 {
            return json!({});
        }
        let Ok(target) = self.document.follow(reference) else { return json!({}) };
        self.open.push(reference);
        let made = self.schema(target, depth);
        self.open.pop();
        made
    }

    fn kind(&self, fields: &Map<String, Value>, made: &mut Map<String, Value>) {
        let known = |name: &str| TYPES.contains(&name);
        match fields.get("type") {
            Some(Value::String(name)) if known(name) => {
                made.insert("type".to_owned(), Value::from(name.as_str()));
            }
            Some(Value::String(name)) if name == "file" => {
                made.insert("type".to_owned(), Value::from("string"));
                made.insert("format".to_owned(), Value::from("binary"));
            }
            Some(Value::Array(names)) if self.document.version == Version::ThreeOne => {
                let names: Vec<&str> =
                    names.iter().filter_map(Value::as_str).filter(|name| known(name)).collect();
                if !names.is_empty() {
                    made.insert("type".to_owned(), json!(names));
                }
            }
            Some(_) => {}
            None if fields.get("properties").is_some_and(Value::is_object) => {
                made.insert("type".to_owned(), Value::from("object"));
            }
            None => {}
        }
    }

    fn values(&mut self, fields: &Map<String, Value>, made: &mut Map<String, Value>) {
        if let Some(all) =
            fields.get("enum").and_then(Value::as_array).filter(|all| (1..=ENUM_MAX).contains(&all.len()))
            && let Some(bytes) = all.iter().try_fold(0, |sum: usize, one| {
                Some(sum + size(one, ENUM_MAX_BYTES)?).filter(|sum| *sum <= ENUM_MAX_BYTES)
            })
            && self.budget.spend(bytes)
        {
            let mut unique: Vec<Value> = Vec::new();
            for one in all {
                if !unique.contains(one) {
                    unique.push(one.clone());
                }
            }
            made.insert("enum".to_owned(), Value::Array(unique));
        }
        if let Some(one) = fields.get("const")
            && size(one, VALUE_MAX_BYTES).is_some_and(|bytes| self.budget.spend(bytes))
        {
            made.insert("const".to_owned(), one.clone());
        }
        if let Some(pattern) = fields.get("pattern").and_then(Value::as_str)
            && pattern.len() <= 200
            && self.budget.spend(pattern.len())
            && Regex::new(pattern).is_ok()
        {
            made.insert("pattern".to_owned(), Value::from(pattern));
        }
    }

    fn object(&mut self, fields: &'a Map<String, Value>, made: &mut Map<String, Value>, depth: usize) {
        let mut left_out = Vec::new();
        let mut is_whole = true;
        if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
            let mut all = Map::new();
            for (name, property) in properties {
                if !self.budget.spend(name.len() + PART_BYTES) {
                    is_whole = false;
                    break;
                }
                if self.is_only_told(property) {
                    left_out.push(name.as_str());
                } else {
                    all.insert(name.clone(), self.schema(property, depth + 1));
                }
            }
            made.insert("properties".to_owned(), Value::Object(all));
        }
        if !is_whole {
            // What is needed, and what else may be there, is known for the whole only.
            return;
        }
        // In version 2, a parameter says with the same word that it is needed itself.
        if let (Some(names), Use::Request) = (fields.get("required").and_then(Value::as_array), self.how) {
            let mut unique: Vec<&str> = Vec::new();
            for name in names.iter().filter_map(Value::as_str).take(LIST_MAX) {
                if !unique.contains(&name) && !left_out.contains(&name) {
                    unique.push(name);
                }
            }
            let bytes = unique.iter().map(|name| name.len() + 4).sum();
            if !unique.is_empty() && self.budget.spend(bytes) {
                made.insert("required".to_owned(), json!(unique));
            }
        }
        match fields.get("additionalProperties") {
            Some(Value::Bool(false)) if left_out.is_empty() => {
                made.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            Some(other @ Value::Object(_)) => {
                let other = self.schema(other, depth + 1);
                made.insert("additionalProperties".to_owned(), other);
            }
            Some(_) | None => {}
        }
    }

    /// Tells whether a property stands in answers alone.
    fn is_only_told(&self, property: &'a Value) -> bool {
        let is = |value: &Value| value.get("readOnly") == Some(&Value::Bool(true));
        is(property) || self.document.resolve(property).is_ok_and(is)
    }
}

fn annotations(fields: &Map<String, Value>, made: &mut Map<String, Value>, budget: &mut Budget) {
    if let Some(text) =
        fields.get("description").and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    {
        let text = cut(text, 200);
        if budget.spend(text.len()) {
            made.insert("description".to_owned(), Value::from(text));
        }
    }
    if let Some(format) = fields.get("format").and_then(Value::as_str) {
        made.insert("format".to_owned(), Value::from(cut(format, 40)));
    }
    if let Some(default) = fields.get("default")
        && size(default, 200).is_some_and(|bytes| budget.spend(bytes))
    {
        made.insert("default".to_owned(), default.clone());
    }
}

fn numbers(fields: &Map<String, Value>, made: &mut Map<String, Value>) {
    for word in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"] {
        if let Some(number) = fields.get(word).filter(|number| number.is_u64()) {
            made.insert(word.to_owned(), number.clone());
        }
    }
    if let Some(number) = fields.get("multipleOf").filter(|number| number.as_f64().is_some_and(|of| of > 0.0))
    {
        made.insert("multipleOf".to_owned(), number.clone());
    }
    if fields.get("uniqueItems") == Some(&Value::Bool(true)) {
        made.insert("uniqueItems".to_owned(), Value::Bool(true));
    }
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let number = fields.get(bound).filter(|number| number.is_number());
        match (fields.get(exclusive), number) {
            // As it was before 3.1: whether the bound itself is outside.
            (Some(Value::Bool(true)), Some(number)) => {
                made.insert(exclusive.to_owned(), number.clone());
            }
            (Some(own @ Value::Number(_)), number) => {
                made.insert(exclusive.to_owned(), own.clone());
                made.extend(number.map(|number| (bound.to_owned(), number.clone())));
            }
            (_, Some(number)) => {
                made.insert(bound.to_owned(), number.clone());
            }
            (_, None) => {}
        }
    }
}

/// Lets null in, as 3.0 says it beside the type.
fn nullable(fields: &Map<String, Value>, made: &mut Map<String, Value>) {
    let says = |word: &str| fields.get(word) == Some(&Value::Bool(true));
    if !says("nullable") && !says("x-nullable") {
        return;
    }
    if let Some(Value::String(name)) = made.get("type").cloned() {
        made.insert("type".to_owned(), json!([name, "null"]));
    }
    if let Some(Value::Array(all)) = made.get_mut("enum")
        && !all.contains(&Value::Null)
    {
        all.push(Value::Null);
    }
    let alternatives: Vec<(&str, Value)> =
        ["allOf", "anyOf"].into_iter().filter_map(|word| Some((word, made.remove(word)?))).collect();
    if !alternatives.is_empty() {
        let all: Map<String, Value> =
            alternatives.into_iter().map(|(word, all)| (word.to_owned(), all)).collect();
        made.insert("anyOf".to_owned(), json!([all, {"type": "null"}]));
    }
}
