//! Answers that are kept under a name.

use std::time::Duration;

use roost_domain::conversation::{Answer, StopReason};
use roost_domain::id::ResponseId;
use roost_domain::key::Scope;
use roost_domain::model::Usage;
use roost_domain::page::Limit;
use roost_domain::response::{AnsweredBy, Response};
use roost_ports::store::Reader;

use super::follow::retold;
use super::{Conversations, Over};
use crate::{Ctx, Error};

/// How long answers are kept.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// An answer that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What is known of it.
    pub response: Response,
    /// The model's name as it is asked with: `agent:<id>` or `provider/model`.
    pub model: String,
    /// What was answered so far.
    pub answered: Answered,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The text.
    pub text: String,
    /// How it ended; `None` while it is under way.
    pub over: Option<Over>,
    /// What it used.
    pub usage: Usage,
}

impl Conversations<'_> {
    /// Returns an answer that was kept, as far as it is written.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn kept(&self, ctx: &Ctx, id: ResponseId) -> Result<Kept, Error> {
        ctx.require(Scope::Chat)?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader| {
                let response =
                    reader.response(account, id)?.ok_or_else(|| Error::not_found("response", id))?;
                read(reader, response)
            })
            .await
    }

    /// Forgets an answer that was kept. What was said stays in the session of the agent that said it.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn forget(&self, ctx: &Ctx, id: ResponseId) -> Result<(), Error> {
        ctx.require(Scope::Chat)?;
        let account = ctx.account();
        let delete = move |writer: &mut dyn roost_ports::store::Writer| {
            Ok::<_, Error>(writer.delete_response(account, id)?)
        };
        if self.0.ports.store.write(delete).await? { Ok(()) } else { Err(Error::not_found("response", id)) }
    }

    /// Forgets answers that were kept for 30 days. Returns how many.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn clear(&self) -> Result<u64, Error> {
        const BATCH: Limit = Limit::clamped(1_000, 1_000);
        let before = self.0.now() - KEPT_FOR;
        self.0.ports.store.write(move |writer| Ok(writer.delete_responses_before(before, BATCH)?)).await
    }
}

fn read(reader: &dyn Reader, response: Response) -> Result<Kept, Error> {
    let (model, answered) = match &response.by {
        AnsweredBy::Agent { agent, session, turn, after } => {
            let events = reader.turn_events(*session, *turn)?;
            let (follow, over) = retold(*turn, *after, events);
            let (text, usage) = (follow.text().to_owned(), follow.usage());
            (format!("{}{agent}", super::target::AGENT), Answered { text, over, usage })
        }
        AnsweredBy::Model { model, answer, .. } => {
            let Answer { text, usage, .. } = answer.clone();
            (model.to_string(), Answered { text, over: Some(over(answer)), usage })
        }
    };
    Ok(Kept { response, model, answered })
}

/// Returns how a model's answer ends.
fn over(answer: &Answer) -> Over {
    match answer.stop {
        StopReason::ToolUse if !answer.calls.is_empty() => Over::Calls(answer.calls.clone()),
        StopReason::EndTurn | StopReason::ToolUse | StopReason::MaxOutput | StopReason::Refused => {
            Over::Answered(answer.stop)
        }
    }
}
