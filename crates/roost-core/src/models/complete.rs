use futures_util::StreamExt;
use jiff::tz::TimeZone;
use roost_domain::agent::Agent;
use roost_domain::context::estimate;
use roost_domain::conversation::{Answer, Conversation, Message, Wishes};
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::gate::{self, Decision, Permit, Profile, Rules, Used};
use roost_domain::guard::{Guard, Opinion};
use roost_domain::id::{AccountId, AgentId, ModelCallId, ResponseId, TurnId};
use roost_domain::key::Scope;
use roost_domain::model::{ModelName, Price};
use roost_domain::network::NetworkRules;
use roost_domain::policy::Ruling;
use roost_domain::response::{AnsweredBy, Response};
use roost_domain::secret::Secret;
use roost_domain::subject::Subject;
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_domain::unit::MicroUsd;
use roost_ports::model::{Chunk, Chunks, Description, Error as ModelError, Request};
use roost_ports::store::{self, Amounts, DecisionEntry, ModelCall, Writer};
use serde_json::{Value, json};

use super::ModelCalls;
use crate::gate::Facts;
use crate::turns::{cost_of_failure, worst_case};
use crate::{Core, Ctx, Error, Kind};

/// The name under which policies and permissions know a model that an account asks itself.
const TOOL: &str = "call_model";

/// For whom a model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The account itself: the server's key is used, and policies and permissions of the subject `account` hold, in
    /// which the call is named `call_model` with the parameter `model`.
    Account,
    /// An agent, outside of its turns: its key is used, and its policy, permissions and budget hold.
    Agent(AgentId),
}

/// A model call outside of any turn.
#[derive(Debug, Clone)]
pub struct Complete {
    /// For whom.
    pub asker: Asker,
    /// The model.
    pub model: ModelName,
    /// What it reads. What it may write is cut to what the model and the server allow.
    pub conversation: Conversation,
    /// How it is to answer.
    pub wishes: Wishes,
    /// What the request asked with, if the answer is to be kept under a name.
    pub keep: Option<Value>,
}

/// A model's answer as it is written. Dropping it closes the connection to the provider; what the call may have cost
/// until then is booked.
pub struct Completion {
    core: Core,
    call: ModelCall,
    account: AccountId,
    model: ModelName,
    conversation: Conversation,
    price: Price,
    chunks: Chunks,
    written: usize,
    response: Option<(ResponseId, Value)>,
    is_over: bool,
}

impl ModelCalls<'_> {
    /// Asks a model: the gate decides and the worst case is reserved in one transaction, then the provider is asked.
    ///
    /// # Errors
    ///
    /// `Forbidden` with the gate's code if it is not allowed (nothing can wait for a person here); `QuotaExceeded` if
    /// the agent's budget does not suffice; `NotFound` with the code `model_not_found`; `InvalidInput` with the code
    /// `context_length_exceeded`, or with what the provider says; `RateLimited`, `Timeout` and `Unavailable` as the
    /// provider is.
    pub async fn complete(&self, ctx: &Ctx, complete: Complete) -> Result<Completion, Error> {
        ctx.require(Scope::Chat)?;
        let Complete { asker, model, mut conversation, wishes, keep } = complete;
        let description = self.0.ports.models.describe(&model).map_err(|error| told(&error))?;
        bound(self.0, &model, &description, &mut conversation)?;
        let (agent, key) = self.whose(ctx, asker, &model).await?;
        let id = self.0.ports.random.id::<ModelCallId>(ctx.now);
        let intent = Intent {
            core: self.0.clone(),
            ctx: ctx.clone(),
            agent,
            id,
            model: model.clone(),
            worst_case: worst_case(&conversation, &description.price),
            priced: description.priced,
        };
        self.0.live_calls.begin(id);
        let mut begun = Begun { core: self.0.clone(), id, is_handed_on: false };
        let (permit, call) = match self.0.ports.store.write(move |writer| intent.write(writer)).await? {
            Ok(granted) => granted,
            Err(refusal) => return Err(refused(&refusal)),
        };
        let request = Request { model: model.clone(), conversation: conversation.clone(), wishes, key };
        let chunks = match self.0.ports.models.stream(&permit, request).await {
            Ok(chunks) => chunks,
            Err(error) => {
                let cost = cost_of_failure(&conversation, &description.price, &error, 0);
                self.0.settle_call(&call, cost, None).await?;
                begun.is_handed_on = true;
                return Err(told(&error));
            }
        };
        begun.is_handed_on = true;
        let response = keep.map(|asked| (self.0.ports.random.id::<ResponseId>(ctx.now), asked));
        Ok(Completion {
            core: self.0.clone(),
            call,
            account: ctx.account(),
            model,
            conversation,
            price: description.price,
            chunks,
            written: 0,
            response,
            is_over: false,
        })
    }

    async fn whose(
        &self,
        ctx: &Ctx,
        asker: Asker,
        model: &ModelName,
    ) -> Result<(Option<Agent>, Option<Secret>), Error> {
        let Asker::Agent(id) = asker else { return Ok((None, None)) };
        let account = ctx.account();
        let agent = self
            .0
            .ports
            .store
            .read(move |reader| reader.agent(account, id)?.ok_or_else(|| Error::not_found("agent", id)))
            .await?;
        // The key is that of the provider that is asked, whatever model the agent has.
        let key = self.0.provider_key(&Agent { model: model.clone(), ..agent.clone() }).await?;
        Ok((Some(agent), key))
    }
}

