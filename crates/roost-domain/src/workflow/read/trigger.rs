use std::time::Duration;

use serde_json::Value;

use super::super::{MissedFires, Trigger, TriggerKind};
use super::names::Sees;
use super::place::{Object, Place, one_of};
use super::{read_duration, read_integration, read_template};
use crate::schedule::{EXPRESSION_BYTES_MAX, InvalidSchedule, Schedule};

/// The most triggers of a workflow.
const MAX_TRIGGERS: usize = 25;

const NAMES: [&str; 5] = ["manual", "webhook", "cron", "integration", "continuous"];

/// Reads triggers. One without a name is called as its type, the second of a type `cron_2`.
pub(super) fn read_all(list: &Place<'_>) -> Vec<Trigger> {
    let mut triggers: Vec<Trigger> = Vec::new();
    for place in list.list(MAX_TRIGGERS) {
        let Some((trigger, named)) = read(&place) else { continue };
        let taken = |name: &str| triggers.iter().any(|other| other.name == name);
        let name = match named {
            true if taken(&trigger.name) => {
                place.wrong(format!("is called {} like another trigger; names are different", trigger.name));
                continue;
            }
            true => trigger.name.clone(),
            false => free(&trigger.name, taken),
        };
        triggers.push(Trigger { name, ..trigger });
    }
    triggers
}

/// Returns a name that is not taken: the wanted one, or one with a number.
pub(super) fn free(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{wanted}_{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// Returns the service that a trigger listens to.
pub(super) fn integration_of(trigger: &Trigger) -> Option<String> {
    match &trigger.kind {
        TriggerKind::Integration { integration, .. } => Some(integration.clone()),
        TriggerKind::Manual
        | TriggerKind::Webhook { .. }
        | TriggerKind::Cron { .. }
        | TriggerKind::Continuous { .. } => None,
    }
}

/// Returns a trigger and whether it was given its name.
fn read(place: &Place<'_>) -> Option<(Trigger, bool)> {
    let entries = place.entries()?;
    let kind = entries.require("type", &format!("one of {}", NAMES.join(", ")))?;
    let kind_name = kind.text(80)?;
    let known: &[&str] = match kind_name {
        "manual" => &["type", "name", "input"],
        "webhook" => &["type", "name", "input", "signed"],
        "cron" => &["type", "name", "input", "cron", "timezone", "missed"],
        "integration" => {
            &["type", "name", "input", "integration", "event", "filter", "every", "every_seconds"]
        }
        "continuous" => &["type", "name", "input", "delay", "delay_seconds"],
        other => {
            kind.wrong(one_of(other, &NAMES));
            return None;
        }
    };
    let object = place.object(known)?;
    let kind = match kind_name {
        "manual" => TriggerKind::Manual,
        "webhook" => {
            TriggerKind::Webhook { signed: object.get("signed").and_then(|it| it.boolean()).unwrap_or(false) }
        }
        "cron" => read_cron(&object)?,
        "integration" => read_events(&object)?,
        _ => TriggerKind::Continuous { delay: read_duration(&object, "delay").unwrap_or_default() },
    };
    let name = object.get("name").and_then(|name| name.words(100));
    let uses = &place.notes.uses;
    let input = uses.within(Sees::Event, || object.get("input").map(|input| read_template(&input).0));
    let trigger = Trigger { name: name.unwrap_or(kind_name).to_owned(), kind, input };
    Some((trigger, name.is_some()))
}

fn read_cron(object: &Object<'_>) -> Option<TriggerKind> {
    let expression = object.require("cron", "five fields, such as \"0 9 * * mon-fri\"");
    let missed = object.get("missed").and_then(|missed| missed.named(&MissedFires::ALL, MissedFires::name));
    let zone = object.get("timezone");
    let timezone = zone.as_ref().map_or(Some("UTC"), |zone| zone.words(80))?;
    let expression = expression?;
    let text = expression.words(EXPRESSION_BYTES_MAX)?.trim();
    match (Schedule::new(text, timezone), zone) {
        (Ok(_), _) => {}
        (Err(problem @ InvalidSchedule::Timezone { .. }), Some(zone)) => {
            zone.wrong(format!("is not right: {problem}"));
        }
        (Err(problem), _) => expression.wrong(format!("is not right: {problem}")),
    }
    let (expression, timezone) = (text.to_owned(), timezone.to_owned());
    Some(TriggerKind::Cron { expression, timezone, missed: missed.unwrap_or(MissedFires::Once) })
}

fn read_events(object: &Object<'_>) -> Option<TriggerKind> {
    let integration = object.require("integration", "the name of a service, such as github");
    let event = object.require("event", "what happens there, such as issues.opened");
    if let Some(every) = object.either(["every", "every_seconds"]) {
        every.wrong("is not possible: services are not asked for news; leave it out and give the trigger's URL to the service");
    }
    let filter = object.get("filter");
    if let Some(filter) = filter.as_ref().filter(|filter| !filter.value.is_object()) {
        filter.wrong("must be an object of paths in the message's body, each with what must stand there");
    }
    Some(TriggerKind::Integration {
        integration: integration.and_then(|name| read_integration(&name))?,
        event: event.and_then(|event| event.words(200))?.to_owned(),
        filter: filter.map(|filter| Value::clone(filter.value)),
        every: Duration::from_secs(60),
    })
}
