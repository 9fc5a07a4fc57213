//! What templates read: whether it is there when they are filled in.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::template::Unreadable;
use super::super::{Expression, Template};
use super::place::{Notes, one_of};
use super::step::{Named, Steps};

/// What a template sees besides `input`, `run` and `event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sees {
    /// The steps before its own, and its own inputs.
    #[default]
    Step,
    /// The steps before its own.
    Inputs,
    /// As a step, and the step's output.
    Criterion,
    /// Every step.
    Whole,
    /// Nothing.
    Event,
}

/// Templates as they are read.
#[derive(Default)]
pub(super) struct Uses {
    sees: Cell<Sees>,
    all: std::cell::RefCell<Vec<Use>>,
}

/// One template.
struct Use {
    path: String,
    sees: Sees,
    /// The step that it belongs to.
    step: Option<String>,
    names: BTreeSet<String>,
}

impl Uses {
    /// Reads what is read within `reading` as something that sees this.
    pub(super) fn within<T>(&self, sees: Sees, reading: impl FnOnce() -> T) -> T {
        let before = self.sees.replace(sees);
        let read = reading();
        self.sees.set(before);
        read
    }

    pub(super) fn template(&self, notes: &Notes, path: &str, template: &Template) {
        self.note(notes, path, template.names());
    }

    pub(super) fn expression(&self, notes: &Notes, path: &str, expression: &Expression) {
        self.note(notes, path, expression.names());
    }

    fn note(&self, notes: &Notes, path: &str, names: Result<BTreeSet<String>, Unreadable>) {
        match names {
            Ok(names) if names.is_empty() => {}
            Ok(names) => {
                let use_ = Use { path: path.to_owned(), sees: self.sees.get(), step: None, names };
                self.all.borrow_mut().push(use_);
            }
            Err(Unreadable { path: within, message }) => {
                let within = within.strip_prefix('.').filter(|_| path.is_empty()).unwrap_or(&within);
                notes.add(&format!("{path}{within}"), format!("is no template: {message}"));
            }
        }
    }

    pub(super) fn mark(&self) -> usize {
        self.all.borrow().len()
    }

    /// Says that what was read since a mark and belongs to no step yet belongs to this one.
    pub(super) fn belong(&self, mark: usize, step: &str) {
        for one in self.all.borrow_mut().iter_mut().skip(mark).filter(|one| one.step.is_none()) {
            one.step = Some(step.to_owned());
        }
    }
}

/// Notes templates that read what is not there.
pub(super) fn check_names(steps: &Steps, input: Option<&Value>, notes: &Notes) {
    let house = House::new(steps);
    for one in notes.uses.all.borrow().iter() {
        for name in &one.names {
            if let Some(problem) = house.wrong(one, name, input) {
                notes.add(&one.path, problem);
            }
        }
    }
}

/// Where each step stands.
struct House<'a> {
    by_id: BTreeMap<&'a str, (&'a Named, usize, usize)>,
    lists: &'a [Vec<Named>],
}

impl<'a> House<'a> {
    fn new(steps: &'a Steps) -> Self {
        let by_id = steps.lists.iter().enumerate().flat_map(|(list, steps)| {
            steps.iter().enumerate().map(move |(at, step)| (step.id.as_str(), (step, list, at)))
        });
        Self { by_id: by_id.collect(), lists: &steps.lists }
    }

