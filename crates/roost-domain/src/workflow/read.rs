//! Reading configurations of workflows: everything that is wrong is said at once, each with its place.

use std::time::Duration;

use serde_json::Value;

use self::names::{Sees, check_names};
use self::order::check_order;
use self::place::{Notes, Object, Place};
use self::step::Steps;
use super::{Bounds, Expression, Fault, Faults, Template, Workflow};
use crate::model::ModelName;
use crate::unit::MicroUsd;

mod form;
mod kind;
mod names;
mod order;
mod place;
mod step;
mod trigger;

/// The most steps of a workflow, those within others included.
pub const MAX_STEPS: usize = 200;
/// The most lists of steps that are within one another.
pub const MAX_DEPTH: usize = 8;
/// The most bytes of a configuration as JSON.
pub const MAX_BYTES: usize = 512 * 1024;

/// The most bytes of one JSON Schema.
const MAX_SCHEMA_BYTES: usize = 64 * 1024;

/// The most patterns of one JSON Schema: each has to be made ready before anything can be held to it.
const MAX_PATTERNS: usize = 50;

/// The most bytes of one pattern.
const MAX_PATTERN_BYTES: usize = 500;

/// The most characters of a text that is a template.
const MAX_TEMPLATE: usize = 100_000;
/// The longest that anything may last.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

const KEYS: [&str; 14] = [
    "$schema",
    "name",
    "description",
    "model",
    "tags",
    "triggers",
    "steps",
    "integrations",
    "input_schema",
    "output",
    "budget_usd",
    "timeout",
    "timeout_seconds",
    "concurrency",
];

/// A configuration: a workflow with what it says of its agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// What the agent is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The model of steps that name none.
    pub model: Option<ModelName>,
    /// Labels of the agent.
    pub tags: Option<Vec<String>>,
    /// What it does step by step.
    pub workflow: Workflow,
}

impl Configuration {
    /// Reads a configuration. Steps without an id get one made from their name.
    ///
    /// # Errors
    ///
    /// [`Faults`] with everything that is wrong.
    pub fn read(config: &Value) -> Result<Self, Faults> {
        if config.to_string().len() > MAX_BYTES {
            let problem = format!("has more than {MAX_BYTES} bytes as JSON");
            return Err(Faults(vec![Fault { path: String::new(), problem }]));
        }
        let notes = Notes::default();
        let read = read(&Place { path: String::new(), value: config, notes: &notes });
        match read {
            Some(read) if notes.none() => Ok(read),
            _ => Err(Faults(notes.take())),
        }
    }
}

impl Workflow {
    /// Reads the workflow of a configuration, as [`Configuration::read`] does.
    ///
    /// # Errors
    ///
    /// [`Faults`] with everything that is wrong.
    pub fn read(config: &Value) -> Result<Self, Faults> {
        Configuration::read(config).map(|read| read.workflow)
    }
}

fn read(place: &Place<'_>) -> Option<Configuration> {
    let object = place.object(&KEYS)?;
    let triggers = object.get("triggers").map(|list| trigger::read_all(&list)).unwrap_or_default();
    let mut steps = Steps::default();
    let list = object.require(
        "steps",
        "a list of what is done, such as [{\"type\": \"generate-text\", \"prompt\": \"…\"}]",
    );
    let top = list.map(|list| steps.read_list(&list, 1)).unwrap_or_default();
    check_order(&steps, place.notes);
    let mut integrations =
        object.get("integrations").map(|list| read_integrations(&list)).unwrap_or_default();
    let used = triggers.iter().filter_map(trigger::integration_of).chain(steps.integrations.iter().cloned());
    for name in used.collect::<Vec<_>>() {
        if !integrations.contains(&name) {
            integrations.push(name);
        }
    }
    let workflow = Workflow {
        triggers,
        steps: top,
        integrations,
        input: object.get("input_schema").and_then(|schema| read_schema(&schema)),
        output: place
            .notes
            .uses
            .within(Sees::Whole, || object.get("output").map(|output| read_template(&output))),
        bounds: Bounds {
            budget: object.get("budget_usd").and_then(|budget| read_money(&budget)),
            timeout: read_duration(&object, "timeout"),
            concurrency: object.get("concurrency").and_then(|many| whole(&many, 1, 1_000)),
        },
    };
    check_names(&steps, workflow.input.as_ref(), place.notes);
    Some(Configuration {
        name: object.get("name").and_then(|name| name.words(100)).map(|name| name.trim().to_owned()),
        description: object.get("description").and_then(|text| text.text(2_000)).map(str::to_owned),
        model: object.get("model").and_then(|model| model.parsed(200)),
        tags: object.get("tags").map(|tags| read_tags(&tags)),
        workflow,
    })
}

