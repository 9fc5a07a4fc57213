use std::time::Duration;

use serde_json::{Value, json};

use super::super::{ArtifactKind, Case, Step, StepKind, Template, Templates};
use super::place::{Object, Place};
use super::step::{Steps, read_variable};
use super::{LONGEST, form, read_duration, read_expression, read_template, read_words, whole};

pub(super) const NAMES: [&str; 11] = [
    "generate-text",
    "generate-artifact",
    "form",
    "tool",
    "http",
    "agent",
    "branch",
    "for-each",
    "parallel",
    "wait",
    "approve",
];

/// The names of methods that a request can have.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Returns the keys of a kind of step, besides those of every step.
pub(super) fn keys(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "generate-text" => &["prompt", "model", "tools"],
        "generate-artifact" => &["prompt", "model", "format", "title"],
        "form" => &["title", "fields", "expires_after", "expires_after_seconds"],
        "tool" => &["tool", "arguments"],
        "http" => &["method", "url", "headers", "body"],
        "agent" => &["agent", "task"],
        "branch" => &["cases", "otherwise"],
        "for-each" => &["items", "item", "at_once", "steps"],
        "parallel" => &["branches"],
        "wait" => &["until", "seconds"],
        "approve" => &["question", "expires_after", "expires_after_seconds"],
        _ => return None,
    })
}

/// Reads what a step does.
pub(super) fn read(
    steps: &mut Steps,
    kind: &str,
    object: &Object<'_>,
    name: &str,
    depth: usize,
) -> Option<StepKind> {
    match kind {
        "generate-text" => generate_text(object),
        "generate-artifact" => generate_artifact(object, name),
        "form" => form::read(object, name).map(StepKind::Form),
        "tool" => tool(object),
        "http" => http(object),
        "agent" => {
            let agent = object.require("agent", "another agent of the swarm, by name or id");
            let task = object.require("task", "what it is to do");
            let (agent, task) = (agent.and_then(|it| read_words(&it)), task.and_then(|it| read_words(&it)));
            Some(StepKind::Agent { agent: agent?, task: task? })
        }
        "branch" => branch(steps, object, depth),
        "for-each" => for_each(steps, object, depth),
        "parallel" => parallel(steps, object, depth),
        "wait" => wait(object),
        _ => {
            let question = object.require("question", "what people say yes or no to");
            let expires_after = read_duration(object, "expires_after");
            Some(StepKind::Approve { question: question.and_then(|it| read_words(&it))?, expires_after })
        }
    }
}

/// Adds to the prompt of a step what it works with, if the prompt does not say where that belongs: the step's inputs, or
/// where no inputs are named and the prompt reads nothing, what the run is given and what the steps before it come to.
pub(super) fn informed(mut kind: StepKind, inputs: Option<&[String]>, before: &[String]) -> StepKind {
    let (StepKind::GenerateText { prompt, .. } | StepKind::GenerateArtifact { prompt, .. }) = &mut kind
    else {
        return kind;
    };
    // What is no template has been noted.
    let (Template(Value::String(text)), Ok(names)) = (&prompt, prompt.names()) else { return kind };
    let mut told = text.clone();
    match inputs {
        Some(inputs) if !names.iter().any(|name| name == "inputs" || name.starts_with("inputs.")) => {
            inputs.iter().for_each(|name| told.push_str(&format!("\n\n{name}:\n{{{{ inputs.{name} }}}}")));
        }
        None if names.is_empty() => {
            told.push_str("{% if input %}\n\nWhat this was started with:\n{{ input }}{% endif %}");
            before.iter().for_each(|id| {
                told.push_str(&format!("\n\nWhat the step {id} came to:\n{{{{ steps.{id}.output }}}}"));
            });
        }
        Some(_) | None => {}
    }
    *prompt = Template(told.into());
    kind
}

fn generate_text(object: &Object<'_>) -> Option<StepKind> {
    let prompt = object.require("prompt", "what the model is told").and_then(|prompt| read_words(&prompt));
    let model = object.get("model").map(|model| model.parsed(200));
    let tools = object.get("tools").map(|list| {
        let names = list.list(200).into_iter();
        names.filter_map(|name| name.words(200)).map(str::to_owned).collect()
    });
    Some(StepKind::GenerateText { prompt: prompt?, model: model.unwrap_or_default(), tools })
}

fn generate_artifact(object: &Object<'_>, name: &str) -> Option<StepKind> {
    let prompt = object.require("prompt", "what the model is to make").and_then(|prompt| read_words(&prompt));
    let model = object.get("model").map(|model| model.parsed(200));
    let kind = object
        .get("format")
        .map_or(Some(ArtifactKind::Html), |format| format.named(&ArtifactKind::ALL, ArtifactKind::name));
    let title = object.get("title").map_or_else(|| Some(Template(name.into())), |title| read_words(&title));
    Some(StepKind::GenerateArtifact {
        prompt: prompt?,
        model: model.unwrap_or_default(),
        kind: kind?,
        title: title?,
    })
}

fn tool(object: &Object<'_>) -> Option<StepKind> {
    let tool = object.require("tool", "the name of a tool of the agent, such as read_file");
    let arguments = object.get("arguments");
    if let Some(arguments) = arguments.as_ref().filter(|it| !it.value.is_object() && !it.value.is_string()) {
        arguments.wrong("must be an object of the tool's arguments");
    }
    let arguments = arguments.map_or_else(|| Template(json!({})), |it| read_template(&it));
    Some(StepKind::Tool { tool: tool.and_then(|tool| tool.words(200))?.to_owned(), arguments })
}

