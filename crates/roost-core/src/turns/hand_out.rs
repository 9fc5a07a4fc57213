use roost_domain::approval::Question;
use roost_domain::effect::Action;
use roost_domain::event::TurnEvent;
use roost_domain::gate::Decision;
use roost_domain::id::{ApprovalId, JobId, TurnId};
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_ports::store::{NewJob, Turn, TurnPhase, Writer};

use super::use_tool::{effect, may_begin, told, used};
use super::{Turns, Work};
use crate::gate::Facts;
use crate::log::Folded;
use crate::sessions::cancel_turn;
use crate::{Core, Error, gate, log};

/// The queue whose jobs look after calls that nobody brings a result of.
const WAITS: &str = "caller";

impl Turns<'_> {
    /// Gives a call of one of the caller's own tools to the caller: decides and writes in one transaction. Where the
    /// gate says no, or wants a person to say yes first, only that is written.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn hand_out(
        &self,
        work: &Work,
        call: &ToolCall,
        leave: Option<ApprovalId>,
    ) -> Result<(), Error> {
        let (core, held, call) = (self.0.clone(), work.clone(), call.clone());
        let decide = move |writer: &mut dyn Writer| hand_out(&core, writer, &held, &call, leave);
        self.0.ports.store.write(decide).await?;
        self.0.went_on(&work.turn);
        Ok(())
    }

    /// Cancels turns whose callers have not brought the results of their tools in time. Returns how many there were.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn expire_waits(&self) -> Result<u64, Error> {
        const BATCH: u32 = 100;
        let (core, now) = (self.0.clone(), self.0.now());
        let due = self.0.ports.store.read(|reader| Ok::<_, Error>(reader.next_job_at(WAITS)?)).await?;
        if due.is_none_or(|at| at > now) {
            return Ok(0);
        }
        let expire = move |writer: &mut dyn Writer| {
            let mut expired = Vec::new();
            for job in writer.lease_jobs(WAITS, "upkeep", now, now + super::LEASE, BATCH)? {
                if let Some((turn, call)) = waiting(writer, &job.payload)? {
                    tracing::info!(%turn.id, %call, "nobody brought the result of a caller's tool in time");
                    cancel_turn(&core, writer, &turn, now)?;
                    expired.push(turn);
                }
                writer.finish_job(job.id, "upkeep")?;
            }
            Ok::<_, Error>(expired)
        };
        let expired = self.0.ports.store.write(expire).await?;
        for turn in &expired {
            self.0.went_on(turn);
        }
        self.0.queued.notify_one();
        Ok(expired.len() as u64)
    }
}

/// Returns the turn and the call that a job looks after, if the call still waits.
fn waiting(writer: &dyn Writer, payload: &str) -> Result<Option<(Turn, ToolCallId)>, Error> {
    let Some((turn, call)) = payload.split_once(' ') else { return Ok(None) };
    let id: TurnId = turn.parse().map_err(Error::internal)?;
    let Some(turn) = writer.turn(id)?.filter(|turn| turn.phase != TurnPhase::Ended) else { return Ok(None) };
    let agent = log::agent_of(writer, &turn)?;
    let state = log::fold(writer, &agent, &turn, &Folded::default())?;
    let waits = state.handed_out().iter().any(|open| open.id.as_str() == call) && !state.is_cancelled();
    Ok(waits.then(|| (turn, ToolCallId::from_text(call))))
}

fn hand_out(
    core: &Core,
    writer: &mut dyn Writer,
    work: &Work,
    call: &ToolCall,
    leave: Option<ApprovalId>,
) -> Result<(), Error> {
    let (turn, folded, now) = (&work.turn, &work.folded, core.now());
    let agent = log::agent_of(writer, turn)?;
    if !may_begin(writer, &agent, turn, folded)? {
        return Ok(());
    }
    let facts = Facts::read(core, writer, &agent)?;
    let effect = effect(turn, call, Action::HandOut { tool: call.tool.clone() }, Vec::new());
    let used = used(writer, &agent, turn, folded, now)?;
    let noted = gate::Noted { turn, effect: &effect, facts: &facts };
    let event = match facts.decide(writer, &agent, &effect, leave, used, None)? {
        Decision::Allowed(_, opinion) => {
            gate::note(core, writer, noted, &opinion, leave, now)?;
            if let Some(leave) = leave {
                gate::executed(writer, &agent, leave, now)?;
            }
            let wait = NewJob {
                id: core.ports.random.id::<JobId>(now),
                queue: WAITS,
                key: turn.id.to_string(),
                agent: Some(agent.id),
                payload: format!("{} {}", turn.id, call.id),
                run_at: now + core.settings.caller_wait,
            };
            writer.insert_job(&wait)?;
            TurnEvent::CallHandedOut { call: call.id.clone() }
        }
        Decision::NeedsApproval(opinion) => {
            let id = core.ports.random.id::<ApprovalId>(now);
            let ask = gate::Ask {
                id,
                turn,
                effect: &effect,
                question: Question::MayAct,
                reason: opinion.to_string(),
                terms: facts.terms(facts.settings.approval_ttl),
                found: None,
                compared: None,
            };
            let event = gate::ask(core, writer, ask, now)?;
            gate::note(core, writer, noted, &opinion, Some(id), now)?;
            event
        }
        Decision::Blocked(opinion) => {
            gate::note(core, writer, noted, &opinion, None, now)?;
            TurnEvent::ToolBlocked { call: call.id.clone(), reason: told(&facts, &opinion) }
        }
    };
    log::append(writer, &agent, turn, folded, now, vec![event])?;
    Ok(())
}
