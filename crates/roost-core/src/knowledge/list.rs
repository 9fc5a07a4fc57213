use roost_domain::id::KnowledgeId;
use roost_domain::key::Scope;
use roost_domain::knowledge::{Entry, Owner, Shelf};
use roost_domain::page::Limit;
use roost_ports::store::{Part, Reader};

use super::{Knowledge, check_source, resolve};
use crate::{Ctx, Error};

/// Which entries a list holds.
#[derive(Debug, Clone)]
pub struct ListKnowledge {
    /// Whose; an agent's swarm's, if it is in one.
    pub owner: Owner,
    /// Only those of this source.
    pub source: Option<String>,
    /// Where the list goes on.
    pub from: Option<KnowledgeId>,
    /// How many at most.
    pub limit: Limit,
}

impl Knowledge<'_> {
    /// Returns entries, oldest first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the swarm.
    pub async fn list(&self, ctx: &Ctx, list: ListKnowledge) -> Result<Part<Entry>, Error> {
        ctx.require(Scope::KnowledgeRead)?;
        list.source.as_deref().map_or(Ok(()), |source| check_source("source", source))?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            let shelf = Shelf::knowledge(resolve(reader, account, list.owner)?);
            match reader.shelf(account, &shelf)? {
                Some(kept) => {
                    Ok(reader.entries(kept.number, list.source.as_deref(), list.from, list.limit)?)
                }
                None => Ok::<_, Error>(Part { rows: Vec::new(), next: None }),
            }
        };
        self.0.ports.store.read(read).await
    }
}
