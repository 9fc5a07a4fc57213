use roost_domain::event::Ending;
use roost_ports::store::{TurnPhase, Writer};

use super::{Parked, Turns, Work};
use crate::{Error, Kind, log};

impl Turns<'_> {
    /// Puts a turn down that waits for a person, or whose agent is paused, so that nothing of it is in memory.
    ///
    /// # Errors
    ///
    /// `Conflict` if the lease was lost; `Internal` if the store fails.
    pub async fn park(&self, work: &Work) -> Result<Parked, Error> {
        let (turn, folded, work) = (work.turn.clone(), work.folded.clone(), work.clone());
        let park = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            let state = log::fold(writer, &agent, &turn, &folded)?;
            let paused = agent.state == roost_domain::agent::State::Paused;
            let phase = if state.is_waiting() {
                TurnPhase::Waiting
            } else if paused && !state.is_cancelled() && state.lost().is_empty() {
                TurnPhase::Queued
            } else {
                return Ok(Parked::GoOn);
            };
            writer.set_turn_phase(turn.id, phase)?;
            release(writer, &work)?;
            Ok(Parked::Done)
        };
        self.0.ports.store.write(park).await
    }

    /// Ends a turn.
    ///
    /// # Errors
    ///
    /// `Conflict` if the lease was lost; `Internal` if the store fails.
    pub async fn end(&self, work: &Work, ending: Ending) -> Result<(), Error> {
        let (core, now, held) = (self.0.clone(), self.0.now(), work.clone());
        self.0
            .ports
            .store
            .write(move |writer| {
                let agent = log::agent_of(writer, &held.turn)?;
                log::end(writer, &core, &agent, &held.turn, &held.folded, ending, now)?;
                release(writer, &held)
            })
            .await?;
        self.0.went_on(&work.turn);
        self.0.queued.notify_one();
        Ok(())
    }
}

/// Gives a job back as done; a lost lease takes the whole transaction back.
pub(super) fn release(writer: &mut dyn Writer, work: &Work) -> Result<(), Error> {
    if writer.finish_job(work.job, &work.worker)? {
        Ok(())
    } else {
        Err(Error::new(Kind::Conflict, "lease_lost", "another worker took the turn over"))
    }
}