/// A call that is known to be made, until somebody else looks after it.
struct Begun {
    core: Core,
    id: ModelCallId,
    is_handed_on: bool,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.is_handed_on {
            // Nobody knows whether it was made; if its intent was written, all that was reserved is booked.
            self.core.live_calls.end(self.id);
        }
    }
}

/// Cuts what a model may write to what is allowed, and refuses what it cannot read.
fn bound(
    core: &Core,
    model: &ModelName,
    description: &Description,
    conversation: &mut Conversation,
) -> Result<(), Error> {
    let output = description.max_output.min(core.settings.max_output);
    conversation.max_output = conversation.max_output.min(output);
    let input = estimate(conversation);
    // The estimate errs on the high side, so what is a little too long by it may still fit.
    let most = description.context.0.saturating_sub(conversation.max_output.0).saturating_mul(2);
    if input.0 > most {
        let message = format!(
            "messages are about {} tokens; {model} reads and writes at most {} together",
            input.0, description.context.0
        );
        return Err(Error::new(Kind::InvalidInput, "context_length_exceeded", message));
    }
    Ok(())
}

/// A call that the gate is to decide about.
pub(super) struct Intent {
    pub(super) core: Core,
    pub(super) ctx: Ctx,
    pub(super) agent: Option<Agent>,
    pub(super) id: ModelCallId,
    pub(super) model: ModelName,
    pub(super) worst_case: MicroUsd,
    pub(super) priced: bool,
}

impl Intent {
    fn write(self, writer: &mut dyn Writer) -> Result<Result<(Permit, ModelCall), Opinion>, Error> {
        match self.decide(writer)? {
            Ok((permit, ledger)) => {
                let began_at = self.ctx.now;
                let call = ModelCall { id: self.id, ledger, reserved: self.worst_case, began_at };
                writer.reserve(ledger, self.worst_case)?;
                writer.insert_model_call(&call)?;
                Ok(Ok((permit, call)))
            }
            Err(opinion) => Ok(Err(opinion)),
        }
    }

