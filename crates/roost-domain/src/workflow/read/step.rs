use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::{Criterion, Retry, Step, StepId, StepKind, Template, Templates};
use super::kind;
use super::names::{Sees, keys_of};
use super::place::{Object, Place, one_of};
use super::trigger::free;
use super::{
    MAX_DEPTH, MAX_STEPS, read_duration, read_expression, read_integrations, read_schema, read_template,
    read_words, whole,
};

/// The keys of every step.
const COMMON: [&str; 12] = [
    "id",
    "name",
    "description",
    "type",
    "inputs",
    "outputs",
    "success_criteria",
    "needs",
    "retry",
    "timeout",
    "timeout_seconds",
    "integrations",
];

/// The steps of a configuration, while they are read.
#[derive(Default)]
pub(super) struct Steps {
    /// How many there are.
    count: usize,
    /// The ids that are given, wherever; made ones keep out of their way.
    given: BTreeSet<String>,
    /// Ids in use.
    taken: BTreeSet<String>,
    /// Every list, with what orders it.
    pub(super) lists: Vec<Vec<Named>>,
    /// Services that steps name.
    pub(super) integrations: Vec<String>,
    /// What steps so far promise: the step and the name of an output.
    promised: Vec<(String, Option<String>)>,
    /// The steps around what is being read, outermost first, each with the thing's name if it is a for-each.
    around: Vec<(String, Option<String>)>,
}

/// A step with what it needs.
pub(super) struct Named {
    pub(super) id: String,
    /// Each with where it is written.
    pub(super) needs: Option<Vec<(String, String)>>,
    /// The step in whose lists it is.
    pub(super) within: Option<String>,
    /// The name of the thing, of a for-each.
    pub(super) item: Option<String>,
    /// The names of its inputs.
    pub(super) inputs: Vec<String>,
    /// The parts of its output, where they are known.
    pub(super) keys: Option<Vec<String>>,
}

impl Steps {
    /// Reads a list of steps.
    pub(super) fn read_list(&mut self, list: &Place<'_>, depth: usize) -> Vec<Step> {
        if depth == 1 {
            collect_ids(list.value, &mut self.given);
        }
        if depth > MAX_DEPTH {
            list.wrong(format!("is a list of steps within {depth} others; at most {MAX_DEPTH} are allowed"));
            return Vec::new();
        }
        let places = list.list(MAX_STEPS);
        if list.value.as_array().is_some_and(Vec::is_empty) {
            list.wrong("must have at least one step");
        }
        self.count += places.len();
        if self.count > MAX_STEPS {
            list.wrong(format!("makes {} steps in all; at most {MAX_STEPS} are allowed", self.count));
            return Vec::new();
        }
        let mut named = Vec::new();
        let steps = places.iter().filter_map(|place| self.read(place, depth, &mut named)).collect();
        self.lists.push(named);
        steps
    }

    fn read(&mut self, place: &Place<'_>, depth: usize, named: &mut Vec<Named>) -> Option<Step> {
        let entries = place.entries()?;
        let Some(kind_place) = entries.get("type") else {
            entries.missing("type", &format!("one of {}", kind::NAMES.join(", ")));
            self.name(&entries, "step", named);
            return None;
        };
        let kind_name = kind_place.text(80)?;
        let id = self.name(&entries, kind_name, named);
        let Some(own) = kind::keys(kind_name) else {
            kind_place.wrong(one_of(kind_name, &kind::NAMES));
            return None;
        };
        let object = place.object(&[&COMMON, own].concat())?;
        let name = object.get("name").and_then(|name| name.words(200)).unwrap_or(&id).to_owned();
        object.get("description").and_then(|text| text.text(2_000));
        let uses = &place.notes.uses;
        let mark = uses.mark();
        let inputs = object.get("inputs");
        let inputs = uses.within(Sees::Inputs, || inputs.map(|inputs| self.read_inputs(&inputs)));
        let names = inputs.as_ref().map(|inputs| inputs.keys().cloned().collect::<Vec<_>>());
        let inputs = inputs.unwrap_or_default();
        let output = object.get("outputs").and_then(|outputs| read_outputs(&outputs));
        let success = object.get("success_criteria");
        let success = uses.within(Sees::Criterion, || success.map(|list| read_criteria(&list)));
        if let Some(list) = object.get("integrations") {
            self.integrations.extend(read_integrations(&list));
        }
        let retry = object.get("retry").map(|retry| read_retry(&retry));
        let timeout = read_duration(&object, "timeout");
        self.around.push((id.clone(), None));
        let kind = kind::read(self, kind_name, &object, &name, depth);
        let kind = kind.map(|kind| kind::informed(kind, names.as_deref(), &before(named, &id)));
        let item = self.around.pop().and_then(|(_, item)| item);
        uses.belong(mark, &id);
        self.promise(&id, output.as_ref());
        let mut needs = None;
        if let Some(step) = named.iter_mut().find(|step| step.id == id) {
            step.item = item;
            step.inputs = inputs.keys().cloned().collect();
            step.keys = match &kind {
                Some(StepKind::Form(form)) => {
                    Some(form.fields.iter().map(|field| field.name.clone()).collect())
                }
                _ => output.as_ref().and_then(keys_of),
            };
            let ids =
                |needs: &Vec<(String, String)>| needs.iter().map(|(_, id)| StepId(id.clone())).collect();
            needs = step.needs.as_ref().map(ids);
        }
        let (id, success, kind) = (StepId(id), success.unwrap_or_default(), kind?);
        let retry = retry.unwrap_or_else(|| Some(Retry::usual(&kind)))?;
        Some(Step { id, name, kind, inputs, output, success, needs, retry, timeout })
    }

