//! Workflows: what an agent does step by step, and what starts it.
//!
//! A workflow is read from its configuration once and for all ([`Workflow`]); a run keeps to the version that it began
//! with. What happens in a run is [`crate::run`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::unit::MicroUsd;

mod answer;
mod fault;
mod form;
mod read;
mod step;
mod template;
mod trigger;

pub use answer::{FileAnswer, check_answers, read_page};
pub use fault::{Fault, Faults};
pub use form::{Choice, Field, FieldKind};
pub use read::{Configuration, MAX_BYTES, MAX_DEPTH, MAX_STEPS};
pub use step::{ArtifactKind, Case, Criterion, Form, Retry, Step, StepKind};
pub use template::{Scope, Unreadable};
pub use trigger::{MissedFires, Trigger, TriggerKind};

/// What an agent does step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// What starts it.
    pub triggers: Vec<Trigger>,
    /// What is done, in order. Within one list a step begins when those that it needs are done: the one before it,
    /// unless it says otherwise.
    pub steps: Vec<Step>,
    /// The services that it uses, by their names in the catalog. An agent is ready when it is connected to all.
    pub integrations: Vec<String>,
    /// JSON Schema of what a run is given; `None` takes anything.
    pub input: Option<Value>,
    /// What a run comes to, as a template; `None` is the output of the last step.
    pub output: Option<Template>,
    /// What bounds its runs.
    pub bounds: Bounds,
}

/// What bounds the runs of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// What one run may spend on models.
    pub budget: Option<MicroUsd>,
    /// How long one run may take, waiting for people included.
    pub timeout: Option<Duration>,
    /// How many runs may be under way at once; those that come later wait. `None` is as many as the server lets.
    pub concurrency: Option<u32>,
}

/// Names a step within its workflow: `[a-z][a-z0-9_]{0,62}`, the same over all nested lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A JSON value whose texts are templates. A text that is one expression alone (`{{ steps.list.output }}`) becomes the
/// value of the expression, of whatever type; any other text stays a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(pub Value);

/// Templates by name.
pub type Templates = BTreeMap<String, Template>;

/// An expression in the language of templates, without braces: `steps.score.output > 7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression(pub String);