    /// Lets the gate decide. Returns leave and whose ledger the call stands in; what is not allowed is noted.
    pub(super) fn decide(
        &self,
        writer: &mut dyn Writer,
    ) -> Result<Result<(Permit, AgentId), Opinion>, Error> {
        let (ledger, decision, guard) = match &self.agent {
            Some(agent) => {
                let facts = Facts::read(&self.core, writer, agent)?;
                if facts.settings.budget.is_some() && !self.priced {
                    let message = format!(
                        "the agent has a budget, but the price of {} is not known, so the budget cannot be held",
                        self.model
                    );
                    return Err(Error::new(Kind::InvalidInput, "price_unknown", message));
                }
                let effect = self.effect(agent.id, Cause::Loop);
                let decision = facts.decide(writer, agent, &effect, None, Used::default(), None)?;
                (agent.id, decision, facts.guard)
            }
            None => {
                let account = self.ctx.account();
                let ledger = writer.account_ledger(account, self.ctx.now)?;
                let guard = self.core.editions.guard(writer, account, &Subject::account(), None)?;
                let network = NetworkRules::default();
                let call = ToolCall {
                    id: ToolCallId::from_text(self.id.to_string()),
                    tool: TOOL.to_owned(),
                    arguments: json!({"model": self.model.as_str()}),
                };
                let effect = self.effect(ledger, Cause::Tool(call));
                let decision = gate::decide(&effect, &Rules::new(Profile::Open, &network, &guard));
                (ledger, decision, guard)
            }
        };
        match decision {
            Decision::Allowed(permit, _) => Ok(Ok((permit, ledger))),
            Decision::NeedsApproval(opinion) | Decision::Blocked(opinion) => {
                self.note(writer, &opinion, &guard)?;
                Ok(Err(opinion))
            }
        }
    }

    fn effect(&self, agent: AgentId, cause: Cause) -> Effect {
        Effect {
            agent,
            session: agent.journal(),
            turn: TurnId::from_uuid(self.id.uuid()),
            cause,
            action: Action::CallModel { model: self.model.clone(), worst_case: self.worst_case },
            scripts: Vec::new(),
        }
    }

    fn note(&self, writer: &mut dyn Writer, opinion: &Opinion, guard: &Guard) -> Result<(), Error> {
        let entry = DecisionEntry {
            account: self.ctx.account(),
            subject: self.agent.as_ref().map_or_else(Subject::account, |agent| Subject::hosted(agent.id)),
            key: None,
            tool: TOOL.to_owned(),
            parameters: Some(json!({"model": self.model.as_str()})),
            ruling: Ruling::Block,
            code: opinion.code.to_owned(),
            reason: opinion.why.clone(),
            rule: opinion.rule.clone(),
            version: opinion.version,
            approval: None,
            run: Some(self.id.to_string()),
            triggered_by: None,
            turn: None,
            at: self.ctx.now,
        };
        writer.insert_decision(&entry)?;
        self.core.announce_blocked(writer, guard, &entry)
    }
}

/// Says that the gate does not let a call be made.
pub(super) fn refused(opinion: &Opinion) -> Error {
    let kind = if opinion.code == "budget_exceeded" { Kind::QuotaExceeded } else { Kind::Forbidden };
    let waits = match opinion.ruling {
        Ruling::RequireApproval => {
            " This needs an approval, and a call outside of a turn cannot wait for one."
        }
        Ruling::Allow | Ruling::Block => "",
    };
    Error::new(kind, opinion.code, format!("{opinion}{waits}"))
}

/// Says to a caller why a model did not answer.
fn told(error: &ModelError) -> Error {
    let message = error.to_string();
    match error {
        ModelError::UnknownModel { .. } => Error::new(Kind::NotFound, "model_not_found", message),
        ModelError::NoKey { .. } | ModelError::Refused { .. } => {
            Error::new(Kind::InvalidInput, error.code(), message)
        }
        ModelError::RateLimited { retry_after, .. } => {
            let limited = Error::new(Kind::RateLimited, error.code(), message);
            retry_after.map_or_else(
                || Error::new(Kind::RateLimited, error.code(), error.to_string()),
                |after| limited.retry_after(after),
            )
        }
        ModelError::Timeout { .. } => Error::new(Kind::Timeout, error.code(), message),
        ModelError::Auth { .. }
        | ModelError::Failed { .. }
        | ModelError::Runtime { .. }
        | ModelError::Unreachable { .. }
        | ModelError::Broken { .. }
        | ModelError::Nonsense { .. } => {
            Error::new(Kind::Unavailable, error.code(), crate::error::with_causes(error))
        }
    }
}