    /// Says that what is being read is done for each thing of a list.
    pub(super) fn loops_over(&mut self, item: &str) {
        if let Some((_, loops)) = self.around.last_mut() {
            *loops = Some(item.to_owned());
        }
    }

    /// Gives a step its id and notes what it needs, so that others that name it are not wrong if it is.
    fn name(&mut self, entries: &Object<'_>, kind: &str, named: &mut Vec<Named>) -> String {
        let id = entries.get("id").and_then(|id| self.given_id(&id));
        let id = id.unwrap_or_else(|| {
            let name = entries.get("name").and_then(|name| name.value.as_str());
            free(&id_of(name.unwrap_or(kind)), |id| self.taken.contains(id) || self.given.contains(id))
        });
        self.taken.insert(id.clone());
        let needs = entries.get("needs").map(|list| {
            let list = list.list(MAX_STEPS).into_iter();
            list.filter_map(|place| Some((place.path.clone(), place.text(63)?.to_owned()))).collect()
        });
        let within = self.around.last().map(|(id, _)| id.clone());
        named.push(Named { id: id.clone(), needs, within, item: None, inputs: Vec::new(), keys: None });
        id
    }

    fn given_id(&self, place: &Place<'_>) -> Option<String> {
        let text = place.text(63)?;
        let good = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !good {
            let like = id_of(text);
            place.wrong(format!(
                "must begin with a lower-case letter and hold lower-case letters, digits and _ only, such as {like}"
            ));
            return None;
        }
        if self.taken.contains(text) {
            place
                .wrong(format!("is {text}, as another step's is; ids are different, within other steps too"));
            return None;
        }
        Some(text.to_owned())
    }

    /// Reads what a step works with: templates by name, or names alone. A name alone is an earlier step, or the
    /// latest earlier output of that name, or else something that the run is given.
    fn read_inputs(&self, place: &Place<'_>) -> Templates {
        if let Value::Array(_) = place.value {
            let names = place.list(100).into_iter().filter_map(|place| Some((read_variable(&place)?, place)));
            return names
                .map(|(name, place)| {
                    let meant = self.meant(&name);
                    place.notes.uses.template(place.notes, &place.path, &meant);
                    (name, meant)
                })
                .collect();
        }
        let Some(object) = place.entries() else { return Templates::new() };
        let mut inputs = Templates::new();
        for (name, value) in object.each().take(100) {
            if is_variable(name) {
                inputs.insert(name.to_owned(), read_template(&value));
            } else {
                value.wrong("must have a name of letters, digits and _ that begins with a letter");
            }
        }
        inputs
    }

    fn meant(&self, name: &str) -> Template {
        let step = self.promised.iter().rev().find(|(step, output)| step == name && output.is_none());
        let output = self.promised.iter().rev().find(|(_, output)| output.as_deref() == Some(name));
        Template(match (step, output) {
            (Some((step, _)), _) => format!("{{{{ steps.{step}.output }}}}").into(),
            (None, Some((step, _))) => format!("{{{{ steps.{step}.output.{name} }}}}").into(),
            (None, None) => format!("{{{{ input.{name} }}}}").into(),
        })
    }

