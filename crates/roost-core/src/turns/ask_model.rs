use futures_util::StreamExt;
use roost_domain::agent::{Agent, Failure};
use roost_domain::approval::Question;
use roost_domain::conversation::Answer;
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::event::{Ending, Offset, Problem, TurnEvent};
use roost_domain::gate::{Decision, Permit};
use roost_domain::id::ApprovalId;
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_domain::unit::MicroUsd;
use roost_ports::model::{Chunk, Error as ModelError, Request};
use roost_ports::store::{Amounts, Writer};

use super::brief::Brief;
use super::cost::{cost_of_failure, worst_case};
use super::delegate::{reserve, settle};
use super::park::release;
use super::use_tool::{may_begin, used};
use super::{Turns, Work};
use crate::error::with_causes;
use crate::gate::Facts;
use crate::usage::{count, unanswered};
use crate::{Error, ProgressOf, gate, log, runs};

impl Turns<'_> {
    /// Asks the agent's model: reserves the worst case and writes the intent in one transaction, asks, settles
    /// and writes the outcome in another. An answer that ends the turn ends it in that transaction too.
    ///
    /// Returns `true` if the turn ended and the worker no longer holds it.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails. A model that does not answer is an
    /// outcome.
    ///
    /// # Cancel
    ///
    /// Dropping the future leaves the intent without an outcome; the caller writes that with [`Turns::abort`].
    pub async fn ask_model(&self, work: &Work, leave: Option<ApprovalId>) -> Result<bool, Error> {
        self.recall(work).await?;
        let mut brief = match self.brief(work).await? {
            Ok(brief) => brief,
            Err(problem) => {
                self.end(work, Ending::Failed(problem)).await?;
                return Ok(true);
            }
        };
        let call = match self.intend_call(work, &brief, leave).await? {
            Intended::Called(call) => call,
            Intended::Waits | Intended::Held => return Ok(false),
            Intended::Blocked(problem) => {
                self.end(work, Ending::Failed(problem)).await?;
                return Ok(true);
            }
        };
        let unfinished = self.0.hub.begin(work.turn.session, ProgressOf::Model(call.offset));
        let (answer, written) = match brief.unknown.take() {
            Some(error) => (Err(error), 0),
            None => self.listen(&brief, &call, &unfinished).await,
        };
        let ended = match answer {
            Ok(answer) => self.answered(work, &brief, &call, answer).await,
            Err(error) => self.failed(work, &brief, &call, error, written).await,
        };
        // Watchers must find the outcome in the log before the unfinished text is gone.
        self.0.went_on(&work.turn);
        drop(unfinished);
        ended
    }

    async fn intend_call(
        &self,
        work: &Work,
        brief: &Brief,
        leave: Option<ApprovalId>,
    ) -> Result<Intended, Error> {
        let (core, turn, now) = (self.0.clone(), work.turn.clone(), self.0.now());
        let worst_case = worst_case(&brief.conversation, &brief.price);
        // The agent's model may be changed meanwhile; the call is for the one it was prepared for.
        let (folded, model) = (work.folded.clone(), brief.agent.model.clone());
        let intend = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            if !may_begin(writer, &agent, &turn, &folded)? {
                return Ok(Intended::Held);
            }
            let effect = Effect {
                agent: turn.agent,
                session: turn.session,
                turn: turn.id,
                cause: Cause::Loop,
                action: Action::CallModel { model: model.clone(), worst_case },
                scripts: Vec::new(),
            };
            if let Some(problem) = runs::exceeded(&core, writer, &turn, worst_case)? {
                return Ok(Intended::Blocked(problem));
            }
            let facts = Facts::of_turn(&core, writer, &agent, &turn)?;
            let used = used(writer, &agent, &turn, &folded, now)?;
            match facts.decide(writer, &agent, &effect, leave, used, None)? {
                Decision::Allowed(permit, _) => {
                    if let Some(leave) = leave {
                        gate::executed(writer, &agent, leave, now)?;
                    }
                    reserve(writer, &turn, worst_case)?;
                    let called = TurnEvent::ModelCalled { model, reserved: worst_case };
                    let (_, events) = log::append(writer, &agent, &turn, &folded, now, vec![called])?;
                    let offset = events.last().map_or(Offset::START, |event| event.offset);
                    Ok(Intended::Called(Call { permit, offset, reserved: worst_case }))
                }
                Decision::NeedsApproval(opinion) => {
                    let id = core.ports.random.id::<ApprovalId>(now);
                    let ask = gate::Ask {
                        id,
                        turn: &turn,
                        effect: &effect,
                        question: Question::MayAct,
                        reason: opinion.to_string(),
                        terms: facts.terms(facts.settings.approval_ttl),
                        found: None,
                        compared: None,
                    };
                    let event = gate::ask(&core, writer, ask, now)?;
                    gate::note(
                        &core,
                        writer,
                        gate::Noted { turn: &turn, effect: &effect, facts: &facts },
                        &opinion,
                        Some(id),
                        now,
                    )?;
                    log::append(writer, &agent, &turn, &folded, now, vec![event])?;
                    Ok(Intended::Waits)
                }
                Decision::Blocked(opinion) => {
                    gate::note(
                        &core,
                        writer,
                        gate::Noted { turn: &turn, effect: &effect, facts: &facts },
                        &opinion,
                        None,
                        now,
                    )?;
                    let (code, message) = (opinion.code.to_owned(), opinion.to_string());
                    Ok::<_, Error>(Intended::Blocked(Problem { code, message }))
                }
            }
        };
        let intended = self.0.ports.store.write(intend).await?;
        self.0.went_on(&work.turn);
        Ok(intended)
    }

    /// Listens to the answer, and tells how much text had come when it ended either way.
    async fn listen(
        &self,
        brief: &Brief,
        call: &Call,
        unfinished: &crate::hub::Unfinished,
    ) -> (Result<Answer, ModelError>, usize) {
        let request = Request {
            model: brief.agent.model.clone(),
            conversation: brief.conversation.clone(),
            wishes: brief.wishes.clone(),
            key: brief.key.clone(),
        };
        let begun = match &brief.said {
            Some(said) => self.0.runtimes().ask(&brief.agent, said.clone()).await,
            None => self.0.ports.models.stream(&call.permit, request).await,
        };
        let mut chunks = match begun {
            Ok(chunks) => chunks,
            Err(error) => return (Err(error), 0),
        };
        let mut written = 0;
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(Chunk::Text(text)) => {
                    written += text.len();
                    unfinished.push(&text);
                }
                Ok(Chunk::End(answer)) => return (Ok(answer), written),
                Err(error) => return (Err(error), written),
            }
        }
        let error = match &brief.said {
            Some(_) => ModelError::OutcomeUnknown {
                runtime: brief.agent.runtime.name(),
                problem: "its answer broke off".to_owned(),
            },
            None => ModelError::Broken { provider: brief.agent.model.provider().to_owned() },
        };
        (Err(error), written)
    }

    async fn answered(&self, work: &Work, brief: &Brief, call: &Call, answer: Answer) -> Result<bool, Error> {
        let (core, held, now) = (self.0.clone(), work.clone(), self.0.now());
        let (cost, reserved, model) =
            (brief.price.cost(answer.usage), call.reserved, brief.agent.model.clone());
        let calls = rename(answer.calls, call.offset);
        let Answer { text, stop, usage, .. } = answer;
        let event = TurnEvent::ModelAnswered { text, calls, stop, usage, cost };
        let outcome = move |writer: &mut dyn Writer| {
            let (turn, folded) = (&held.turn, &held.folded);
            let agent = log::agent_of(writer, turn)?;
            settle(writer, turn, reserved, cost)?;
            // The calls of a hosted runtime are counted where they are made.
            if !agent.runtime.is_hosted() {
                let amounts = Amounts { calls: 1, usage, cost, ..Amounts::default() };
                let asked = Agent { model, ..agent.clone() };
                count(writer, &asked, Some(turn.session), amounts, now)?;
            }
            let (state, _) = log::append(writer, &agent, turn, folded, now, vec![event])?;
            let [roost_domain::turn::Act::End(ending)] = &state.due()[..] else { return Ok(false) };
            log::end(writer, &core, &agent, turn, folded, ending.clone(), now)?;
            release(writer, &held)?;
            Ok::<_, Error>(true)
        };
        let ended = self.0.ports.store.write(outcome).await?;
        if ended {
            self.0.queued.notify_one();
        }
        Ok(ended)
    }

    async fn failed(
        &self,
        work: &Work,
        brief: &Brief,
        call: &Call,
        error: ModelError,
        written: usize,
    ) -> Result<bool, Error> {
        let (turn, now, reserved) = (work.turn.clone(), self.0.now(), call.reserved);
        let folded = work.folded.clone();
        let cost = cost_of_failure(&brief.conversation, &brief.price, &error, written).min(reserved);
        let problem = Problem { code: error.code().to_owned(), message: with_causes(&error) };
        let failure = Failure { category: error.category(), message: problem.message.clone() };
        let event = TurnEvent::ModelFailed { problem, retryable: error.retryable() };
        let model = brief.agent.model.clone();
        tracing::warn!(agent = %turn.agent, turn = %turn.id, code = error.code(), error = %with_causes(&error), "the model did not answer");
        let outcome = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            settle(writer, &turn, reserved, cost)?;
            if let Some(amounts) = unanswered(cost) {
                let asked = Agent { model, ..agent.clone() };
                count(writer, &asked, Some(turn.session), amounts, now)?;
            }
            log::append(writer, &agent, &turn, &folded, now, vec![event])?;
            writer.update_agent(&Agent { last_failure: Some(failure), ..agent })?;
            Ok::<_, Error>(false)
        };
        self.0.ports.store.write(outcome).await
    }
}

struct Call {
    permit: Permit,
    offset: Offset,
    reserved: MicroUsd,
}

enum Intended {
    Called(Call),
    Waits,
    /// Somebody cancelled the turn or put the agent on hold; nothing was written.
    Held,
    Blocked(Problem),
}

/// Gives an answer's tool calls names of our own; see [`ToolCallId`].
fn rename(calls: Vec<ToolCall>, offset: Offset) -> Vec<ToolCall> {
    calls
        .into_iter()
        .enumerate()
        .map(|(index, call)| ToolCall { id: ToolCallId::at(offset, index), ..call })
        .collect()
}
