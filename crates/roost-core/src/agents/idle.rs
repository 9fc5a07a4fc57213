use std::time::Duration;

use roost_domain::agent::{Agent, Settings, State};
use roost_domain::event::Journal;
use roost_domain::id::AgentId;
use roost_ports::store::{TurnPhase, Writer};

use super::Agents;
use crate::sandboxes::note_refusal;
use crate::{Error, log};

/// No agent is idle before this.
const SHORTEST_IDLE: Duration = Duration::from_secs(1);

impl Agents<'_> {
    /// Freezes the machines of agents that have been idle for as long as their configuration says, and returns
    /// how many. They wake on use.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails. A machine that the host will not freeze is logged and left running.
    pub async fn freeze_idle(&self) -> Result<usize, Error> {
        let mut frozen = 0;
        for id in self.0.ports.machines.idle(SHORTEST_IDLE) {
            if self.freeze_if_idle(id).await? {
                frozen += 1;
            }
        }
        Ok(frozen)
    }

    async fn freeze_if_idle(&self, id: AgentId) -> Result<bool, Error> {
        let agent = self.0.ports.store.read(move |reader| Ok::<_, Error>(reader.agent_of_any_account(id)?));
        let Some(agent) = agent.await? else { return Ok(false) };
        let idle_after = Settings::read(&agent.config)?.idle_after;
        if agent.state != State::Running || !self.0.ports.machines.idle(idle_after).contains(&id) {
            return Ok(false);
        }
        let now = self.0.now();
        let freeze = move |writer: &mut dyn Writer| {
            let Some(agent) = writer.agent_of_any_account(id)? else { return Ok(false) };
            let busy = writer.open_turns_of(id)?.iter().any(|turn| turn.phase == TurnPhase::Active);
            let Ok(agent) = agent.freeze() else { return Ok(false) };
            if busy {
                return Ok(false);
            }
            writer.update_agent(&agent)?;
            log::journal(writer, id, now, Journal::Froze)?;
            Ok::<_, Error>(true)
        };
        if !self.0.ports.store.write(freeze).await? {
            return Ok(false);
        }
        self.0.machine_time.closing(id, self.0.now());
        if let Err(error) = self.0.ports.machines.freeze(id).await {
            tracing::error!(agent = %id, %error, "the machine of an idle agent does not freeze");
        }
        // A command that began just before the machine froze belongs to a turn that is active by now; and who woke the
        // agent meanwhile has thawed a machine that was not frozen yet.
        let needed = self.0.ports.store.read(move |reader| {
            let agent = reader.agent_of_any_account(id)?;
            let is_awake = agent.is_some_and(|agent| agent.state == State::Running);
            let busy = reader.open_turns_of(id)?.iter().any(|turn| turn.phase == TurnPhase::Active);
            Ok::<_, Error>(is_awake || busy)
        });
        if needed.await? {
            self.0.ports.machines.thaw(id).await?;
        }
        self.0.hub.tick(id.journal());
        Ok(true)
    }

    /// Takes note of what a machine's process tried to reach.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn note_connection(&self, attempt: roost_ports::machine::Attempt) -> Result<(), Error> {
        let (now, id) = (self.0.now(), attempt.agent);
        let note = move |writer: &mut dyn Writer| {
            let Some(Agent { id, .. }) = writer.agent_of_any_account(attempt.agent)? else {
                return note_refusal(writer, attempt);
            };
            let entry = Journal::Connected { target: attempt.target, refused: attempt.refused };
            log::journal(writer, id, now, entry)
        };
        self.0.ports.store.write(note).await?;
        self.0.hub.tick(id.journal());
        Ok(())
    }
}
