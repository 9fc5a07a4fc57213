use jiff::Timestamp;
use roost_domain::agent::{Agent, Failure, FailureCategory, State};
use roost_domain::approval::Question;
use roost_domain::effect::{Action, Cause, Effect, Script};
use roost_domain::event::{Journal, TurnEvent};
use roost_domain::gate::{Decision, Permit, Profile, Used};
use roost_domain::guard::Opinion;
use roost_domain::id::ApprovalId;
use roost_domain::machine::Layer;
use roost_domain::policy::OnBlock;
use roost_domain::taint::Taint;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolStatus};
use roost_ports::machine::Spec;
use roost_ports::store::{Amounts, Reader, Turn, Writer};
use roost_ports::tool::{Injections, Plan};

use super::inhouse::Told;
use super::scripts::Looked;
use super::{Turns, Work, delegate};
use crate::error::with_causes;
use crate::gate::{Comparison, Facts};
use crate::integrations::{ServiceCall, may_be_service_call};
use crate::log::Folded;
use crate::secrets::note_uses;
use crate::usage::count;
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
        let Some(granted) = self.intend(work, call, leave).await? else { return Ok(()) };
        let Granted { permit, spec, secrets, service } = granted;
        if permit.action().needs_machine()
            && let Err(problem) = self.open_machine(&permit, &spec).await
        {
            return self.machine_failed(work, call, problem).await;
        }
        let outcome = {
            let unfinished = self.0.hub.begin(work.turn.session, ProgressOf::Tool(call.id.clone()));
            let mut progress = |text: &str| unfinished.push(text);
            let before = self.0.ports.machines.connections(spec.agent);
            let told = match &service {
                Some(_) => None,
                None => self.0.run_inhouse(&permit, work, call).await,
            };
            let Told { outcome, brings } = match told {
                Some(told) => told,
                None => {
                    let acted = service.as_ref().map_or(call, |service| &service.request);
                    let ran = self.0.ports.tools.run(&permit, acted, &spec, &secrets, &mut progress).await;
                    let again = self.send_again(&permit, &spec, service.as_ref(), &secrets).await?;
                    Told { outcome: again.unwrap_or(ran), brings: None }
                }
            };
            let connected = self.0.ports.machines.connections(spec.agent) > before;
            let taint = match outcome.status {
                ToolStatus::Done | ToolStatus::Failed => Taint::of(permit.action(), connected).or(brings),
                ToolStatus::Cancelled => None,
            };
            let finished = TurnEvent::ToolFinished { call: call.id.clone(), outcome };
            self.write(work, finished, taint, secrets.status()).await
        };
        self.0.went_on(&work.turn);
        outcome
    }

    /// Brings the agent's machine up, or says in a sentence why it is not.
    pub(super) async fn open_machine(&self, permit: &Permit, spec: &Spec) -> Result<(), String> {
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
            Ok(_) => {
                self.0.machine_time.opened(spec.agent, self.0.now());
                self.0.equip(spec).await.map_err(|error| with_causes(&error))
            }
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
    ) -> Result<Option<Granted>, Error> {
        let (plan, service) = match self.prepare(work, call).await? {
            Ok(prepared) => prepared,
            Err(problem) => {
                let outcome = ToolOutcome { text: problem, status: ToolStatus::Failed };
                self.write(work, TurnEvent::ToolFinished { call: call.id.clone(), outcome }, None, None)
                    .await?;
                self.0.went_on(&work.turn);
                return Ok(None);
            }
        };
        let (looked, compared) = match &plan {
            Plan::Act { action, .. } => {
                // With leave there is nothing to ask about.
                let compared = if leave.is_none() { self.compare(work, call, action).await? } else { None };
                (self.look_at(work, call, action).await?, compared)
            }
            Plan::Ask { .. } => (Looked::default(), None),
        };
        let now = self.0.now();
        let intent =
            Intent { work: work.clone(), call: call.clone(), service, leave, plan, looked, compared, now };
        let core = self.0.clone();
        let granted = self.0.ports.store.write(move |writer| intent.write(&core, writer)).await?;
        self.0.went_on(&work.turn);
        Ok(granted)
    }

    /// Reads a call and says what it would do; for an operation of a service, as the request that it is. A connection
    /// whose token is about to end is renewed first. The inner error is a sentence for the model.
    async fn prepare(
        &self,
        work: &Work,
        call: &ToolCall,
    ) -> Result<Result<(Plan, Option<ServiceCall>), String>, Error> {
        let mut service = None;
        if may_be_service_call(&call.tool) {
            let (core, held, asked) = (self.0.clone(), work.clone(), call.clone());
            let read = move |reader: &dyn Reader| {
                let agent = log::agent_of(reader, &held.turn)?;
                core.service_call(reader, &agent, &asked)
            };
            service = match self.0.ports.store.read(read).await? {
                Some(Ok(found)) => Some(found),
                Some(Err(problem)) => return Ok(Err(problem.to_string())),
                None => None,
            };
        }
        if let Some(ServiceCall { connection, .. }) = &mut service {
            match self.0.connections().fresh(connection.account, connection.id, None).await? {
                // Which version was shown tells later whether the one that is refused is still the newest.
                Ok(fresh) => *connection = fresh,
                Err(why) => return Ok(Err(format!("{} cannot be used: {why}", connection.integration))),
            }
        }
        let acted = service.as_ref().map_or(call, |service| &service.request);
        Ok(self.0.plan(acted).map(|plan| (plan, service)).map_err(|problem| problem.to_string()))
    }

    /// Sends a request of an operation again where the service did not accept the credential: once, with a new one.
    /// What was not accepted was not done, so that nothing is done twice.
    async fn send_again(
        &self,
        permit: &Permit,
        spec: &Spec,
        service: Option<&ServiceCall>,
        secrets: &Injections,
    ) -> Result<Option<ToolOutcome>, Error> {
        let Some(service) = service.filter(|_| secrets.status() == Some(401)) else { return Ok(None) };
        let connection = &service.connection;
        let refused = Some(connection.version);
        if self.0.connections().fresh(connection.account, connection.id, refused).await?.is_err() {
            return Ok(None);
        }
        let (core, agent, held, action) =
            (self.0.clone(), permit.agent(), service.clone(), permit.action().clone());
        let read = move |reader: &dyn Reader| {
            let agent =
                reader.agent_of_any_account(agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
            core.give_out_connection(reader, &agent, &held.renewed(reader)?, &action)
        };
        let Ok(fresh) = self.0.ports.store.read(read).await? else { return Ok(None) };
        let mut quiet = |_: &str| {};
        let outcome = self.0.ports.tools.run(permit, &service.request, spec, &fresh, &mut quiet).await;
        secrets.answered(fresh.status().unwrap_or(401));
        Ok(Some(outcome))
    }

    async fn write(
        &self,
        work: &Work,
        event: TurnEvent,
        taint: Option<Taint>,
        answered: Option<u16>,
    ) -> Result<(), Error> {
        let (turn, folded, now) = (work.turn.clone(), work.folded.clone(), self.0.now());
        self.0
            .ports
            .store
            .write(move |writer| {
                let agent = log::agent_of(writer, &turn)?;
                if let (Some(status), TurnEvent::ToolFinished { call, .. }) = (answered, &event) {
                    writer.answer_secret_uses(turn.id, call, status)?;
                }
                log::append(writer, &agent, &turn, &folded, now, vec![event])?;
                let amounts = Amounts { tool_calls: 1, ..Amounts::default() };
                count(writer, &agent, Some(turn.session), amounts, now)?;
                // Together with the text, so that nothing the model makes of it is decided without knowing.
                if let Some(taint) = taint {
                    writer.taint_session(turn.session, taint)?;
                }
                Ok(())
            })
            .await
    }
}

