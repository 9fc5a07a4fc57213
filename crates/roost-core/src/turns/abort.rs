use jiff::Timestamp;
use roost_domain::agent::{Agent, State};
use roost_domain::event::{Body, Problem, TurnEvent};
use roost_domain::model::ModelName;
use roost_domain::tool::{ToolCallId, ToolOutcome, ToolStatus};
use roost_domain::turn::Lost;
use roost_domain::unit::MicroUsd;
use roost_ports::model::Error as ModelError;
use roost_ports::store::{Reader, Turn, Writer};

use super::delegate::settle;
use super::{Turns, Work};
use crate::usage::{count, unanswered};
use crate::{Error, log};

impl Turns<'_> {
    /// Writes the outcome of everything that the worker has just cut short because of a cancel.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub async fn abort(&self, work: &Work) -> Result<(), Error> {
        let agent = self
            .cut_short(work, |_, lost| match lost {
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
        self.cut_short(work, |agent, lost| match lost {
            Lost::Model => Some(lost_answer(agent)),
            Lost::Repeatable(call) => Some(TurnEvent::ToolLost { call }),
            Lost::Unknown(_) => None,
        })
        .await?;
        Ok(())
    }

    async fn cut_short(
        &self,
        work: &Work,
        outcome: impl Fn(&Agent, Lost) -> Option<TurnEvent> + Send + 'static,
    ) -> Result<Agent, Error> {
        let (turn, folded, now) = (work.turn.clone(), work.folded.clone(), self.0.now());
        let write = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            let lost = log::fold(writer, &agent, &turn, &folded)?.lost();
            if lost.contains(&Lost::Model) {
                settle_unseen(writer, &agent, &turn, now)?;
            }
            let outcomes = lost.into_iter().filter_map(|lost| outcome(&agent, lost)).collect();
            log::append(writer, &agent, &turn, &folded, now, outcomes)?;
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

/// Returns what becomes of an answer that nobody heard the end of, as the server stopped. A model is asked again; a
/// hosted runtime may have done what it was told, and is not told twice.
pub(super) fn lost_answer(agent: &Agent) -> TurnEvent {
    if !agent.runtime.is_hosted() {
        return TurnEvent::ModelLost;
    }
    let problem = "the server stopped meanwhile".to_owned();
    let error = ModelError::OutcomeUnknown { runtime: agent.runtime.name(), problem };
    let problem = Problem { code: error.code().to_owned(), message: error.to_string() };
    TurnEvent::ModelFailed { problem, retryable: error.retryable() }
}

/// Books the whole reservation of a model call whose end nobody saw: the provider may have charged all of it, and
/// a budget must not be overshot.
pub(super) fn settle_unseen(
    writer: &mut dyn Writer,
    agent: &Agent,
    turn: &Turn,
    now: Timestamp,
) -> Result<(), Error> {
    let Some((model, reserved)) = last_call(writer, turn)? else { return Ok(()) };
    settle(writer, turn, reserved, reserved)?;
    if let Some(amounts) = unanswered(reserved) {
        let asked = Agent { model, ..agent.clone() };
        count(writer, &asked, Some(turn.session), amounts, now)?;
    }
    Ok(())
}

/// Returns which model the turn asked last, and what is held back for it.
fn last_call(reader: &dyn Reader, turn: &Turn) -> Result<Option<(ModelName, MicroUsd)>, Error> {
    let events = reader.turn_events(turn.session, turn.id)?;
    Ok(events.into_iter().rev().find_map(|event| {
        if let Body::Turn { event: TurnEvent::ModelCalled { model, reserved }, .. } = event.body {
            Some((model, reserved))
        } else {
            None
        }
    }))
}
