use jiff::Timestamp;
use roost_domain::agent::{Agent, Failure, FailureCategory, Settings, State};
use roost_domain::approval::Question;
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::event::{Journal, TurnEvent};
use roost_domain::files::FileRules;
use roost_domain::gate::{Decision, Permit, Profile};
use roost_domain::id::ApprovalId;
use roost_domain::machine::Layer;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolStatus};
use roost_ports::machine::Spec;
use roost_ports::store::{Reader, Turn, Writer};
use roost_ports::tool::Plan;

use super::{Turns, Work};
use crate::error::with_causes;
use crate::log::Folded;
use crate::{Core, Error, ProgressOf, gate, log};

impl Turns<'_> {
    /// Uses a tool: decides and writes the intent in one transaction, acts, writes the outcome. Where the gate
    /// says no, or wants a person to say yes first, only that is written.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails. What goes wrong in the tool is an
    /// outcome.
    ///
    /// # Cancel
    ///
    /// Dropping the future ends what the tool was doing and leaves the intent without an outcome; the caller
    /// writes that with [`Turns::abort`].
    pub async fn use_tool(
        &self,
        work: &Work,
        call: &ToolCall,
        leave: Option<ApprovalId>,
    ) -> Result<(), Error> {
        let Some((permit, spec)) = self.intend(work, call, leave).await? else { return Ok(()) };
        if permit.action().needs_machine()
            && let Err(problem) = self.open_machine(&permit, &spec).await
        {
            return self.machine_failed(work, call, problem).await;
        }
        let outcome = {
            let unfinished = self.0.hub.begin(work.turn.session, ProgressOf::Tool(call.id.clone()));
            let mut progress = |text: &str| unfinished.push(text);
            let outcome = self.0.ports.tools.run(&permit, call, &spec, &mut progress).await;
            let finished = TurnEvent::ToolFinished { call: call.id.clone(), outcome };
            self.write(work, finished).await
        };
        self.0.went_on(&work.turn);
        outcome
    }

    /// Brings the agent's machine up, or says in a sentence why it is not.
    async fn open_machine(&self, permit: &Permit, spec: &Spec) -> Result<(), String> {
        let machines = &self.0.ports.machines;
        if spec.profile == Profile::Strict {
            let needed = &self.0.settings.strict_layers;
            let missing = machines
                .layers()
                .into_iter()
                .find(|layer| !layer.holds && needed.iter().any(|name| name == layer.name));
            if let Some(Layer { name, detail, .. }) = missing {
                return Err(format!(
                    "the policy strict needs the isolation layer {name}, which does not hold on this host ({detail})"
                ));
            }
        }
        match machines.open(permit, spec).await {
            Ok(_) => Ok(()),
            Err(error) => Err(with_causes(&error)),
        }
    }

    /// Writes that the machine did not come up: on the agent, which is in error until it is started again, and as
    /// the tool's outcome.
    async fn machine_failed(&self, work: &Work, call: &ToolCall, problem: String) -> Result<(), Error> {
        let (turn, now, call) = (work.turn.clone(), self.0.now(), call.id.clone());
        let folded = work.folded.clone();
        tracing::error!(agent = %turn.agent, problem, "the machine of an agent does not start");
        let write = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            let category = FailureCategory::Machine;
            let outcome = ToolOutcome { text: problem.clone(), status: ToolStatus::Failed };
            log::append(
                writer,
                &agent,
                &turn,
                &folded,
                now,
                vec![TurnEvent::ToolFinished { call, outcome }],
            )?;
            log::journal(writer, agent.id, now, Journal::Failed { category, message: problem.clone() })?;
            writer.update_agent(&agent.fail(Failure { category, message: problem }))?;
            Ok::<_, Error>(())
        };
        self.0.ports.store.write(write).await?;
        self.0.went_on(&work.turn);
        Ok(())
    }

    async fn intend(
        &self,
        work: &Work,
        call: &ToolCall,
        leave: Option<ApprovalId>,
    ) -> Result<Option<(Permit, Spec)>, Error> {
        let plan = match self.0.ports.tools.plan(call) {
            Ok(plan) => plan,
            Err(problem) => {
                let outcome = ToolOutcome { text: problem.to_string(), status: ToolStatus::Failed };
                self.write(work, TurnEvent::ToolFinished { call: call.id.clone(), outcome }).await?;
                self.0.went_on(&work.turn);
                return Ok(None);
            }
        };
        let intent = Intent { work: work.clone(), call: call.clone(), leave, plan, now: self.0.now() };
        let core = self.0.clone();
        let granted = self.0.ports.store.write(move |writer| intent.write(&core, writer)).await?;
        self.0.went_on(&work.turn);
        Ok(granted)
    }

    async fn write(&self, work: &Work, event: TurnEvent) -> Result<(), Error> {
        let (turn, folded, now) = (work.turn.clone(), work.folded.clone(), self.0.now());
        self.0
            .ports
            .store
            .write(move |writer| {
                let agent = log::agent_of(writer, &turn)?;
                log::append(writer, &agent, &turn, &folded, now, vec![event])?;
                Ok(())
            })
            .await
    }
}

