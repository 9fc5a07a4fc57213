use roost_domain::agent::{Agent, State};
use roost_domain::event::Journal;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::skill::Placement;
use roost_ports::store::{TurnPhase, Writer};

use super::create::began;
use super::{Agents, own};
use crate::sessions::cancel_turn;
use crate::snapshots::check_whole;
use crate::{Core, Ctx, Error, log};

impl Agents<'_> {
    /// Starts an agent that is stopped, paused, frozen or in error; messages that queued are worked on. Starting
    /// a running agent is a no-op. One whose region is not this host's stays in error.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn start(&self, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
        let (core, now) = (self.0.clone(), ctx.now);
        let start = move |agent: Agent| Ok(core.settings.regions.placed(agent.start(now)));
        let before_and_after = self.change(ctx, id, Journal::Started, start);
        let (before, after) = before_and_after.await?;
        if before.state == State::Frozen {
            self.0.ports.machines.thaw(id).await?;
        }
        Ok(after)
    }

    /// Stops an agent: what it is doing is cancelled, its machine ends, its workspace stays. Stopping a stopped
    /// agent is a no-op.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Internal` if the host cannot end the machine.
    pub async fn stop(&self, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
        let now = ctx.now;
        let (_, after) = self.change(ctx, id, Journal::Stopped, move |agent| Ok(agent.stop(now))).await?;
        self.0.ports.runtimes.stop(id).await;
        self.0.machine_time.closing(id, self.0.now());
        self.0.ports.machines.stop(id).await?;
        Ok(after)
    }

    /// Ends an agent's machine and starts the agent afresh with its latest configuration. What it is doing goes
    /// on; a tool that was running fails.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Internal` if the host cannot end the machine.
    pub async fn restart(&self, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let caller = ctx.clone();
        self.0.ports.store.read(move |reader| own(reader, &caller, id)).await?;
        self.0.ports.runtimes.stop(id).await;
        self.0.machine_time.closing(id, self.0.now());
        self.0.ports.machines.stop(id).await?;
        let (core, now) = (self.0.clone(), ctx.now);
        let restart = move |agent: Agent| Ok(core.settings.regions.placed(agent.restart(now)));
        let (_, after) = self.change(ctx, id, Journal::Restarted, restart).await?;
        Ok(after)
    }

    /// Turns an agent's loop off: what it is doing stops at the next step, messages queue, machine and files stay
    /// up.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidState` unless it is running, frozen or paused.
    pub async fn pause(&self, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
        let (_, after) = self.change(ctx, id, Journal::Paused, |agent| Ok(agent.pause()?)).await?;
        Ok(after)
    }

    /// Turns an agent's loop on again.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidState` unless it is paused, frozen or running.
    pub async fn resume(&self, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
        let (before, after) = self.change(ctx, id, Journal::Resumed, |agent| Ok(agent.resume()?)).await?;
        if before.state == State::Frozen {
            self.0.ports.machines.thaw(id).await?;
        }
        Ok(after)
    }

    /// Changes an agent by one transition and thaws its machine if it was frozen and runs now.
    pub(crate) async fn shifted(
        &self,
        ctx: &Ctx,
        id: AgentId,
        entry: Journal,
        transition: impl FnOnce(Agent) -> Result<Agent, Error> + Send + 'static,
    ) -> Result<Agent, Error> {
        let (before, after) = self.change(ctx, id, entry, transition).await?;
        if before.state == State::Frozen && after.state == State::Running {
            self.0.ports.machines.thaw(id).await?;
        }
        Ok(after)
    }

    async fn change(
        &self,
        ctx: &Ctx,
        id: AgentId,
        entry: Journal,
        transition: impl FnOnce(Agent) -> Result<Agent, Error> + Send + 'static,
    ) -> Result<(Agent, Agent), Error> {
        ctx.require(Scope::AgentsWrite)?;
        let (core, caller) = (self.0.clone(), ctx.clone());
        let change = move |writer: &mut dyn Writer| {
            let before = own(writer, &caller, id)?;
            check_whole(writer, &before)?;
            let after = transition(before.clone())?;
            if after == before {
                return Ok((before, after));
            }
            writer.update_agent(&after)?;
            if started_afresh(&before, &after, &entry) {
                writer.refresh_documents(id)?;
            }
            let rearmed = after.state == before.state && after.arming != before.arming;
            let entry = if after.state == State::Error {
                began(&after)
            } else if rearmed {
                Journal::Changed { what: "triggers".to_owned() }
            } else {
                entry
            };
            log::journal(writer, id, caller.now, entry)?;
            match after.state {
                State::Running => {
                    // A workspace may have been put back to what it was, or have come from elsewhere, meanwhile.
                    if writer.placed_skills(id)?.is_some() {
                        writer.place_skills(id, Some(Placement::UNKNOWN))?;
                    }
                    release_turns(&core, writer, &after, &caller)?;
                }
                State::Stopped => {
                    cancel_turns(&core, writer, &after, &caller)?;
                    // They find that their agent is stopped, and end.
                    writer.wake_runs_of(id, caller.now)?;
                }
                State::Provisioning | State::Frozen | State::Paused | State::Error => {}
            }
            Ok::<_, Error>((before, after))
        };
        let changed = self.0.ports.store.write(change).await?;
        self.0.hub.tick(id.journal());
        self.tick_open_sessions(id).await?;
        self.0.queued.notify_one();
        self.0.provisioning.notify_one();
        self.0.runs_due.notify_one();
        Ok(changed)
    }

    /// Tells the workers on the agent's turns to look again.
    pub(crate) async fn tick_open_sessions(&self, id: AgentId) -> Result<(), Error> {
        let open = self.0.ports.store.read(move |reader| Ok::<_, Error>(reader.open_turns_of(id)?)).await?;
        open.into_iter().for_each(|turn| self.0.hub.tick(turn.session));
        Ok(())
    }
}

/// Tells whether a change of state lets an agent see its documents as they are now.
fn started_afresh(before: &Agent, after: &Agent, entry: &Journal) -> bool {
    matches!(after.state, State::Running | State::Provisioning)
        && (*entry == Journal::Restarted || !before.is_up())
}

/// Lets the oldest open turn of each session go on that waited for nothing but its agent.
pub(crate) fn release_turns(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    ctx: &Ctx,
) -> Result<(), Error> {
    let mut sessions = std::collections::HashSet::new();
    for turn in writer.open_turns_of(agent.id)? {
        if sessions.insert(turn.session) && turn.phase == TurnPhase::Queued {
            log::activate(writer, &*core.ports.random, &turn, ctx.now)?;
        }
    }
    Ok(())
}

/// Cancels every open turn, the newest first, so that ending one does not begin the next.
pub(crate) fn cancel_turns(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    ctx: &Ctx,
) -> Result<(), Error> {
    let mut turns = writer.open_turns_of(agent.id)?;
    turns.reverse();
    turns.iter().try_for_each(|turn| cancel_turn(core, writer, turn, ctx.now))
}