impl Completion {
    /// Returns the name that the answer is kept under.
    pub fn response(&self) -> Option<ResponseId> {
        self.response.as_ref().map(|(id, _)| *id)
    }

    /// Returns the call's name.
    pub const fn id(&self) -> ModelCallId {
        self.call.id
    }

    /// Returns the model that is asked.
    pub const fn model(&self) -> &ModelName {
        &self.model
    }

    /// Returns the next piece. When the end is returned, the call is settled, its usage is booked, and the answer is
    /// kept if it was to be; nothing follows it, nor an error.
    ///
    /// # Errors
    ///
    /// As [`ModelCalls::complete`], and `Unavailable` with the code `model_stream_broken` if the answer ended in the
    /// middle; what came of it is no answer then.
    pub async fn next(&mut self) -> Result<Option<Chunk>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let mut next = self.chunks.next().await;
        while matches!(&next, Some(Ok(Chunk::Text(text))) if text.is_empty()) {
            next = self.chunks.next().await;
        }
        match next {
            Some(Ok(Chunk::Text(text))) => {
                self.written += text.len();
                Ok(Some(Chunk::Text(text)))
            }
            Some(Ok(Chunk::End(answer))) => {
                self.answered(&answer).await?;
                Ok(Some(Chunk::End(answer)))
            }
            Some(Err(error)) => Err(self.failed(&error).await?),
            None => {
                let provider = self.model.provider().to_owned();
                Err(self.failed(&ModelError::Broken { provider }).await?)
            }
        }
    }

    async fn answered(&mut self, answer: &Answer) -> Result<(), Error> {
        let cost = self.price.cost(answer.usage);
        let (account, model, now) = (self.account, self.model.clone(), self.core.now());
        let usage = answer.usage;
        let response = self.response.clone().map(|(id, asked)| {
            let said: Vec<Message> = self.conversation.messages.clone();
            let by = AnsweredBy::Model { model: model.clone(), said, answer: answer.clone() };
            Response { id, account, created_at: now, asked, by }
        });
        let ledger = self.call.ledger;
        let book = move |writer: &mut dyn Writer| {
            let day = now.to_zoned(TimeZone::UTC).date();
            let amounts = Amounts { calls: 1, usage, cost, ..Amounts::default() };
            let used = store::Used { account, agent: ledger, session: None, model, day, amounts };
            writer.add_usage(&used)?;
            match &response {
                Some(response) => Ok(writer.insert_response(response)?),
                None => Ok(()),
            }
        };
        self.core.settle_call(&self.call, cost, Some(Box::new(book))).await?;
        self.is_over = true;
        Ok(())
    }

    async fn failed(&mut self, error: &ModelError) -> Result<Error, Error> {
        let cost = cost_of_failure(&self.conversation, &self.price, error, self.written);
        self.core.settle_call(&self.call, cost, None).await?;
        self.is_over = true;
        Ok(told(error))
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if !self.is_over {
            let provider = self.model.provider().to_owned();
            let broken = ModelError::Broken { provider };
            let cost = cost_of_failure(&self.conversation, &self.price, &broken, self.written);
            self.core.live_calls.abandon(self.call.id, cost);
        }
    }
}

/// What is written together with a settlement.
type Also = Box<dyn FnOnce(&mut dyn Writer) -> Result<(), Error> + Send>;

impl Core {
    /// Settles a call once.
    async fn settle_call(&self, call: &ModelCall, cost: MicroUsd, also: Option<Also>) -> Result<(), Error> {
        let settled = call.clone();
        let settle = move |writer: &mut dyn Writer| {
            if writer.delete_model_call(settled.id)? {
                writer.settle(settled.ledger, settled.reserved, cost)?;
            }
            also.map_or(Ok(()), |also| also(writer))
        };
        self.ports.store.write(settle).await?;
        self.live_calls.end(call.id);
        Ok(())
    }
}
