use roost_domain::agent::Agent;
use roost_domain::id::{AgentId, KnowledgeId};
use roost_domain::key::Scope;
use roost_domain::knowledge::Entry;
use roost_domain::page::Limit;
use roost_ports::store::{Part, Reader, Remembered, Writer};

use super::{Memories, OWN_PEOPLE, owner};
use crate::{Ctx, Error};

/// Which memories a list holds.
#[derive(Debug, Clone)]
pub struct ListMemories {
    /// Whose; its swarm's, if it is in one.
    pub agent: AgentId,
    /// Only those of this peer, by the name its owner gave it, or as a list shows it.
    pub peer: Option<String>,
    /// Where the list goes on.
    pub from: Option<KnowledgeId>,
    /// How many at most.
    pub limit: Limit,
}

/// One memory.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryView {
    /// Of whom: `peer:…` for a named peer, `key:…` for a key, `key:*` for all who hold one.
    pub peer: String,
    /// What.
    pub entry: Entry,
}

/// Which memories go.
#[derive(Debug, Clone)]
pub struct ForgetMemories {
    /// Whose; its swarm's, if it is in one.
    pub agent: AgentId,
    /// Only those of this peer.
    pub peer: Option<String>,
    /// Whether somebody said that they mean it.
    pub confirmed: bool,
}

impl Memories<'_> {
    /// Returns what is remembered, oldest first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn list(&self, ctx: &Ctx, list: ListMemories) -> Result<Part<MemoryView>, Error> {
        ctx.require(Scope::KnowledgeRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            let owner = owner(&own(reader, &ctx, list.agent)?);
            let peer = list.peer.as_deref().map(named);
            let part = reader.memories(ctx.account(), owner, peer.as_deref(), list.from, list.limit)?;
            let view = |Remembered { peer, entry }| MemoryView { peer, entry };
            Ok::<_, Error>(Part { rows: part.rows.into_iter().map(view).collect(), next: part.next })
        };
        self.0.ports.store.read(read).await
    }

    /// Forgets one memory.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the memory.
    pub async fn forget(&self, ctx: &Ctx, agent: AgentId, id: KnowledgeId) -> Result<(), Error> {
        ctx.require(Scope::KnowledgeWrite)?;
        let ctx = ctx.clone();
        let forget = move |writer: &mut dyn Writer| {
            let owner = owner(&own(writer, &ctx, agent)?);
            let there = writer.remove_memory(ctx.account(), owner, id)?;
            if there { Ok(()) } else { Err(Error::not_found("memory", id)) }
        };
        self.0.ports.store.write(forget).await
    }

    /// Forgets everything of one peer, or of all, and returns how many memories there were.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent; `InvalidInput` if it is not confirmed.
    pub async fn forget_all(&self, ctx: &Ctx, forget: ForgetMemories) -> Result<u64, Error> {
        ctx.require(Scope::KnowledgeWrite)?;
        let ctx = ctx.clone();
        let forget = move |writer: &mut dyn Writer| {
            let owner = owner(&own(writer, &ctx, forget.agent)?);
            if !forget.confirmed {
                let problem = "and all must be true to forget everything: all=true&confirm=true";
                return Err(Error::invalid("confirm", problem));
            }
            let peer = forget.peer.as_deref().map(named);
            Ok::<_, Error>(writer.remove_memories(ctx.account(), owner, peer.as_deref())?)
        };
        self.0.ports.store.write(forget).await
    }
}

/// Returns a peer as shelves name it: a name, or what a list shows.
fn named(peer: &str) -> String {
    let as_shown = peer == OWN_PEOPLE
        || peer.starts_with("peer:")
        || peer.strip_prefix("key:").is_some_and(|key| key.parse::<roost_domain::id::KeyId>().is_ok());
    if as_shown { peer.to_owned() } else { format!("peer:{peer}") }
}

fn own(reader: &dyn Reader, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
    reader.agent(ctx.account(), id)?.ok_or_else(|| Error::not_found("agent", id))
}