fn read_tags(place: &Place<'_>) -> Vec<String> {
    let texts = place.list(10).into_iter();
    texts.filter_map(|tag| tag.words(50)).map(str::to_owned).collect()
}

/// Reads names of the catalog.
fn read_integrations(place: &Place<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for name in place.list(50) {
        match read_integration(&name) {
            Some(text) if names.contains(&text) => name.wrong(format!("names {text} a second time")),
            Some(text) => names.push(text),
            None => {}
        }
    }
    names
}

fn read_integration(place: &Place<'_>) -> Option<String> {
    let text = place.text(63)?;
    let good = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte));
    if !good {
        place.wrong("must be the name of a service in lower case, such as github or google-drive");
        return None;
    }
    Some(text.to_owned())
}

fn read_money(place: &Place<'_>) -> Option<MicroUsd> {
    let number = place.number()?;
    if !(0.000_001..=1_000_000.0).contains(&number) {
        place.wrong("must be an amount of US dollars from 0.000001 to 1000000");
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 10^12, which is a whole number of both types"
    )]
    Some(MicroUsd((number * 1e6).round() as i64))
}

/// Reads a duration at a key, or seconds at the key that says so.
fn read_duration(object: &Object<'_>, key: &str) -> Option<Duration> {
    let seconds = format!("{key}_seconds");
    object.either([key, &seconds])?.duration(Duration::from_millis(1), LONGEST)
}

fn whole(place: &Place<'_>, least: u32, most: u32) -> Option<u32> {
    place.whole(least.into(), most.into()).and_then(|number| u32::try_from(number).ok())
}

/// Reads a template: any JSON whose texts are not too long.
fn read_template(place: &Place<'_>) -> Template {
    fn too_long(value: &Value) -> bool {
        match value {
            Value::String(text) => text.chars().count() > MAX_TEMPLATE,
            Value::Array(list) => list.iter().any(too_long),
            Value::Object(map) => map.values().any(too_long),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    if too_long(place.value) {
        place.wrong(format!("has a text of more than {MAX_TEMPLATE} characters"));
    }
    let template = Template(place.value.clone());
    place.notes.uses.template(place.notes, &place.path, &template);
    template
}

/// Reads a template that is a text.
fn read_words(place: &Place<'_>) -> Option<Template> {
    place.words(MAX_TEMPLATE).map(|_| read_template(place))
}

/// Reads an expression.
fn read_expression(place: &Place<'_>) -> Option<Expression> {
    let expression = Expression(place.words(2_000)?.to_owned());
    place.notes.uses.expression(place.notes, &place.path, &expression);
    Some(expression)
}

/// Reads a JSON Schema: an object, or true or false.
fn read_schema(place: &Place<'_>) -> Option<Value> {
    match place.value {
        Value::Object(_) | Value::Bool(_) => {
            if let Some(wrong) = too_much(place.value) {
                place.wrong(wrong);
                return None;
            }
            Some(place.value.clone())
        }
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            place.wrong("must be a JSON Schema, such as {\"type\": \"object\", \"properties\": {}}");
            None
        }
    }
}

/// Says what of a JSON Schema is more than may be checked, if anything is.
fn too_much(schema: &Value) -> Option<String> {
    let bytes = schema.to_string().len();
    if bytes > MAX_SCHEMA_BYTES {
        return Some(format!("may have {MAX_SCHEMA_BYTES} bytes, and has {bytes}"));
    }
    let mut patterns = Vec::new();
    collect_patterns(schema, &mut patterns);
    if patterns.len() > MAX_PATTERNS {
        return Some(format!("may have {MAX_PATTERNS} patterns, and has {}", patterns.len()));
    }
    let longest = patterns.into_iter().map(str::len).max().unwrap_or(0);
    let is_longer = longest > MAX_PATTERN_BYTES;
    is_longer.then(|| format!("may have patterns of {MAX_PATTERN_BYTES} bytes, and has one of {longest}"))
}

fn collect_patterns<'v>(schema: &'v Value, patterns: &mut Vec<&'v str>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("pattern", Value::String(pattern)) => patterns.push(pattern),
                    ("patternProperties", Value::Object(by_pattern)) => {
                        patterns.extend(by_pattern.keys().map(String::as_str));
                    }
                    (_, _) => {}
                }
                collect_patterns(value, patterns);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_patterns(item, patterns)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
