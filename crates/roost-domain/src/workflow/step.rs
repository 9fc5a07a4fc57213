use std::time::Duration;

use serde_json::Value;

use super::{Expression, Field, StepId, Template, Templates};
use crate::model::ModelName;

/// One step of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name in templates.
    pub id: StepId,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub kind: StepKind,
    /// What it works with, by name; templates of the step see them as `inputs.<name>`.
    pub inputs: Templates,
    /// What it comes to, as JSON Schema; `None` promises nothing. The output of a step that generates text is read as
    /// JSON where this is of another type than `string`.
    pub output: Option<Value>,
    /// What has to be true of its output.
    pub success: Vec<Criterion>,
    /// The steps of the same list that it needs; `None` is the one before it.
    pub needs: Option<Vec<StepId>>,
    /// How often it is tried.
    pub retry: Retry,
    /// How long one try may take.
    pub timeout: Option<Duration>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// The agent's model writes a text, with the agent's tools at hand.
    GenerateText {
        /// What it is told.
        prompt: Template,
        /// Another model than the agent's.
        model: Option<ModelName>,
        /// The tools that it may use, by name; `None` is all that the agent has.
        tools: Option<Vec<String>>,
    },
    /// The agent's model makes something for people to look at.
    GenerateArtifact {
        /// What it is told.
        prompt: Template,
        /// Another model than the agent's.
        model: Option<ModelName>,
        /// What it makes.
        kind: ArtifactKind,
        /// What the artifact is called; versions of one agent have the same name.
        title: Template,
    },
    /// A person fills in a form.
    Form(Form),
    /// One tool is used, without a model.
    Tool {
        /// The tool's name, as models know it.
        tool: String,
        /// Its arguments.
        arguments: Template,
    },
    /// One HTTP request is sent.
    Http {
        /// The method, in upper case.
        method: String,
        /// The whole URL.
        url: Template,
        /// Headers by name.
        headers: Templates,
        /// The body: a text as it is, anything else as JSON.
        body: Option<Template>,
    },
    /// Another agent of the swarm does something.
    Agent {
        /// The other agent, by name or id.
        agent: Template,
        /// What it is to do.
        task: Template,
    },
    /// The steps of the first case that holds are done.
    Branch {
        /// The cases, in order.
        cases: Vec<Case>,
        /// What is done if none holds.
        otherwise: Vec<Step>,
    },
    /// Steps are done for each of several things. Its output is the list of the last steps' outputs, in order.
    ForEach {
        /// The list.
        items: Template,
        /// The name under which templates of the steps see the thing; its place, from 0, is `index`.
        item: String,
        /// How many things are worked on at once, 1 or more.
        at_once: u32,
        /// What is done for each.
        steps: Vec<Step>,
    },
    /// Several lists of steps are done side by side. Its output is the list of their last steps' outputs.
    Parallel {
        /// The lists.
        branches: Vec<Vec<Step>>,
    },
    /// Time goes by.
    Wait {
        /// How long, or until when: a number of seconds, a duration (`PT2H`, `90s`, `2 days`) or an instant of RFC 3339.
        until: Template,
    },
    /// A person says yes or no. No is a failure of the step.
    Approve {
        /// What is asked.
        question: Template,
        /// How long people have; `None` is as long as the run may take.
        expires_after: Option<Duration>,
    },
}

/// What a step that makes something makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArtifactKind {
    /// A page.
    Html,
    /// A script, shown on an empty page.
    JavaScript,
}

impl ArtifactKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Html, Self::JavaScript];

    /// Returns its name in configurations, on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::JavaScript => "javascript",
        }
    }
}

/// A form, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What stands above it.
    pub title: Template,
    /// What is explained.
    pub description: Option<Template>,
    /// What is asked, at least one.
    pub fields: Vec<Field>,
    /// How long people have; `None` is as long as the run may take.
    pub expires_after: Option<Duration>,
}

/// One case of a branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What has to be true.
    pub when: Expression,
    /// What is done then.
    pub steps: Vec<Step>,
}

/// Something that has to be true of a step's output.
#[derive(Debug, Clone, PartialEq)]
pub enum Criterion {
    /// An expression over `output`, and whatever the step's templates see.
    Assert(Expression),
    /// The output keeps to a JSON Schema.
    Schema(Value),
    /// A model judges it: a sentence that says when the output is good.
    Judged(Template),
}

/// How often a step is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all, 1 to 20.
    pub attempts: u32,
    /// How long to wait before the second try; twice as long before each that follows.
    pub delay: Duration,
    /// The longest such wait.
    pub max_delay: Duration,
    /// Whether the configuration says so: what may act on the world twice is done again only where it was asked for.
    pub is_written: bool,
}

impl Default for Retry {
    /// Three tries, after 1 s and 2 s.
    fn default() -> Self {
        Self {
            attempts: 3,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(300),
            is_written: false,
        }
    }
}

impl Retry {
    /// Returns how often a step is tried whose configuration does not say: once, where another try may act on the world
    /// a second time.
    pub fn usual(kind: &StepKind) -> Self {
        if kind.may_act_twice() { Self { attempts: 1, ..Self::default() } } else { Self::default() }
    }
}

impl Step {
    /// Returns the lists of steps within it, with what each is called in paths of the configuration.
    pub fn lists(&self) -> Vec<&[Step]> {
        match &self.kind {
            StepKind::Branch { cases, otherwise } => {
                cases.iter().map(|case| case.steps.as_slice()).chain([otherwise.as_slice()]).collect()
            }
            StepKind::ForEach { steps, .. } => vec![steps],
            StepKind::Parallel { branches } => branches.iter().map(Vec::as_slice).collect(),
            StepKind::GenerateText { .. }
            | StepKind::GenerateArtifact { .. }
            | StepKind::Form(_)
            | StepKind::Tool { .. }
            | StepKind::Http { .. }
            | StepKind::Agent { .. }
            | StepKind::Wait { .. }
            | StepKind::Approve { .. } => Vec::new(),
        }
    }
}

impl StepKind {
    /// Tells whether doing it twice may be more than doing it once, as far as its configuration says.
    pub fn may_act_twice(&self) -> bool {
        match self {
            Self::Tool { .. } | Self::Agent { .. } => true,
            Self::Http { method, .. } => !matches!(method.as_str(), "GET" | "HEAD"),
            Self::GenerateText { .. }
            | Self::GenerateArtifact { .. }
            | Self::Form(_)
            | Self::Branch { .. }
            | Self::ForEach { .. }
            | Self::Parallel { .. }
            | Self::Wait { .. }
            | Self::Approve { .. } => false,
        }
    }

    /// Returns its name in configurations and on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::GenerateText { .. } => "generate-text",
            Self::GenerateArtifact { .. } => "generate-artifact",
            Self::Form(_) => "form",
            Self::Tool { .. } => "tool",
            Self::Http { .. } => "http",
            Self::Agent { .. } => "agent",
            Self::Branch { .. } => "branch",
            Self::ForEach { .. } => "for-each",
            Self::Parallel { .. } => "parallel",
            Self::Wait { .. } => "wait",
            Self::Approve { .. } => "approve",
        }
    }
}
