//! Turns that do the steps of runs.

use jiff::Timestamp;
use roost_domain::agent::{Agent, State as AgentState};
use roost_domain::conversation::Wishes;
use roost_domain::event::{Body, Ending, Problem, TurnEvent};
use roost_domain::id::{ArtifactId, RunId, SessionId, TurnId};
use roost_domain::run::{Doing, StepKey, StepState};
use roost_domain::session::{Channel, Peer, Session};
use roost_domain::taint::Taint;
use roost_domain::workflow::{Criterion, Scope, Step, StepKind};
use roost_ports::store::{OfRun, Reader, Turn, TurnPhase, Writer};
use serde_json::Value;

use super::request::{Request, judgement, request};
use crate::log::Folded;
use crate::{Core, Error, log};

/// Problems that the model itself can put right, so that it is told of them.
const TOLD: [&str; 3] = ["criterion_missed", "output_not_json", "no_artifact"];

/// A turn to be begun for a step.
pub(super) struct NewTurn {
    pub(super) id: TurnId,
    pub(super) session: SessionId,
    of: OfRun,
    /// Whether the session is to be begun, too.
    is_new: bool,
    /// Whether anything that the run has may come from outside.
    tainted: bool,
    /// What is shown to a model that judges it.
    shown: Option<ArtifactId>,
    request: Request,
}

impl NewTurn {
    /// Says whether anything that the run has may come from outside.
    pub(super) fn tainted(self, tainted: bool) -> Self {
        Self { tainted, ..self }
    }
}

/// Makes ready the turn that does a step. Tries of one step stand in one session.
pub(super) fn turn_for(
    core: &Core,
    (run, key, step): (RunId, &StepKey, &Step),
    (attempt, before): (u32, Option<&StepState>),
    scope: &Scope,
    now: Timestamp,
) -> Result<NewTurn, Problem> {
    let missed = before.and_then(|before| before.problem.as_ref());
    let missed = missed.filter(|problem| TOLD.contains(&problem.code.as_str()));
    let session = before.and_then(|before| match &before.doing {
        Some(Doing::Turn { session, .. }) => Some(*session),
        Some(Doing::Form { .. } | Doing::Question { .. } | Doing::Wait { .. } | Doing::Within { .. })
        | None => None,
    });
    Ok(NewTurn {
        id: core.ports.random.id(now),
        is_new: session.is_none(),
        session: session.unwrap_or_else(|| core.ports.random.id(now)),
        of: OfRun { run, step: key.clone(), attempt, criterion: None },
        tainted: false,
        shown: None,
        request: request(step, attempt, missed.map(|problem| problem.message.as_str()), scope)?,
    })
}

/// Makes ready the turn that judges what a step came to.
pub(super) fn judge(
    core: &Core,
    (run, key, step): (RunId, &StepKey, &Step),
    (attempt, criterion): (u32, u32),
    output: &Value,
    scope: &Scope,
    now: Timestamp,
) -> Result<NewTurn, Problem> {
    let Some(Criterion::Judged(template)) = step.success.get(criterion as usize) else {
        let message = format!("The step has no criterion {criterion} that is judged");
        return Err(Problem { code: "internal".to_owned(), message });
    };
    // Any other step may name an artifact that it was told of.
    let makes_one = matches!(step.kind, StepKind::GenerateArtifact { .. });
    let made = output.get("artifact_id").filter(|_| makes_one);
    let shown = made.and_then(Value::as_str).and_then(|id| id.parse().ok());
    Ok(NewTurn {
        id: core.ports.random.id(now),
        session: core.ports.random.id(now),
        is_new: true,
        of: OfRun { run, step: key.clone(), attempt, criterion: Some(criterion) },
        tainted: false,
        shown,
        request: judgement(template, output, scope)?,
    })
}

/// Begins a turn of a run, in the transaction that writes the run's event. Where the agent cannot work at all, the turn
/// is over at once.
pub(super) fn begin(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    new: NewTurn,
    now: Timestamp,
) -> Result<(), Error> {
    let session = Session {
        id: new.session,
        account: agent.account,
        agent: agent.id,
        peer: Peer::Run(new.of.run),
        channel: Channel::Workflow,
        name: None,
        started_at: now,
    };
    if new.is_new {
        writer.insert_session(&session)?;
        let started = Body::SessionStarted { channel: session.channel };
        writer.append_events(agent.id, session.id, now, vec![started])?;
    }
    if new.tainted {
        writer.taint_session(session.id, Taint::Web)?;
    }
    let turn = Turn {
        id: new.id,
        account: agent.account,
        agent: agent.id,
        session: session.id,
        phase: TurnPhase::Queued,
        caller: None,
        run: Some(new.of),
        created_at: now,
    };
    writer.insert_turn(&turn)?;
    let shown = match new.shown {
        Some(id) => made_by(writer, &session, id)?,
        None => None,
    };
    let events = events(shown, new.request);
    log::append(writer, agent, &turn, &Folded::default(), now, events)?;
    match agent.state {
        AgentState::Running | AgentState::Frozen => log::activate(writer, &*core.ports.random, &turn, now),
        // It is let go on when its agent is.
        AgentState::Paused | AgentState::Provisioning => Ok(()),
        AgentState::Stopped | AgentState::Error => {
            let message = format!("{} is {} and does no steps", agent.name, agent.state);
            let problem = Problem { code: "agent_not_running".to_owned(), message };
            log::end(writer, core, agent, &turn, &Folded::default(), Ending::Failed(problem), now)
        }
    }
}

/// Returns what an artifact holds, if it is one of the run in whose session it is shown.
fn made_by(reader: &dyn Reader, session: &Session, id: ArtifactId) -> Result<Option<String>, Error> {
    let artifact = reader.artifact(session.account, session.agent, id)?;
    match artifact.filter(|artifact| session.peer == Peer::Run(artifact.run)) {
        Some(artifact) => Ok(reader.artifact_content(artifact.id)?),
        None => Ok(None),
    }
}

fn events(shown: Option<String>, request: Request) -> Vec<TurnEvent> {
    const MOST: usize = 100_000;
    let Request { mut text, model, tools, title, calls, wishes } = request;
    if let Some(content) = shown {
        text.push_str("\n\nWhat the artifact holds:\n");
        text.push_str(&content[..content.floor_char_boundary(MOST)]);
    }
    let mut events = vec![TurnEvent::MessageReceived { text, context: None }];
    if model.is_some() || tools.is_some() || title.is_some() {
        events.push(TurnEvent::Confined { model, tools, title });
    }
    if wishes != Wishes::default() {
        events.push(TurnEvent::CallerAsked { tools: Vec::new(), wishes: Box::new(wishes) });
    }
    if !calls.is_empty() {
        events.push(TurnEvent::CallsGiven { calls });
    }
    events
}
