//! A workflow, prepared for its runs: every step is found by its name, with the list it stands in and what it needs.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::Value;

use super::StepKey;
use crate::event::Problem;
use crate::workflow::{Step, StepId, StepKind, Workflow};

/// Problems that another try would only have again.
const FINAL: [&str; 14] = [
    "template_failed",
    "refused",
    "form_expired",
    "called_off",
    "approval_refused",
    "blocked",
    "run_budget_exceeded",
    "budget_exceeded",
    "no_list",
    "no_time",
    // Somebody wanted it to stop.
    "turn_cancelled",
    "agent_stopped",
    // The step did what it does; only what judges it is missing.
    "judge_failed",
    "run_too_large",
];

/// A workflow, prepared for its runs.
#[derive(Debug)]
pub struct Plan {
    workflow: Workflow,
    nodes: Vec<Node>,
    lists: Vec<Vec<usize>>,
    by_id: HashMap<StepId, usize>,
}

/// One step of a plan.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) step: Step,
    /// The steps of its list that it needs.
    pub(super) needs: Vec<usize>,
    /// The step within which it stands, and in which of that step's lists; `None` for the outermost.
    pub(super) within: Option<(usize, usize)>,
    /// The for-each steps around it, outermost first.
    pub(super) loops: Vec<usize>,
    /// The lists within it.
    pub(super) lists: Vec<usize>,
}

/// The outermost list.
pub(super) const ROOT: usize = 0;

/// A step of a run, by its place in the plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) node: usize,
    pub(super) places: Vec<u32>,
}

impl Plan {
    /// Prepares a workflow. A need that names no step of the same list is left out: reading a configuration refuses it.
    pub fn new(workflow: Workflow) -> Self {
        let mut plan = Self { nodes: Vec::new(), lists: vec![Vec::new()], by_id: HashMap::new(), workflow };
        let steps = plan.workflow.steps.clone();
        plan.add(&steps, ROOT, None, &[]);
        plan
    }

    /// Returns the workflow.
    pub const fn workflow(&self) -> &Workflow {
        &self.workflow
    }

    /// Returns the step that a name or key means, wherever it stands.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.by_id.get(id).map(|node| &self.nodes[*node].step)
    }

    /// Returns every step in the order of the configuration, with whether it stands within a for-each.
    pub fn steps(&self) -> impl Iterator<Item = (&Step, bool)> {
        self.nodes.iter().map(|node| (&node.step, !node.loops.is_empty()))
    }

    /// Returns the step of the outermost list within which a step stands; itself, for one of them.
    pub fn outermost(&self, id: &StepId) -> Option<&StepId> {
        let mut node = *self.by_id.get(id)?;
        while let Some((around, _)) = self.nodes[node].within {
            node = around;
        }
        Some(&self.nodes[node].step.id)
    }

    /// Returns the steps of the outermost list that have to be done again when one of them is: itself and all that
    /// need it, directly or not.
    pub fn after(&self, id: &StepId) -> Vec<StepId> {
        let Some(first) = self.by_id.get(id) else { return Vec::new() };
        let mut again = vec![*first];
        // Needs may name later steps, so one pass is not enough.
        loop {
            let more = |node: &&usize| {
                !again.contains(node) && self.nodes[**node].needs.iter().any(|need| again.contains(need))
            };
            let Some(node) = self.lists[ROOT].iter().find(more) else { break };
            again.push(*node);
        }
        again.into_iter().map(|node| self.nodes[node].step.id.clone()).collect()
    }

    /// Returns when a try that failed is followed by another; `None` if it is not.
    pub fn retry_at(
        &self,
        step: &StepId,
        attempt: u32,
        problem: &Problem,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let step = self.step(step)?;
        let is_container = !step.lists().is_empty();
        if attempt >= step.retry.attempts || is_container || FINAL.contains(&problem.code.as_str()) {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(31);
        let delay = step.retry.delay.saturating_mul(1 << doublings).min(step.retry.max_delay);
        Some(later(now, delay))
    }

    pub(super) fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn list(&self, index: usize) -> &[usize] {
        &self.lists[index]
    }

    /// Returns a step's place, if there is such a step and it stands within as many for-eachs.
    pub(super) fn key(&self, key: &StepKey) -> Option<Key> {
        let node = *self.by_id.get(&key.step)?;
        (self.nodes[node].loops.len() == key.places.len()).then(|| Key { node, places: key.places.clone() })
    }

    pub(super) fn name(&self, key: &Key) -> StepKey {
        StepKey { step: self.nodes[key.node].step.id.clone(), places: key.places.clone() }
    }

    fn add(&mut self, steps: &[Step], list: usize, within: Option<(usize, usize)>, loops: &[usize]) {
        let mut members: Vec<usize> = Vec::new();
        for step in steps {
            let node = self.nodes.len();
            self.by_id.insert(step.id.clone(), node);
            members.push(node);
            let (step, loops) = (step.clone(), loops.to_vec());
            self.nodes.push(Node { step, needs: Vec::new(), within, loops, lists: Vec::new() });
            self.add_within(node);
        }
        for (place, node) in members.iter().enumerate() {
            let needs = match &self.nodes[*node].step.needs {
                None => place.checked_sub(1).map(|before| members[before]).into_iter().collect(),
                Some(ids) => {
                    let found = ids.iter().filter_map(|id| self.by_id.get(id).copied());
                    found.filter(|need| members.contains(need)).collect()
                }
            };
            self.nodes[*node].needs = needs;
        }
        self.lists[list] = members;
    }

    fn add_within(&mut self, node: usize) {
        let step = self.nodes[node].step.clone();
        let mut loops = self.nodes[node].loops.clone();
        if matches!(step.kind, StepKind::ForEach { .. }) {
            loops.push(node);
        }
        for (place, steps) in step.lists().into_iter().enumerate() {
            let list = self.lists.len();
            self.lists.push(Vec::new());
            self.nodes[node].lists.push(list);
            self.add(steps, list, Some((node, place)), &loops);
        }
    }
}

/// Returns a time and a duration after it, within what can be told.
pub(super) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Reads until when a step waits: a number of seconds, a duration (`PT2H`, `90s`, `2 days`) or an instant of RFC 3339.
///
/// # Errors
///
/// A problem `no_time` that names what was given.
pub fn until(given: &Value, now: Timestamp) -> Result<Timestamp, Problem> {
    let read = match given {
        Value::Number(seconds) => seconds
            .as_f64()
            .filter(|seconds| seconds.is_finite())
            .map(|seconds| SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX)),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(instant) = text.parse::<Timestamp>() {
                return Ok(instant);
            }
            if let Ok(seconds) = text.parse::<f64>() {
                return until(&seconds.into(), now);
            }
            let span = text.parse::<Span>().ok();
            span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let Some(duration) = read else {
        let given: String = given.to_string().chars().take(80).collect();
        return Err(Problem {
            code: "no_time".to_owned(),
            message: format!(
                "{given} is no time to wait: write seconds, a duration such as `90s`, `PT2H` or `2 days`, or an \
                 instant such as `2026-11-30T12:00:00Z`"
            ),
        });
    };
    Ok(now.checked_add(duration).unwrap_or(Timestamp::MAX))
}
