//! What the runtime drives turns with. A worker leases a turn, begins it, performs what is due, and parks or ends
//! it; between those calls nothing is kept in memory that the log does not have.

use std::time::Duration;

use roost_domain::effect::Action;
use roost_domain::event::{Body, Ending, Problem, TurnEvent};
use roost_domain::id::{JobId, TurnId};
use roost_domain::tool::ToolCall;
use roost_domain::turn::State;
use roost_ports::store::{Turn, TurnPhase};
use roost_ports::tool::Plan;

use crate::integrations::may_be_service_call;
use crate::log::Folded;
use crate::{Core, Error, log};

mod abort;
mod ask_model;
mod begin;
mod brief;
mod cost;
mod delegate;
mod hand_out;
mod inhouse;
mod park;
mod proposals;
mod recall;
mod scripts;
mod use_tool;

pub(crate) use brief::{held_secret, place_at, provider_secret, secret_place};
pub(crate) use cost::{cost_of_failure, worst_case};
pub(crate) use delegate::{call_off, hand_back, orphan};
pub(crate) use use_tool::machine_spec;

/// What the runtime drives turns with.
pub struct Turns<'a>(pub(crate) &'a Core);

/// How long a worker holds a turn before it has to say that it is alive.
const LEASE: Duration = Duration::from_secs(60);

/// A turn that a worker holds.
#[derive(Debug, Clone)]
pub struct Work {
    /// The turn.
    pub turn: Turn,
    job: JobId,
    worker: String,
    attempt: u32,
    folded: Folded,
}

impl Work {
    /// Returns the job under which the turn is held; a turn that is taken up again later is held under another.
    pub const fn job(&self) -> JobId {
        self.job
    }
}

/// What a worker got when it asked for work.
#[derive(Debug)]
pub struct Claim {
    /// The turns it now holds.
    pub work: Vec<Work>,
    /// After this, asking again makes sense even if nobody called.
    pub idle: Duration,
}

/// What became of a turn that was to be parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parked {
    /// It is parked, and the worker no longer holds it.
    Done,
    /// Something happened meanwhile: the worker goes on.
    GoOn,
}

