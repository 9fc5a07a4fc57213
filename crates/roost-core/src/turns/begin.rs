use jiff::Timestamp;
use roost_domain::agent::{Agent, State};
use roost_domain::approval::{Question, Terms};
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::event::{Journal, TurnEvent};
use roost_domain::id::ApprovalId;
use roost_domain::policy::OnTimeout;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolStatus};
use roost_domain::turn::Lost;
use roost_ports::store::{Reader, Turn, Writer};
use roost_ports::tool::Plan;

use super::abort::{lost_answer, settle_unseen};
use super::{Turns, Work};
use crate::gate::Facts;
use crate::integrations::ServiceCall;
use crate::{Error, gate, log};

impl Turns<'_> {
    /// Takes up a leased turn: wakes a frozen agent, and puts right what a dead worker left half done. A model
    /// call is made again unless a hosted runtime was told, so is a tool that does no harm twice; any other tool asks a person.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn begin(&self, work: &Work) -> Result<(), Error> {
        let (turn, folded) = (work.turn.clone(), work.folded.clone());
        let as_usual = move |reader: &dyn Reader| {
            let agent = log::agent_of(reader, &turn)?;
            Ok::<_, Error>(
                agent.state != State::Frozen && log::fold(reader, &agent, &turn, &folded)?.lost().is_empty(),
            )
        };
        if self.0.ports.store.read(as_usual).await? {
            return Ok(());
        }
        let (core, turn, now) = (self.0.clone(), work.turn.clone(), self.0.now());
        let folded = work.folded.clone();
        let begin = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            let was_frozen = agent.state == State::Frozen;
            let agent = woken(writer, agent, now)?;
            let state = log::fold(writer, &agent, &turn, &folded)?;
            for lost in state.lost() {
                let event = match lost {
                    Lost::Model => {
                        settle_unseen(writer, &agent, &turn, now)?;
                        lost_answer(&agent)
                    }
                    Lost::Repeatable(call) => TurnEvent::ToolLost { call },
                    Lost::Unknown(id) => {
                        let Some(call) = state.call(&id) else { continue };
                        core.ask_about_lost(writer, &agent, &turn, call, now)?
                    }
                };
                log::append(writer, &agent, &turn, &folded, now, vec![event])?;
            }
            Ok::<_, Error>(was_frozen)
        };
        if self.0.ports.store.write(begin).await? {
            // Also where no tool needs it: a machine that stayed frozen would be idle no more, and the agent never be
            // paused again.
            if let Err(error) = self.0.ports.machines.thaw(work.turn.agent).await {
                tracing::warn!(agent = %work.turn.agent, %error, "the machine of an agent that woke does not thaw");
            }
        }
        self.0.went_on(&work.turn);
        Ok(())
    }
}

fn woken(writer: &mut dyn Writer, agent: Agent, now: Timestamp) -> Result<Agent, Error> {
    if agent.state != State::Frozen {
        return Ok(agent);
    }
    let agent = agent.wake();
    writer.update_agent(&agent)?;
    log::journal(writer, agent.id, now, Journal::Woke)?;
    Ok(agent)
}

impl crate::Core {
    fn ask_about_lost(
        &self,
        writer: &mut dyn Writer,
        agent: &Agent,
        turn: &Turn,
        call: &ToolCall,
        now: Timestamp,
    ) -> Result<TurnEvent, Error> {
        let service = match self.service_call(writer, agent, call)? {
            Some(Ok(service)) => Some(service),
            Some(Err(problem)) => {
                let outcome = ToolOutcome { text: problem.to_string(), status: ToolStatus::Failed };
                return Ok(TurnEvent::ToolFinished { call: call.id.clone(), outcome });
            }
            None => None,
        };
        let action = match self.plan(service.as_ref().map_or(call, |service| &service.request)) {
            Ok(Plan::Act { action, .. }) => action,
            Ok(Plan::Ask { .. }) => Action::AskPeer,
            Err(problem) => {
                // The tools changed with the server's version; there is nothing to run again.
                let outcome = ToolOutcome { text: problem.to_string(), status: ToolStatus::Failed };
                return Ok(TurnEvent::ToolFinished { call: call.id.clone(), outcome });
            }
        };
        let cause = Cause::Tool(call.clone());
        let (session, scripts) = (turn.session, service.iter().map(ServiceCall::bound).collect());
        let effect = Effect { agent: turn.agent, session, turn: turn.id, cause, action, scripts };
        let facts = Facts::of_turn(self, writer, agent, turn)?;
        // Nobody may be taken to have said yes to doing something twice.
        let terms = Terms { on_timeout: OnTimeout::Block, ..facts.terms(facts.settings.approval_ttl) };
        let ask = gate::Ask {
            id: self.ports.random.id::<ApprovalId>(now),
            turn,
            effect: &effect,
            question: Question::RunAgain,
            reason: "The server stopped while this ran, and nobody knows whether it was done. Run it again?"
                .to_owned(),
            terms,
            found: None,
            compared: None,
        };
        gate::ask(self, writer, ask, now)
    }
}