struct Intent {
    work: Work,
    call: ToolCall,
    leave: Option<ApprovalId>,
    plan: Plan,
    now: Timestamp,
}

impl Intent {
    fn write(self, core: &Core, writer: &mut dyn Writer) -> Result<Option<(Permit, Spec)>, Error> {
        let (turn, folded) = (&self.work.turn, &self.work.folded);
        let agent = log::agent_of(writer, turn)?;
        if !may_begin(writer, &agent, turn, folded)? {
            return Ok(None);
        }
        let settings = Settings::read(&agent.config)?;
        let (action, idempotent, question) = match self.plan {
            Plan::Act { action, idempotent } => (action, idempotent, None),
            Plan::Ask { question } => (Action::AskPeer, true, Some(question)),
        };
        let effect = Effect {
            agent: turn.agent,
            session: turn.session,
            turn: turn.id,
            cause: Cause::Tool(self.call.clone()),
            action,
        };
        let call = self.call.id.clone();
        let (event, granted) = match gate::decide(writer, &agent, &effect, self.leave)? {
            Decision::Allowed(permit) => match question {
                Some(question) => (TurnEvent::QuestionAsked { call, question }, None),
                None => {
                    let summary = effect.action.to_string();
                    let spec = machine_spec(&agent, settings);
                    (TurnEvent::ToolStarted { call, summary, idempotent }, Some((permit, spec)))
                }
            },
            Decision::NeedsApproval(reason) => {
                let ask = gate::Ask {
                    id: core.ports.random.id::<ApprovalId>(self.now),
                    turn,
                    effect: &effect,
                    question: Question::MayAct,
                    reason: reason.to_string(),
                    expires_at: self.now + settings.approval_ttl,
                };
                (gate::ask(writer, ask, self.now)?, None)
            }
            Decision::Blocked(reason) => (TurnEvent::ToolBlocked { call, reason: reason.to_string() }, None),
        };
        log::append(writer, &agent, turn, folded, self.now, vec![event])?;
        Ok(granted)
    }
}

/// Tells whether an act may begin: it may not once somebody has cancelled the turn, or paused or stopped the agent.
/// Asked in the transaction that writes the intent, so that nothing begins after they were told that it is so.
pub(super) fn may_begin(
    reader: &dyn Reader,
    agent: &Agent,
    turn: &Turn,
    folded: &Folded,
) -> Result<bool, Error> {
    let held = matches!(agent.state, State::Paused | State::Stopped);
    Ok(!held && !log::fold(reader, agent, turn, folded)?.is_cancelled())
}

fn machine_spec(agent: &Agent, settings: Settings) -> Spec {
    Spec {
        agent: agent.id,
        limits: agent.size.limits(),
        profile: settings.profile,
        network: settings.network,
        files: FileRules::default(),
    }
}