/// What may be done, and with what.
struct Granted {
    permit: Permit,
    spec: Spec,
    secrets: Injections,
    /// The request that the call is, if its tool is an operation of a service.
    service: Option<ServiceCall>,
}

struct Intent {
    work: Work,
    call: ToolCall,
    service: Option<ServiceCall>,
    leave: Option<ApprovalId>,
    plan: Plan,
    looked: Looked,
    compared: Option<Comparison>,
    now: Timestamp,
}

impl Intent {
    fn write(self, core: &Core, writer: &mut dyn Writer) -> Result<Option<Granted>, Error> {
        let (turn, folded) = (&self.work.turn, &self.work.folded);
        let agent = log::agent_of(writer, turn)?;
        if !may_begin(writer, &agent, turn, folded)? {
            return Ok(None);
        }
        if !log::fold(writer, &agent, turn, folded)?.may_use(&self.call.tool) {
            let text = format!("The tool {} is none of those that this step may use.", self.call.tool);
            let outcome = ToolOutcome { text, status: ToolStatus::Failed };
            let event = TurnEvent::ToolFinished { call: self.call.id.clone(), outcome };
            log::append(writer, &agent, turn, folded, self.now, vec![event])?;
            return Ok(None);
        }
        let mut facts = Facts::of_turn(core, writer, &agent, turn)?;
        let (action, idempotent, question) = match self.plan {
            Plan::Act { action, idempotent } => (action, idempotent, None),
            Plan::Ask { question } => (Action::AskPeer, true, Some(question)),
        };
        let service = self.service.map(|service| service.renewed(writer)).transpose()?;
        let bound = match &service {
            Some(service) => {
                facts = facts.reaching(&action).also_as(service.operation.clone());
                let secrets = core.give_out_connection(writer, &agent, service, &action)?;
                secrets.map(|secrets| (vec![service.bound()], secrets))
            }
            None => match core.bind(writer, &self.work, &self.call)? {
                Ok(bound) => {
                    core.give_out(writer, &agent, &self.call, &action)?.map(|secrets| (bound, secrets))
                }
                Err(problem) => Err(problem),
            },
        };
        let (bound, secrets) = match bound {
            Ok(bound) => bound,
            Err(problem) => {
                let outcome = ToolOutcome { text: problem, status: ToolStatus::Failed };
                let event = TurnEvent::ToolFinished { call: self.call.id.clone(), outcome };
                log::append(writer, &agent, turn, folded, self.now, vec![event])?;
                return Ok(None);
            }
        };
        let scripts = self.looked.scripts.into_iter().chain(bound).collect();
        let effect = effect(turn, &self.call, action, scripts);
        let found = self.looked.worst.as_ref();
        let call = self.call.id.clone();
        let used = used(writer, &agent, turn, folded, self.now)?;
        let noted = gate::Noted { turn, effect: &effect, facts: &facts };
        let (event, granted) = match facts.decide(writer, &agent, &effect, self.leave, used, found)? {
            Decision::Allowed(permit, opinion) => {
                gate::note(core, writer, noted, &opinion, self.leave, self.now)?;
                if let Some(leave) = self.leave {
                    gate::executed(writer, &agent, leave, self.now)?;
                }
                if let Action::AskAgent { agent: named } = &effect.action {
                    let asked =
                        delegate::hand_over(core, writer, (&agent, turn), &self.call, named, self.now)?;
                    log::append(writer, &agent, turn, folded, self.now, vec![asked])?;
                    return Ok(None);
                }
                match question {
                    Some(_) if turn.caller.is_some() || turn.run.is_some() => {
                        (delegate::nobody_to_ask(call), None)
                    }
                    Some(question) => (TurnEvent::QuestionAsked { call, question }, None),
                    None => {
                        let summary = effect.action.to_string();
                        let spec = machine_spec(&agent, &facts);
                        note_uses(writer, turn, &call, &effect.action, &secrets, self.now)?;
                        let granted = Granted { permit, spec, secrets, service };
                        (TurnEvent::ToolStarted { call, summary, idempotent }, Some(granted))
                    }
                }
            }
            Decision::NeedsApproval(opinion) => {
                let id = core.ports.random.id::<ApprovalId>(self.now);
                let ask = gate::Ask {
                    id,
                    turn,
                    effect: &effect,
                    question: Question::MayAct,
                    reason: opinion.to_string(),
                    terms: facts.terms(facts.settings.approval_ttl),
                    found,
                    compared: self.compared.as_ref(),
                };
                let event = gate::ask(core, writer, ask, self.now)?;
                gate::note(core, writer, noted, &opinion, Some(id), self.now)?;
                (event, None)
            }
            Decision::Blocked(opinion) => {
                gate::note(core, writer, noted, &opinion, None, self.now)?;
                (TurnEvent::ToolBlocked { call, reason: told(&facts, &opinion) }, None)
            }
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

/// Returns what the agent is told of a refusal: all of it, unless its policy keeps that to the log.
pub(super) fn told(facts: &Facts, opinion: &Opinion) -> String {
    let policy = facts.guard.policy.as_ref().map(|(_, policy)| policy.policy().on_block);
    match policy {
        Some(OnBlock::Log | OnBlock::Alert) => "The gate refused this call.".to_owned(),
        Some(OnBlock::Raise | OnBlock::RaiseAndAlert) | None => opinion.to_string(),
    }
}

/// Returns what the turn has used so far.
pub(super) fn used(
    reader: &dyn Reader,
    agent: &Agent,
    turn: &Turn,
    folded: &Folded,
    now: Timestamp,
) -> Result<Used, Error> {
    // silent-ok: a clock that went back means that no time has gone by.
    let age = now.duration_since(turn.created_at).try_into().unwrap_or_default();
    Ok(log::fold(reader, agent, turn, folded)?.used(age))
}

/// Returns what a tool call does.
pub(super) fn effect(turn: &Turn, call: &ToolCall, action: Action, scripts: Vec<Script>) -> Effect {
    let cause = Cause::Tool(call.clone());
    Effect { agent: turn.agent, session: turn.session, turn: turn.id, cause, action, scripts }
}

pub(crate) fn machine_spec(agent: &Agent, facts: &Facts) -> Spec {
    Spec {
        agent: agent.id,
        limits: agent.size.limits(),
        profile: facts.settings.profile,
        network: facts.network(),
        files: facts.files(),
        hosted: None,
    }
}
