use roost_domain::key::Scope;
use roost_domain::knowledge::{Owner, Shelf};
use roost_ports::store::{Removed, Writer};

use super::{Knowledge, check_source, resolve};
use crate::{Ctx, Error};

/// Which entries go.
#[derive(Debug, Clone)]
pub struct DeleteKnowledge {
    /// Whose; an agent's swarm's, if it is in one.
    pub owner: Owner,
    /// Which of them.
    pub which: Removed,
}

impl Knowledge<'_> {
    /// Removes entries, all or none, and returns how many there were. What is not there is gone already.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the swarm.
    pub async fn delete(&self, ctx: &Ctx, delete: DeleteKnowledge) -> Result<u64, Error> {
        ctx.require(Scope::KnowledgeWrite)?;
        if let Removed::Source(source) = &delete.which {
            check_source("source", source)?;
        }
        let account = ctx.account();
        let remove = move |writer: &mut dyn Writer| {
            let shelf = Shelf::knowledge(resolve(writer, account, delete.owner)?);
            match writer.shelf(account, &shelf)? {
                Some(kept) => Ok(writer.remove_entries(kept.number, &delete.which)?),
                None => Ok::<_, Error>(0),
            }
        };
        self.0.ports.store.write(remove).await
    }
}
