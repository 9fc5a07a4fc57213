//! What comes of a turn that does a step, in the transaction in which the turn ends.

use std::collections::HashSet;

use jiff::Timestamp;
use roost_domain::agent::{Agent, State as AgentState};
use roost_domain::approval::Verdict;
use roost_domain::artifact;
use roost_domain::event::{Body, Ending, Problem, TurnEvent};
use roost_domain::id::RunId;
use roost_domain::model::Usage;
use roost_domain::run::{RunEvent, StepKey};
use roost_domain::tool::{ToolCallId, ToolOutcome, ToolStatus};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_domain::workflow::{ArtifactKind, Step, StepKind};
use roost_ports::store::{OfRun, Reader, Turn, Writer};
use serde_json::{Value, json};

use super::criteria::{unfenced, verdict};
use crate::artifacts::{NewArtifact, keep};
use crate::{Core, Error};

/// Gives the run of a turn what came of it, now that it is over.
pub(crate) fn outcome(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    turn: &Turn,
    now: Timestamp,
) -> Result<(), Error> {
    let (Some(of), None) = (&turn.run, &turn.caller) else { return Ok(()) };
    let Some(kept) = writer.run_of_any_account(of.run)? else { return Ok(()) };
    if kept.run.status.is_over() {
        return Ok(());
    }
    let plan = core.plans.get(writer, kept.run.agent, kept.run.version)?;
    let Some(step) = plan.step(&of.step.step) else { return Ok(()) };
    let said = Said::read(writer, turn)?;
    let (cost, usage, may_have_acted) = (said.cost, said.usage, said.may_have_acted());
    let was_called_off = matches!(said.ending, Some(Ending::Cancelled) | None);
    let event = match of.criterion {
        Some(criterion) => match unjudged(&said) {
            None => {
                let (passes, reason) = verdict(&said.text);
                RunEvent::Judged { step: of.step.clone(), criterion, passes, reason, cost, usage }
            }
            // What the step did was not found wanting, so it is not done again.
            Some(problem) => {
                let (step, attempt) = (of.step.clone(), of.attempt);
                RunEvent::StepFailed { step, attempt, problem, retry_at: None, cost, usage }
            }
        },
        None => match came_to(core, writer, (agent, turn), (of, step), said, now)? {
            Ok(output) => {
                let tainted = writer.session_taint(turn.session)?.is_some();
                succeeded(of, step, output, (cost, usage), tainted)
            }
            Err(problem) => {
                let may_again = step.retry.is_written || !may_have_acted;
                let retry_at = plan.retry_at(&step.id, of.attempt, &problem, now).filter(|_| may_again);
                let (step, attempt) = (of.step.clone(), of.attempt);
                RunEvent::StepFailed { step, attempt, problem, retry_at, cost, usage }
            }
        },
    };
    let mut events = vec![event];
    // The run is not a failure of the step, which is not done again either.
    if was_called_off && agent.state == AgentState::Stopped {
        events.insert(0, RunEvent::CancelRequested { by: "the agent was stopped".to_owned() });
    }
    writer.append_run(of.run, now, &events)?;
    writer.wake_run(of.run, now)?;
    Ok(())
}

/// Returns why a judge said nothing, if it did not.
fn unjudged(said: &Said) -> Option<Problem> {
    let why = match &said.ending {
        Some(Ending::Answered) => return None,
        Some(Ending::Failed(problem)) => problem.message.as_str(),
        Some(Ending::Cancelled) | None => "the judge was called off",
    };
    Some(problem("judge_failed", format!("No judge could be asked about what the step came to: {why}")))
}

fn succeeded(
    of: &OfRun,
    step: &Step,
    output: Value,
    (cost, usage): (MicroUsd, Usage),
    tainted: bool,
) -> RunEvent {
    let (name, attempt) = (of.step.clone(), of.attempt);
    if step.success.is_empty() && step.output.is_none() {
        RunEvent::StepSucceeded { step: name, output, cost, usage, tainted }
    } else {
        RunEvent::Produced { step: name, attempt, output, cost, usage, tainted }
    }
}

/// Returns what a turn that did a step came to.
fn came_to(
    core: &Core,
    writer: &mut dyn Writer,
    (agent, turn): (&Agent, &Turn),
    (of, step): (&OfRun, &Step),
    said: Said,
    now: Timestamp,
) -> Result<Result<Value, Problem>, Error> {
    match said.ending {
        Some(Ending::Answered) => {}
        Some(Ending::Failed(problem)) => return Ok(Err(problem)),
        Some(Ending::Cancelled) | None => return Ok(Err(cancelled(agent, turn, step, now))),
    }
    Ok(match &step.kind {
        StepKind::GenerateArtifact { kind, .. } => {
            return artifact(core, writer, agent, (of.run, &of.step), (*kind, said), now);
        }
        StepKind::Tool { .. } | StepKind::Agent { .. } => said.used().and_then(|text| read(step, text)),
        StepKind::Http { .. } => said.used().and_then(|text| answered(&text)),
        StepKind::GenerateText { .. }
        | StepKind::Form(_)
        | StepKind::Branch { .. }
        | StepKind::ForEach { .. }
        | StepKind::Parallel { .. }
        | StepKind::Wait { .. }
        | StepKind::Approve { .. } => read(step, said.text),
    })
}

/// Reads a text as what the step promises.
fn read(step: &Step, text: String) -> Result<Value, Problem> {
    if !step.is_json() {
        return Ok(Value::String(text));
    }
    serde_json::from_str(unfenced(&text)).map_err(|error| {
        let message = format!("The output is to be JSON, and it is none: {error}");
        problem("output_not_json", message)
    })
}

