use futures_util::StreamExt;
use jiff::tz::TimeZone;
use roost_domain::agent::{Agent, Failure, Settings};
use roost_domain::approval::Question;
use roost_domain::context::{self, Bounds, Persona, Source};
use roost_domain::conversation::{Answer, Conversation, Message};
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::event::{Ending, Event, Offset, Problem, TurnEvent};
use roost_domain::gate::{Decision, Permit};
use roost_domain::id::ApprovalId;
use roost_domain::model::{Price, Usage};
use roost_domain::page::Limit;
use roost_domain::secret::Secret;
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::model::{Chunk, Description, Error as ModelError, Request};
use roost_ports::store::{DocumentName, Reader, Turn, Writer};

use super::park::release;
use super::use_tool::may_begin;
use super::{Turns, Work};
use crate::error::with_causes;
use crate::{Core, Error, ProgressOf, gate, log};

/// How much of a session's log is read at a time, from its end backwards.
const PAGE: Limit = Limit::clamped(250, 250);

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

    /// Gathers what a call is made from, or says why there can be none.
    async fn brief(&self, work: &Work) -> Result<Result<Brief, Problem>, Error> {
        let (turn, now, max) = (work.turn.clone(), self.0.now(), self.0.settings.max_input);
        let tools = self.0.ports.tools.specs();
        let materials = self.0.ports.store.read(move |reader| Materials::read(reader, &turn, max)).await?;
        let model = &materials.agent.model;
        let described = self.0.ports.models.describe(model);
        let description = described.as_ref().copied().unwrap_or(Description {
            price: Price::FREE,
            priced: false,
            context: Tokens(32_000),
            max_output: Tokens(4_096),
        });
        let output = description.max_output.min(self.0.settings.max_output);
        let bounds = Bounds {
            input: description.context.saturating_sub(output).min(self.0.settings.max_input),
            output,
        };
        let source = Source {
            persona: &materials.persona,
            events: &materials.events,
            turn: work.turn.id,
            tools: &tools,
            now: now.max(work.turn.created_at),
        };
        let conversation = context::assemble(&source, bounds);
        let key = match self.0.provider_key(&materials.agent).await {
            Ok(key) => key,
            Err(error) => {
                // Trying again does not make a secret readable.
                tracing::error!(agent = %work.turn.agent, error = %with_causes(&error), "a model key cannot be read");
                let message = format!("The stored key for {model} cannot be read; store it again");
                return Ok(Err(Problem { code: "model_key_unreadable".to_owned(), message }));
            }
        };
        if !description.priced && described.is_ok() && materials.settings.budget.is_some() {
            let message = format!(
                "The agent has a budget, but the price of {model} is not known, so the budget cannot be held. Give \
                 the price in the server's configuration, or remove config.budgetUsd"
            );
            return Ok(Err(Problem { code: "price_unknown".to_owned(), message }));
        }
        Ok(Ok(Brief {
            price: description.price,
            unknown: described.err(),
            agent: materials.agent,
            key,
            conversation,
        }))
    }

    async fn intend_call(
        &self,
        work: &Work,
        brief: &Brief,
        leave: Option<ApprovalId>,
    ) -> Result<Intended, Error> {
        let (core, turn, now) = (self.0.clone(), work.turn.clone(), self.0.now());
        let worst_case = worst_case(&brief.conversation, &brief.price);
        let folded = work.folded.clone();
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
                action: Action::CallModel { model: agent.model.clone(), worst_case },
            };
            match gate::decide(writer, &agent, &effect, leave)? {
                Decision::Allowed(permit) => {
                    writer.reserve(agent.id, worst_case)?;
                    let called = TurnEvent::ModelCalled { model: agent.model.clone(), reserved: worst_case };
                    let (_, events) = log::append(writer, &agent, &turn, &folded, now, vec![called])?;
                    let offset = events.last().map_or(Offset::START, |event| event.offset);
                    Ok(Intended::Called(Call { permit, offset, reserved: worst_case }))
                }
                Decision::NeedsApproval(reason) => {
                    let ask = gate::Ask {
                        id: core.ports.random.id::<ApprovalId>(now),
                        turn: &turn,
                        effect: &effect,
                        question: Question::MayAct,
                        reason: reason.to_string(),
                        expires_at: now + Settings::read(&agent.config)?.approval_ttl,
                    };
                    let event = gate::ask(writer, ask, now)?;
                    log::append(writer, &agent, &turn, &folded, now, vec![event])?;
                    Ok(Intended::Waits)
                }
                Decision::Blocked(reason) => {
                    let (code, message) = (reason.rule.to_owned(), reason.to_string());
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
            key: brief.key.clone(),
        };
        let mut chunks = match self.0.ports.models.stream(&call.permit, request).await {
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
        (Err(ModelError::Broken { provider: brief.agent.model.provider().to_owned() }), written)
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
            writer.settle(agent.id, reserved, cost)?;
            let day = now.to_zoned(TimeZone::UTC).date();
            writer.add_usage(agent.account, agent.id, &model, day, usage, cost)?;
            let (state, _) = log::append(writer, &agent, turn, folded, now, vec![event])?;
            let [roost_domain::turn::Act::End(ending)] = &state.due()[..] else { return Ok(false) };
            log::end(writer, &*core.ports.random, &agent, turn, folded, ending.clone(), now)?;
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
        let cost = cost_of_failure(brief, &error, written).min(reserved);
        let problem = Problem { code: error.code().to_owned(), message: with_causes(&error) };
        let failure = Failure { category: error.category(), message: problem.message.clone() };
        let event = TurnEvent::ModelFailed { problem, retryable: error.retryable() };
        tracing::warn!(agent = %turn.agent, turn = %turn.id, code = error.code(), error = %with_causes(&error), "the model did not answer");
        let outcome = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &turn)?;
            writer.settle(agent.id, reserved, cost)?;
            log::append(writer, &agent, &turn, &folded, now, vec![event])?;
            writer.update_agent(&Agent { last_failure: Some(failure), ..agent })?;
            Ok::<_, Error>(false)
        };
        self.0.ports.store.write(outcome).await
    }
}