impl Turns<'_> {
    /// Gives back what a dead process held, for the start of a server that owns its data alone. Returns how
    /// many turns there were.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn recover(&self) -> Result<u64, Error> {
        self.0.ports.store.write(|writer| Ok(writer.release_leases(log::TURNS)?)).await
    }

    /// Leases up to `max` turns that are due, at most one per session.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn lease(&self, worker: &str, max: u32) -> Result<Claim, Error> {
        const LONGEST_IDLE: Duration = Duration::from_secs(5);
        let (now, worker) = (self.0.now(), worker.to_owned());
        let jobs_due =
            self.0.ports.store.read(|reader| Ok::<_, Error>(reader.next_job_at(log::TURNS)?)).await?;
        if jobs_due.is_none_or(|at| at > now) {
            return Ok(Claim { work: Vec::new(), idle: LONGEST_IDLE });
        }
        let until = now + LEASE;
        let lease = move |writer: &mut dyn roost_ports::store::Writer| {
            let mut work = Vec::new();
            for job in writer.lease_jobs(log::TURNS, &worker, now, until, max)? {
                let id: Result<TurnId, _> = job.payload.parse();
                let turn = id.map_err(Error::internal).and_then(|id| Ok(writer.turn(id)?));
                match turn {
                    Ok(Some(turn)) if turn.phase != TurnPhase::Ended => {
                        let (worker, attempt, folded) = (worker.clone(), job.attempt, Folded::default());
                        work.push(Work { turn, job: job.id, worker, attempt, folded });
                    }
                    // One row that cannot be read must not hold up all others.
                    Err(error) => {
                        tracing::error!(job = %job.id, %error, "a job that names no turn was dropped");
                        writer.finish_job(job.id, &worker)?;
                    }
                    // Its agent was deleted, or it was ended by somebody else.
                    Ok(Some(_) | None) => {
                        writer.finish_job(job.id, &worker)?;
                    }
                }
            }
            Ok(work)
        };
        Ok(Claim { work: self.0.ports.store.write::<_, Error>(lease).await?, idle: LONGEST_IDLE })
    }

    /// Waits until a turn was queued since the last call. Safe to drop.
    pub async fn queued(&self) {
        self.0.queued.notified().await;
    }

    /// Says that the worker is alive; `false` if the turn is no longer its.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn extend(&self, work: &Work) -> Result<bool, Error> {
        let (until, work) = (self.0.now() + LEASE, work.clone());
        self.0.ports.store.write(move |writer| Ok(writer.extend_lease(work.job, &work.worker, until)?)).await
    }

    /// Gives a turn back that could not be worked on, to be taken up again a little later; after several times it is
    /// ended as failed, so that the messages behind it are answered.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails; the lease runs out by itself then.
    pub async fn give_back(&self, work: &Work) -> Result<(), Error> {
        const ATTEMPTS: u32 = 5;
        let (core, now, held) = (self.0.clone(), self.0.now(), work.clone());
        let again_at = now + Duration::from_secs(1) * 2_u32.saturating_pow(held.attempt.min(ATTEMPTS));
        let give_back = move |writer: &mut dyn roost_ports::store::Writer| {
            if held.attempt < ATTEMPTS {
                writer.extend_lease(held.job, &held.worker, again_at)?;
                return Ok(());
            }
            // Whatever keeps it from going on may also keep it from being read, so nothing of it is looked at.
            let agent = log::agent_of(writer, &held.turn)?;
            let problem = Problem {
                code: "internal".to_owned(),
                message: "The turn could not be worked on; the server's log says why".to_owned(),
            };
            let event = TurnEvent::Ended { ending: Ending::Failed(problem) };
            let body = Body::Turn { turn: held.turn.id, event };
            writer.append_events(held.turn.agent, held.turn.session, now, vec![body])?;
            log::close(writer, &core, &agent, &held.turn, now)?;
            park::release(writer, &held)
        };
        self.0.ports.store.write(give_back).await?;
        self.0.went_on(&work.turn);
        self.0.queued.notify_one();
        Ok(())
    }

    /// Returns the turn as its events have left it, and whether its agent wants its loop off.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn state(&self, work: &Work) -> Result<(State, bool), Error> {
        let (turn, folded) = (work.turn.clone(), work.folded.clone());
        self.0
            .ports
            .store
            .read(move |reader| {
                let agent = log::agent_of(reader, &turn)?;
                let paused = agent.state == roost_domain::agent::State::Paused;
                Ok((folded.catch_up(reader, &agent, &turn)?, paused))
            })
            .await
    }

    /// Tells whether a tool call must not run beside others of its answer: it changes what they may look at.
    pub fn runs_alone(&self, call: &ToolCall) -> bool {
        if may_be_service_call(&call.tool) {
            // What it asks for is known only where the agent's connections are.
            return true;
        }
        match self.0.plan(call) {
            Ok(Plan::Act { action, idempotent }) => match action {
                Action::RunCommand { .. } | Action::RunRuntime { .. } | Action::WriteFile { .. } => true,
                Action::SendHttp { .. } => !idempotent,
                Action::ChangeDocument { .. } | Action::WriteKnowledge { .. } => true,
                Action::ReadFiles { .. }
                | Action::CallModel { .. }
                | Action::AskPeer
                | Action::HandOut { .. }
                | Action::ReadDocument { .. }
                | Action::ReadSkill { .. }
                | Action::SearchKnowledge { .. }
                | Action::FindOperations { .. }
                | Action::AskAgent { .. } => false,
            },
            Ok(Plan::Ask { .. }) | Err(_) => false,
        }
    }

    /// Watches the turn's session for whatever others do to it: decisions, answers, a cancel. A turn that works for
    /// another watches that one too, which may call it off.
    pub fn watch(&self, work: &Work) -> Watch {
        let caller = work.turn.caller.as_ref();
        Watch {
            own: self.0.hub.watch(work.turn.session),
            caller: caller.map(|caller| self.0.hub.watch(caller.session)),
        }
    }
}

/// A watched turn.
pub struct Watch {
    own: crate::hub::Watch,
    caller: Option<crate::hub::Watch>,
}

impl Watch {
    /// Waits until something happened since the last call. Safe to drop.
    pub async fn changed(&mut self) {
        match &mut self.caller {
            None => self.own.log_changed().await,
            Some(caller) => {
                tokio::select! {
                    () = self.own.log_changed() => {}
                    () = caller.log_changed() => {}
                }
            }
        }
    }
}

impl Core {
    /// Tells everybody who watches a session that its log went on.
    pub(crate) fn went_on(&self, turn: &Turn) {
        self.hub.tick(turn.session);
        self.hub.tick(turn.agent.journal());
        if let Some(of) = &turn.run {
            self.run_went_on(of.run);
        }
        if let Some(caller) = &turn.caller {
            self.hub.tick(caller.session);
            self.hub.tick(caller.agent.journal());
            self.queued.notify_one();
        }
    }
}
