use futures_util::StreamExt;
use roost_domain::agent::Agent;
use roost_domain::context::estimate;
use roost_domain::conversation::{Answer, Conversation, Message, Wishes};
use roost_domain::id::{AgentId, ModelCallId, ResponseId};
use roost_domain::key::Scope;
use roost_domain::model::{ModelName, Price};
use roost_domain::response::{AnsweredBy, Response};
use roost_domain::secret::Secret;
use roost_ports::model::{Chunk, Chunks, Description, Error as ModelError, Request};
use roost_ports::store::{Amounts, ModelCall, Writer};
use serde_json::Value;

use super::ModelCalls;
use super::intent::{Intent, refused};
use super::settle::book;
use crate::turns::{cost_of_failure, worst_case};
use crate::{Core, Ctx, Error, Kind};

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
    /// the agent's budget, or what the account's plan allows for models that it asks itself, does not suffice; `NotFound` with the code `model_not_found`; `InvalidInput` with the code
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
                self.0.settle_failed(&call, cost).await?;
                begun.is_handed_on = true;
                return Err(told(&error));
            }
        };
        begun.is_handed_on = true;
        let response = keep.map(|asked| (self.0.ports.random.id::<ResponseId>(ctx.now), asked));
        Ok(Completion {
            core: self.0.clone(),
            call,
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
        | ModelError::OutcomeUnknown { .. }
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
        &self.call.model
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
                let provider = self.call.model.provider().to_owned();
                Err(self.failed(&ModelError::Broken { provider }).await?)
            }
        }
    }

    async fn answered(&mut self, answer: &Answer) -> Result<(), Error> {
        let cost = self.price.cost(answer.usage);
        let (call, now, usage) = (self.call.clone(), self.core.now(), answer.usage);
        let response = self.response.clone().map(|(id, asked)| {
            let said: Vec<Message> = self.conversation.messages.clone();
            let by = AnsweredBy::Model { model: call.model.clone(), said, answer: answer.clone() };
            Response { id, account: call.account, created_at: now, asked, by }
        });
        let settle = move |writer: &mut dyn Writer| {
            if writer.delete_model_call(call.id)? {
                writer.settle(call.ledger, call.reserved, cost)?;
            }
            book(writer, &call, Amounts { calls: 1, usage, cost, ..Amounts::default() }, now)?;
            match &response {
                Some(response) => Ok(writer.insert_response(response)?),
                None => Ok(()),
            }
        };
        self.core.ports.store.write::<_, Error>(settle).await?;
        self.core.live_calls.end(self.call.id);
        self.is_over = true;
        Ok(())
    }

    async fn failed(&mut self, error: &ModelError) -> Result<Error, Error> {
        let cost = cost_of_failure(&self.conversation, &self.price, error, self.written);
        self.core.settle_failed(&self.call, cost).await?;
        self.is_over = true;
        Ok(told(error))
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if !self.is_over {
            let provider = self.call.model.provider().to_owned();
            let broken = ModelError::Broken { provider };
            let cost = cost_of_failure(&self.conversation, &self.price, &broken, self.written);
            self.core.live_calls.abandon(self.call.id, cost);
        }
    }
}
