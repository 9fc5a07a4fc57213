//! What a workflow cannot ask of an agent whose program is not the server's own.

use roost_domain::agent::Agent;
use roost_domain::workflow::{Configuration, Step, StepKind};

use super::put::invalid_workflow;
use crate::Error;

/// Refuses what a hosted runtime does not do: it calls models and tools by itself, so nobody could hold it to a budget,
/// a model or a choice of tools.
pub(super) fn check_runtime(agent: &Agent, read: &Configuration) -> Result<(), Error> {
    if !agent.runtime.is_hosted() {
        return Ok(());
    }
    let mut wrong = Vec::new();
    let refuse = |wrong: &mut Vec<String>, field: &str| {
        let runtime = agent.runtime;
        wrong.push(format!(
            "{field} does nothing with the runtime {runtime}, which works by itself; leave it out"
        ));
    };
    if read.workflow.bounds.budget.is_some() {
        refuse(&mut wrong, "budget_usd");
    }
    confined(&read.workflow.steps, &mut |field| refuse(&mut wrong, field));
    if wrong.is_empty() { Ok(()) } else { Err(invalid_workflow(wrong.join("\n"))) }
}

/// Names the fields of steps that say how a turn is to be done.
fn confined(steps: &[Step], refuse: &mut impl FnMut(&str)) {
    for step in steps {
        let (model, tools) = match &step.kind {
            StepKind::GenerateText { model, tools, .. } => (model.is_some(), tools.is_some()),
            StepKind::GenerateArtifact { model, .. } => (model.is_some(), false),
            StepKind::Form(_)
            | StepKind::Tool { .. }
            | StepKind::Http { .. }
            | StepKind::Agent { .. }
            | StepKind::Branch { .. }
            | StepKind::ForEach { .. }
            | StepKind::Parallel { .. }
            | StepKind::Wait { .. }
            | StepKind::Approve { .. } => (false, false),
        };
        for (field, is_given) in [("model", model), ("tools", tools)] {
            if is_given {
                refuse(&format!("{field} of the step {}", step.id));
            }
        }
        step.lists().into_iter().for_each(|steps| confined(steps, refuse));
    }
}
