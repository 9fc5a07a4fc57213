use jiff::Timestamp;
use roost_domain::id::{AgentId, SessionId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_ports::store::{ChatMessage, MessageFilter};

use super::Messages;
use crate::sessions::conversation;
use crate::{Ctx, Error};

/// Which messages to read.
#[derive(Debug, Clone)]
pub struct History {
    /// The agent; its state does not matter.
    pub agent: AgentId,
    /// Only those of this session.
    pub session: Option<SessionId>,
    /// Only those after this time.
    pub since: Option<Timestamp>,
    /// At most so many: the last ones, oldest first.
    pub limit: Limit,
}

impl Messages<'_> {
    /// Returns messages and how many there are in all.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the session.
    pub async fn history(&self, ctx: &Ctx, history: History) -> Result<(Vec<ChatMessage>, u64), Error> {
        ctx.require(Scope::Chat)?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader| {
                let History { agent, session, since, limit } = history;
                reader.agent(account, agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
                if let Some(id) = session {
                    conversation(reader, agent, id)?;
                }
                Ok(reader.messages(&MessageFilter { agent, session, since }, limit)?)
            })
            .await
    }
}
