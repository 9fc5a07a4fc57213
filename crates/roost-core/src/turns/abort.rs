use roost_domain::event::{Body, Problem, TurnEvent};
use roost_domain::tool::{ToolOutcome, ToolStatus};
use roost_domain::turn::Lost;
use roost_ports::store::Writer;

use super::{Turns, Work};
use crate::{Error, log};

impl Turns<'_> {
    /// Writes the outcome of everything that the worker has just cut short, after a cancel or on the way down.
    ///
    /// A model call's whole reservation is booked, since the provider may charge for what it was writing.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn abort(&self, work: &Work) -> Result<(), Error> {
        let (turn, now) = (work.turn.clone(), self.0.now());
        let abort = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            let state = log::fold(writer, &agent, &turn)?;
            let mut outcomes = Vec::new();
            for lost in state.lost() {
                outcomes.push(match lost {
                    Lost::Model => {
                        if let Some(reserved) = reserved(writer, &turn)? {
                            writer.settle(turn.agent, reserved, reserved)?;
                        }
                        let message = "The answer was cut short".to_owned();
                        let problem = Problem { code: "cancelled".to_owned(), message };
                        TurnEvent::ModelFailed { problem, retryable: false }
                    }
                    Lost::Repeatable(call) | Lost::Unknown(call) => {
                        let text = "Cut short by a cancel; it may have done a part.".to_owned();
                        let outcome = ToolOutcome { text, status: ToolStatus::Cancelled };
                        TurnEvent::ToolFinished { call, outcome }
                    }
                });
            }
            log::append(writer, &agent, &turn, now, outcomes)?;
            Ok::<_, Error>(())
        };
        self.0.ports.store.write(abort).await?;
        self.0.went_on(&work.turn);
        Ok(())
    }
}

/// Returns what the turn's last model call holds back.
pub(super) fn reserved(
    reader: &dyn roost_ports::store::Reader,
    turn: &roost_ports::store::Turn,
) -> Result<Option<roost_domain::unit::MicroUsd>, Error> {
    let events = reader.turn_events(turn.session, turn.id)?;
    Ok(events.iter().rev().find_map(|event| match &event.body {
        Body::Turn { event: TurnEvent::ModelCalled { reserved, .. }, .. } => Some(*reserved),
        Body::Turn { .. } | Body::Journal(_) | Body::SessionStarted { .. } => None,
    }))
}
