use roost_domain::event::{Body, Problem, TurnEvent};
use roost_domain::tool::{ToolCallId, ToolOutcome, ToolStatus};
use roost_domain::turn::Lost;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Reader, Turn, Writer};

use super::{Turns, Work};
use crate::{Error, log};

impl Turns<'_> {
    /// Writes the outcome of everything that the worker has just cut short because of a cancel.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn abort(&self, work: &Work) -> Result<(), Error> {
        self.cut_short(work, |lost| match lost {
            Lost::Model => {
                let message = "The answer was cut short".to_owned();
                let problem = Problem { code: "cancelled".to_owned(), message };
                TurnEvent::ModelFailed { problem, retryable: false }
            }
            Lost::Repeatable(call) | Lost::Unknown(call) => {
                cut(call, "Cut short by a cancel; it may have done a part.")
            }
        })
        .await
    }

    /// Writes the outcome of everything that the worker has just cut short because the server goes down, so that
    /// the next start goes on with it. The lease stays, and is given back then.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn interrupt(&self, work: &Work) -> Result<(), Error> {
        self.cut_short(work, |lost| match lost {
            Lost::Model => TurnEvent::ModelLost,
            Lost::Repeatable(call) => TurnEvent::ToolLost { call },
            Lost::Unknown(call) => {
                cut(call, "Cut short because the server was stopped; it may have done a part.")
            }
        })
        .await
    }

    async fn cut_short(
        &self,
        work: &Work,
        outcome: impl Fn(Lost) -> TurnEvent + Send + 'static,
    ) -> Result<(), Error> {
        let (turn, now) = (work.turn.clone(), self.0.now());
        let write = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            let lost = log::fold(writer, &agent, &turn)?.lost();
            if lost.contains(&Lost::Model) {
                settle_unseen(writer, &turn)?;
            }
            log::append(writer, &agent, &turn, now, lost.into_iter().map(outcome).collect())?;
            Ok::<_, Error>(())
        };
        self.0.ports.store.write(write).await?;
        self.0.went_on(&work.turn);
        Ok(())
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
        writer.settle(turn.agent, reserved, reserved)?;
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