    fn promise(&mut self, id: &str, output: Option<&Value>) {
        self.promised.push((id.to_owned(), None));
        let properties = output.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let names = properties.into_iter().flat_map(serde_json::Map::keys).filter(|name| is_variable(name));
        self.promised.extend(names.map(|name| (id.to_owned(), Some(name.clone()))));
    }
}

/// Returns the steps that a step of a list comes right after.
fn before(named: &[Named], id: &str) -> Vec<String> {
    let Some(at) = named.iter().position(|step| step.id == id) else { return Vec::new() };
    match &named[at].needs {
        Some(needs) => needs.iter().map(|(_, id)| id.clone()).collect(),
        None => at.checked_sub(1).map(|at| named[at].id.clone()).into_iter().collect(),
    }
}

/// Collects the ids that are given in a configuration, so that a made one is never one that comes later.
fn collect_ids(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(id)) = map.get("id") {
                ids.insert(id.clone());
            }
            map.values().for_each(|value| collect_ids(value, ids));
        }
        Value::Array(list) => list.iter().for_each(|value| collect_ids(value, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Makes an id of a name: `Ask the customer!` is `ask_the_customer`.
fn id_of(name: &str) -> String {
    let mut id = String::new();
    for letter in name.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            id.push(letter);
        } else if !id.is_empty() && !id.ends_with('_') {
            id.push('_');
        }
    }
    id.truncate(50);
    let id = id.trim_end_matches('_');
    match id.bytes().next() {
        Some(first) if first.is_ascii_lowercase() => id.to_owned(),
        Some(_) => format!("step_{id}"),
        None => "step".to_owned(),
    }
}

pub(super) fn is_variable(name: &str) -> bool {
    name.len() <= 63
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(super) fn read_variable(place: &Place<'_>) -> Option<String> {
    let text = place.text(63)?;
    if !is_variable(text) {
        place.wrong("must be a name of letters, digits and _ that begins with a letter");
        return None;
    }
    Some(text.to_owned())
}

/// Reads what a step comes to: JSON Schema, or the names of its parts.
fn read_outputs(place: &Place<'_>) -> Option<Value> {
    if !place.value.is_array() {
        return read_schema(place);
    }
    let names: Vec<String> = place.list(100).into_iter().filter_map(|name| read_variable(&name)).collect();
    let properties: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!({}))).collect();
    (!names.is_empty()).then(|| json!({"type": "object", "properties": properties, "required": names}))
}

/// Reads criteria, each a sentence that a model judges by, or `{assert}`, `{schema}`, `{judge}`.
fn read_criteria(list: &Place<'_>) -> Vec<Criterion> {
    let one = [list.clone()];
    let places = if list.value.is_array() { list.list(20) } else { one.into() };
    places.iter().filter_map(read_criterion).collect()
}

fn read_criterion(place: &Place<'_>) -> Option<Criterion> {
    if let Value::String(_) = place.value {
        return read_words(place).map(Criterion::Judged);
    }
    let object = place.object(&["assert", "schema", "judge"])?;
    let found = (object.get("assert"), object.get("schema"), object.get("judge"));
    match found {
        (Some(assert), None, None) => read_expression(&assert).map(Criterion::Assert),
        (None, Some(schema), None) => read_schema(&schema).map(Criterion::Schema),
        (None, None, Some(judge)) => read_words(&judge).map(Criterion::Judged),
        _ => {
            place.wrong(
                "must be a sentence to judge by, or have exactly one of assert (an expression such as \
                 output.total > 0), schema (JSON Schema) and judge",
            );
            None
        }
    }
}

fn read_retry(place: &Place<'_>) -> Option<Retry> {
    const MOST: Duration = Duration::from_secs(86_400);
    const KEYS: [&str; 5] = ["attempts", "delay", "delay_seconds", "max_delay", "max_delay_seconds"];
    let usual = Retry::default();
    let object = place.object(&KEYS)?;
    let delay = |key: &str, seconds: &str, usual| {
        object.either([key, seconds]).map_or(Some(usual), |delay| delay.duration(Duration::ZERO, MOST))
    };
    let attempts = object.get("attempts").map_or(Some(usual.attempts), |many| whole(&many, 1, 20));
    let first = delay("delay", "delay_seconds", usual.delay);
    let most = delay("max_delay", "max_delay_seconds", usual.max_delay.max(first.unwrap_or_default()));
    Some(Retry { attempts: attempts?, delay: first?, max_delay: most?, is_written: true })
}
