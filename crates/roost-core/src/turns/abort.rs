use roost_domain::agent::{Agent, State};
use roost_domain::event::{Body, Problem, TurnEvent};
use roost_domain::tool::{ToolCallId, ToolOutcome, ToolStatus};
use roost_domain::turn::Lost;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Reader, Turn, Writer};

use super::delegate::payers;
use super::{Turns, Work};
use crate::{Error, log};

impl Turns<'_> {
    /// Writes the outcome of everything that the worker has just cut short because of a cancel.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn abort(&self, work: &Work) -> Result<(), Error> {
        let agent = self
            .cut_short(work, |lost| match lost {
                Lost::Model => {
                    let message = "The answer was cut short".to_owned();
                    let problem = Problem { code: "cancelled".to_owned(), message };
                    Some(TurnEvent::ModelFailed { problem, retryable: false })
                }
                Lost::Repeatable(call) | Lost::Unknown(call) => {
                    Some(cut(call, "Cut short by a cancel; it may have done a part."))
                }
            })
            .await?;
        if agent.state == State::Stopped {
            // The act may have brought the machine up again just after it was stopped.
            self.0.ports.machines.stop(agent.id).await?;
        }
        self.0.queued.notify_one();
        Ok(())
    }

    /// Writes what became of everything that the worker has just cut short because the server goes down, so that
    /// the next start goes on with it. What does no harm twice is done again then; of anything else nobody knows
    /// how much was done, so it is left as it is and the next start asks a person. The lease stays, and is given
    /// back then.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn interrupt(&self, work: &Work) -> Result<(), Error> {
        self.cut_short(work, |lost| match lost {
            Lost::Model => Some(TurnEvent::ModelLost),
            Lost::Repeatable(call) => Some(TurnEvent::ToolLost { call }),
            Lost::Unknown(_) => None,
        })
        .await?;
        Ok(())
    }

    async fn cut_short(
        &self,
        work: &Work,
        outcome: impl Fn(Lost) -> Option<TurnEvent> + Send + 'static,
    ) -> Result<Agent, Error> {
        let (turn, folded, now) = (work.turn.clone(), work.folded.clone(), self.0.now());
        let write = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            let lost = log::fold(writer, &agent, &turn, &folded)?.lost();
            if lost.contains(&Lost::Model) {
                settle_unseen(writer, &turn)?;
            }
            log::append(writer, &agent, &turn, &folded, now, lost.into_iter().filter_map(outcome).collect())?;
            Ok::<_, Error>(agent)
        };
        let agent = self.0.ports.store.write(write).await?;
        self.0.went_on(&work.turn);
        Ok(agent)
    }
}

fn cut(call: ToolCallId, text: &str) -> TurnEvent {
    let outcome = ToolOutcome { text: text.to_owned(), status: ToolStatus::Cancelled };
    TurnEvent::ToolFinished { call, outcome }
}

/// Books the whole reservation of a model call whose end nobody saw: the provider may have charged all of it, and
/// a budget must not be overshot.
pub(super) fn settle_unseen(writer: &mut dyn Writer, turn: &Turn) -> Result<(), Error> {
    if let Some(reserved) = reserved(writer, turn)? {
        for payer in payers(turn) {
            writer.settle(payer, reserved, reserved)?;
        }
    }
    Ok(())
}

/// Returns what the turn's last model call holds back.
fn reserved(reader: &dyn Reader, turn: &Turn) -> Result<Option<MicroUsd>, Error> {
    let events = reader.turn_events(turn.session, turn.id)?;
    Ok(events.iter().rev().find_map(|event| {
        if let Body::Turn { event: TurnEvent::ModelCalled { reserved, .. }, .. } = &event.body {
            Some(*reserved)
        } else {
            None
        }
    }))
}