/// What a call is made from.
struct Brief {
    agent: Agent,
    key: Option<Secret>,
    conversation: Conversation,
    price: Price,
    unknown: Option<ModelError>,
}

struct Materials {
    agent: Agent,
    settings: Settings,
    persona: Persona,
    events: Vec<Event>,
}

impl Materials {
    fn read(reader: &dyn Reader, turn: &Turn, max: Tokens) -> Result<Self, Error> {
        let agent = log::agent_of(reader, turn)?;
        let settings = Settings::read(&agent.config)?;
        let document = |name| -> Result<Option<String>, Error> {
            Ok(reader.document(agent.id, name)?.map(|document| document.content))
        };
        let persona = Persona {
            name: agent.name.clone(),
            description: agent.description.clone(),
            system_prompt: settings.system_prompt.clone(),
            identity: document(DocumentName::Identity)?,
            soul: document(DocumentName::Soul)?,
            workflow: document(DocumentName::Workflow)?,
        };
        let events = history(reader, turn, max)?;
        Ok(Self { agent, settings, persona, events })
    }
}

/// Returns the turn's own events and as much of the rest of the session as may fit into a context, in order. The
/// oldest other turn may be torn; the context leaves it out.
///
/// Turns that queue begin before the one ahead of them ends, so the session is read from its end and not from where
/// the turn begins.
fn history(reader: &dyn Reader, turn: &Turn, max: Tokens) -> Result<Vec<Event>, Error> {
    let mut oldest = Offset(u64::MAX);
    let mut room = max;
    let mut pages = Vec::new();
    while oldest > Offset(1) && room > Tokens(0) {
        let page = reader.events_before(turn.session, oldest, PAGE)?;
        let Some(first) = page.first() else { break };
        oldest = first.offset;
        room = page.iter().fold(room, |room, event| room.saturating_sub(context::weight(event)));
        pages.push(page);
    }
    if oldest > Offset(1) {
        let mut own = reader.turn_events(turn.session, turn.id)?;
        own.retain(|event| event.offset < oldest);
        pages.push(own);
    }
    Ok(pages.into_iter().rev().flatten().collect())
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

/// Returns the most a call can cost: no text has more tokens than bytes, and providers add a little of their own.
fn worst_case(conversation: &Conversation, price: &Price) -> MicroUsd {
    const PROVIDERS_OWN: usize = 1_000;
    let mut bytes = conversation.system.len() + PROVIDERS_OWN;
    for message in &conversation.messages {
        bytes += 16
            + match message {
                Message::User(text) | Message::ToolResult { text, .. } => text.len(),
                Message::Assistant { text, calls } => {
                    text.len() + calls.iter().map(|call| call.arguments.to_string().len() + 32).sum::<usize>()
                }
            };
    }
    for tool in &conversation.tools {
        bytes += tool.name.len() + tool.description.len() + tool.parameters.to_string().len();
    }
    let input = Tokens(bytes as u64);
    // Writing to a provider's cache can cost more than plain input.
    let dearest = if price.cache_written > price.input { input } else { Tokens(0) };
    let usage = Usage { input, cached: Tokens(0), cache_written: dearest, output: conversation.max_output };
    price.cost(usage)
}

/// Returns what a call that failed may have cost: nothing if it was refused, the input and what had been written if
/// it broke off.
fn cost_of_failure(brief: &Brief, error: &ModelError, written: usize) -> MicroUsd {
    match error {
        ModelError::Broken { .. } | ModelError::Timeout { .. } | ModelError::Nonsense { .. } => {
            let conversation =
                Conversation { max_output: Tokens(written as u64), ..brief.conversation.clone() };
            worst_case(&conversation, &brief.price)
        }
        ModelError::UnknownModel { .. }
        | ModelError::NoKey { .. }
        | ModelError::Auth { .. }
        | ModelError::RateLimited { .. }
        | ModelError::Refused { .. }
        | ModelError::Failed { .. }
        | ModelError::Unreachable { .. } => MicroUsd::ZERO,
    }
}

impl Core {
    /// Returns the agent's own key for its model's provider.
    pub(crate) async fn provider_key(&self, agent: &Agent) -> Result<Option<Secret>, Error> {
        let (id, name) = (agent.id, provider_secret(agent.model.provider()));
        let place = secret_place(agent, &name);
        let sealed = self.ports.store.read(move |reader| Ok::<_, Error>(reader.secret(id, &name)?)).await?;
        Ok(sealed.map(|sealed| self.ports.vault.open(agent.account, &place, &sealed)).transpose()?)
    }
}

/// Returns the name of the secret that holds an agent's key for a provider.
pub(crate) fn provider_secret(provider: &str) -> String {
    format!("{}_api_key", provider.replace('-', "_"))
}

/// Returns where a secret of an agent stands, to which its ciphertext is bound.
pub(crate) fn secret_place(agent: &Agent, name: &str) -> String {
    format!("agent/{}/{name}", agent.id)
}