fn http(object: &Object<'_>) -> Option<StepKind> {
    let method = object.get("method").map_or(Some("GET".to_owned()), |method| read_method(&method));
    let url = object.require("url", "the whole URL, such as https://api.example.com/things");
    let url = url.and_then(|url| {
        let template = read_words(&url)?;
        let plain = url
            .value
            .as_str()
            .is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"));
        if !plain && url.value.as_str().is_some_and(|text| !text.contains("{{")) {
            url.wrong("must begin with https:// or http://");
        }
        Some(template)
    });
    let mut headers = Templates::new();
    if let Some(entries) = object.get("headers").and_then(|headers| headers.entries()) {
        for (name, value) in entries.each().take(100) {
            let is_token = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            match read_words(&value) {
                Some(_) if !is_token => value.wrong("is not the name of a header"),
                Some(template) => drop(headers.insert(name.to_owned(), template)),
                None => {}
            }
        }
    }
    let body = object.get("body").map(|body| read_template(&body));
    Some(StepKind::Http { method: method?, url: url?, headers, body })
}

fn read_method(place: &Place<'_>) -> Option<String> {
    let method = place.text(20)?.to_ascii_uppercase();
    if !METHODS.contains(&method.as_str()) {
        place.wrong(format!("must be one of {}", METHODS.join(", ")));
        return None;
    }
    Some(method)
}

fn branch(steps: &mut Steps, object: &Object<'_>, depth: usize) -> Option<StepKind> {
    let list = object
        .require("cases", "a list of cases, such as [{\"when\": \"input.amount > 100\", \"steps\": […]}]");
    let mut cases = Vec::new();
    for place in list.iter().flat_map(|list| list.list(50)) {
        let Some(case) = place.object(&["when", "steps"]) else { continue };
        let when = case.require("when", "an expression, such as input.amount > 100");
        let when = when.and_then(|when| read_expression(&when));
        let within = read_steps(steps, &case, "steps", depth);
        if let (Some(when), Some(within)) = (when, within) {
            cases.push(Case { when, steps: within });
        }
    }
    let list = list?;
    if list.value.as_array().is_some_and(Vec::is_empty) {
        list.wrong("must have at least one case");
    }
    let otherwise =
        object.get("otherwise").filter(|list| list.value.as_array().is_none_or(|list| !list.is_empty()));
    let otherwise = otherwise.map(|list| steps.read_list(&list, depth + 1)).unwrap_or_default();
    Some(StepKind::Branch { cases, otherwise })
}

fn read_steps(steps: &mut Steps, object: &Object<'_>, key: &str, depth: usize) -> Option<Vec<Step>> {
    let list = object.require(key, "a list of steps")?;
    Some(steps.read_list(&list, depth + 1))
}

fn for_each(steps: &mut Steps, object: &Object<'_>, depth: usize) -> Option<StepKind> {
    let items = object.require("items", "the list, such as {{ steps.search.output }}");
    if let Some(items) = items.as_ref().filter(|it| !it.value.is_array() && !it.value.is_string()) {
        items.wrong("must be a list or a text that is one expression, such as {{ steps.search.output }}");
    }
    let items = items.map(|items| read_template(&items));
    let item = object.get("item").map_or(Some("item".to_owned()), |item| read_variable(&item));
    if let Some(taken) = item.as_deref().filter(|name| RESERVED.contains(name)) {
        object
            .place
            .wrong(format!("names its thing {taken}, which templates have already; use another name"));
    }
    if let Some(item) = &item {
        steps.loops_over(item);
    }
    let at_once = object.get("at_once").map_or(Some(1), |many| whole(&many, 1, 100));
    let within = read_steps(steps, object, "steps", depth);
    Some(StepKind::ForEach { items: items?, item: item?, at_once: at_once?, steps: within? })
}

/// Names that templates know already.
pub(super) const RESERVED: [&str; 7] = ["input", "steps", "inputs", "index", "event", "run", "output"];

fn parallel(steps: &mut Steps, object: &Object<'_>, depth: usize) -> Option<StepKind> {
    let list = object.require("branches", "a list of lists of steps")?;
    let places = list.list(50);
    if list.value.as_array().is_some_and(Vec::is_empty) {
        list.wrong("must have at least one list of steps");
    }
    let mut branches = Vec::new();
    for place in places {
        if place.value.is_object() {
            let Some(branch) = place.object(&["name", "steps"]) else { continue };
            branches.extend(read_steps(steps, &branch, "steps", depth));
        } else {
            branches.push(steps.read_list(&place, depth + 1));
        }
    }
    Some(StepKind::Parallel { branches })
}

fn wait(object: &Object<'_>) -> Option<StepKind> {
    let Some(place) = object.either(["until", "seconds"]) else {
        object.missing(
            "until",
            "how long (90s, 2 hours, a number of seconds) or until when (2026-12-24T18:00:00Z)",
        );
        return None;
    };
    let is_template = place.value.as_str().is_some_and(|text| text.contains("{{"));
    let is_instant = place.value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok());
    if !is_template && !is_instant {
        place.duration(Duration::ZERO, LONGEST)?;
    }
    Some(StepKind::Wait { until: read_template(&place) })
}