    fn step(&self, id: &str) -> Option<&'a Named> {
        self.by_id.get(id).map(|(step, _, _)| *step)
    }

    /// Returns the steps around one, itself first.
    fn around(&self, id: &str) -> Vec<&'a Named> {
        let next = |step: &&'a Named| self.step(step.within.as_deref()?);
        std::iter::successors(self.step(id), next).take(super::MAX_DEPTH + 1).collect()
    }

    /// Returns the steps of its list that are done before one.
    fn before(&self, id: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&'a str> = vec![id];
        while let Some((step, list, at)) = open.pop().and_then(|id| self.by_id.get(id)) {
            let needs: Vec<&str> = match &step.needs {
                Some(needs) => needs.iter().map(|(_, id)| id.as_str()).collect(),
                None => at.checked_sub(1).map(|at| self.lists[*list][at].id.as_str()).into_iter().collect(),
            };
            let in_list = |id: &&str| self.by_id.get(id).is_some_and(|(_, other, _)| other == list);
            open.extend(needs.into_iter().filter(in_list).filter(|id| found.insert(*id)));
        }
        found
    }

    fn wrong(&self, one: &Use, name: &str, input: Option<&Value>) -> Option<String> {
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let around = one.step.as_deref().map(|step| self.around(step)).unwrap_or_default();
        // What stands in a for-each itself is filled in before there is a thing.
        let loops = around.iter().skip(1).filter_map(|step| step.item.as_deref());
        match first {
            "event" => None,
            "run" | "input" if one.sees != Sees::Event => {
                (first == "input").then(|| missing_input(input, rest.first()?)).flatten()
            }
            "steps" if one.sees != Sees::Event => self.wrong_step(one, &rest),
            "inputs" if matches!(one.sees, Sees::Step | Sees::Criterion) => {
                let step = around.first()?;
                missing_of(rest.first()?, &step.inputs, "inputs of this step")
            }
            "output" if one.sees == Sees::Criterion => {
                let keys = around.first()?.keys.as_ref()?;
                missing_of(rest.first()?, keys, "outputs of this step")
            }
            "index" if loops.clone().next().is_some() => None,
            item if loops.clone().any(|name| name == item) => None,
            other => Some(unseen(other, one.sees, loops)),
        }
    }

    /// Says what is wrong with reading `steps.<id>.output.<name>`.
    fn wrong_step(&self, one: &Use, rest: &[&str]) -> Option<String> {
        let (id, rest) = rest.split_first()?;
        let Some(read) = self.step(id) else {
            let ids: Vec<&str> = self.by_id.keys().copied().take(20).collect();
            return Some(format!("reads steps.{id}, which is no step; it {}", one_of(id, &ids)));
        };
        let (part, rest) = rest.split_first()?;
        if *part != "output" {
            return Some(format!("reads steps.{id}.{part}; a step has an output alone: steps.{id}.output"));
        }
        let around = one.step.as_deref().map(|step| self.around(step)).unwrap_or_default();
        self.not_yet(one, id, &around).or_else(|| {
            let (key, keys) = (rest.first()?, read.keys.as_ref()?);
            missing_of(key, keys, &format!("outputs of the step {id}"))
        })
    }

    /// Says why a step's output is not there when a template is filled in.
    fn not_yet(&self, one: &Use, id: &str, around: &[&'a Named]) -> Option<String> {
        let read_around = self.around(id);
        // The part of the house that both stand in: a for-each around the read step alone hides it.
        let outer = |step: &&&Named| !around.iter().skip(1).any(|other| other.id == step.id);
        if let Some(each) = read_around.iter().skip(1).filter(outer).find(|step| step.item.is_some()) {
            return Some(format!(
                "reads steps.{id}.output, and {id} is done for each thing of {each}; read steps.{each}.output, the list",
                each = each.id
            ));
        }
        let step = match one.step.as_deref() {
            None => return None,
            Some(step) if step == id => {
                return Some(format!("reads steps.{id}.output, the output of the step itself"));
            }
            Some(step) => step,
        };
        let done = around.iter().any(|holder| {
            let before = self.before(&holder.id);
            read_around.iter().any(|read| before.contains(read.id.as_str()))
        });
        (!done).then(|| {
            format!("reads steps.{id}.output, and {id} is not done before {step}; name it in needs, or put it before")
        })
    }
}

fn missing_of(name: &str, names: &[String], of: &str) -> Option<String> {
    if names.iter().any(|known| known == name) {
        return None;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => Some(format!("reads {name}, and there are no {of}")),
        names => Some(format!("reads {name}, which is none of the {of}; it {}", one_of(name, names))),
    }
}

/// Says that what runs are given has no such part, where that is closed.
fn missing_input(schema: Option<&Value>, name: &str) -> Option<String> {
    let schema = schema.filter(|schema| schema.get("additionalProperties") == Some(&Value::Bool(false)))?;
    let names: Vec<String> = schema.get("properties")?.as_object()?.keys().cloned().collect();
    missing_of(name, &names, "properties of input_schema")
}

fn unseen<'a>(name: &str, sees: Sees, loops: impl Iterator<Item = &'a str>) -> String {
    let mut names = match sees {
        Sees::Step => vec!["input", "inputs", "steps", "event", "run"],
        Sees::Inputs | Sees::Whole => vec!["input", "steps", "event", "run"],
        Sees::Criterion => vec!["output", "input", "inputs", "steps", "event", "run"],
        Sees::Event => vec!["event"],
    };
    names.extend(loops);
    format!("reads {name}, which is not seen here; it {}", one_of(name, &names))
}

/// Returns the parts that an output has, where its schema says so.
pub(super) fn keys_of(schema: &Value) -> Option<Vec<String>> {
    let open = schema.get("additionalProperties").is_some_and(|more| *more != Value::Bool(false));
    let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
    let properties = schema.get("properties")?.as_object()?;
    (is_object && !open).then(|| properties.keys().cloned().collect())
}