/// Reads what the tool for requests tells of an answer: notes, the status, headers, an empty line, the body.
fn answered(text: &str) -> Result<Value, Problem> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut status = 0_u16;
    let mut headers = serde_json::Map::new();
    for line in head.lines() {
        if let Some(rest) = line.strip_prefix("HTTP ") {
            status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(0);
        } else if let Some((name, value)) = line.split_once(": ").filter(|_| status != 0) {
            headers.insert(name.to_owned(), value.into());
        }
    }
    let body = if body == "[no body]" { "" } else { body };
    if status >= 400 || status == 0 {
        let shown: String = body.chars().take(500).collect();
        return Err(problem("http_status", format!("The answer was HTTP {status}: {shown}")));
    }
    let is_json =
        headers.get("content-type").and_then(Value::as_str).is_some_and(|media| media.contains("json"));
    let read = is_json.then(|| serde_json::from_str(body).ok()).flatten();
    let body = read.unwrap_or_else(|| Value::String(body.to_owned()));
    Ok(json!({"status": status, "headers": headers, "body": body}))
}

fn artifact(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    (run, step): (RunId, &StepKey),
    (kind, said): (ArtifactKind, Said),
    now: Timestamp,
) -> Result<Result<Value, Problem>, Error> {
    let content = match artifact::content(kind, &said.text) {
        Ok(content) => content,
        Err(why) => return Ok(Err(problem("no_artifact", format!("The answer can be no artifact: {why}")))),
    };
    let title = said.title.as_deref().unwrap_or_default();
    let kept = keep(core, writer, agent, &NewArtifact { run, step, title, kind, content }, now)?;
    Ok(Ok(json!({
        "artifact_id": kept.id.to_string(),
        "title": kept.title,
        "version": kept.version,
        "kind": kept.kind.name(),
        "size": kept.size.0,
    })))
}

/// Says why a turn was cancelled that did a step.
fn cancelled(agent: &Agent, turn: &Turn, step: &Step, now: Timestamp) -> Problem {
    let over = |timeout| turn.created_at.checked_add(timeout).is_ok_and(|over: Timestamp| over <= now);
    if step.timeout.is_some_and(over) {
        problem("step_timeout", "The step took longer than it may".to_owned())
    } else if agent.state == AgentState::Stopped {
        problem("agent_stopped", "The agent was stopped".to_owned())
    } else {
        problem("turn_cancelled", "What the step did was cancelled".to_owned())
    }
}

fn problem(code: &str, message: String) -> Problem {
    Problem { code: code.to_owned(), message }
}

/// What was said and done in a turn.
#[derive(Default)]
struct Said {
    /// The model's last words.
    text: String,
    ending: Option<Ending>,
    /// What came of the call that was prescribed.
    outcome: Option<ToolOutcome>,
    /// Why it was not made.
    blocked: Option<Problem>,
    title: Option<String>,
    /// Calls that do harm when made twice, and of which nobody knows that they are done.
    unsure: HashSet<ToolCallId>,
    cost: MicroUsd,
    usage: Usage,
}

impl Said {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a view of the log picks the events it shows")]
    fn read(reader: &dyn Reader, turn: &Turn) -> Result<Self, Error> {
        let mut said = Self::default();
        for event in reader.turn_events(turn.session, turn.id)? {
            let Body::Turn { event, .. } = event.body else { continue };
            match event {
                TurnEvent::ModelAnswered { text, usage, cost, .. } => {
                    said.text = text;
                    said.cost = said.cost.saturating_add(cost);
                    said.usage = added(said.usage, usage);
                }
                TurnEvent::Confined { title, .. } => said.title = title,
                TurnEvent::ToolStarted { call, idempotent: false, .. }
                | TurnEvent::AgentAsked { call, .. } => {
                    said.unsure.insert(call);
                }
                TurnEvent::ToolFinished { call, outcome } => {
                    if outcome.status == ToolStatus::Done {
                        said.unsure.remove(&call);
                    }
                    said.outcome = Some(outcome);
                }
                TurnEvent::ToolBlocked { reason, .. } => said.blocked = Some(problem("blocked", reason)),
                TurnEvent::ApprovalDecided { verdict, note, .. } if verdict != Verdict::Approved => {
                    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
                    let message =
                        format!("What it does needed an approval, which was {}{note}", verdict.status());
                    said.blocked = Some(problem("approval_refused", message));
                }
                TurnEvent::Ended { ending } => said.ending = Some(ending),
                _ => {}
            }
        }
        Ok(said)
    }

    /// Tells whether another try could do what this one did already: it broke off, and something was begun in it of
    /// which nobody knows whether it was done. A model that answered knew what came of its calls.
    fn may_have_acted(&self) -> bool {
        match &self.ending {
            Some(Ending::Answered) => false,
            // A hosted runtime was told, and never said what came of it.
            Some(Ending::Failed(problem)) if problem.code == "outcome_unknown" => true,
            Some(Ending::Failed(_) | Ending::Cancelled) | None => !self.unsure.is_empty(),
        }
    }

    /// Returns what came of the call that was prescribed.
    fn used(self) -> Result<String, Problem> {
        match (self.outcome, self.blocked) {
            (Some(ToolOutcome { text, status: ToolStatus::Done }), _) => Ok(text),
            (Some(ToolOutcome { text, .. }), _) => Err(problem("tool_failed", text)),
            (None, Some(blocked)) => Err(blocked),
            (None, None) => Err(problem("tool_failed", "Nothing came of the call".to_owned())),
        }
    }
}

fn added(one: Usage, other: Usage) -> Usage {
    let add = |one: Tokens, other: Tokens| one.saturating_add(other);
    Usage {
        input: add(one.input, other.input),
        cached: add(one.cached, other.cached),
        cache_written: add(one.cache_written, other.cache_written),
        output: add(one.output, other.output),
    }
}
