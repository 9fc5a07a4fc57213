use roost_domain::agent::Agent;
use roost_domain::id::KnowledgeId;
use roost_domain::knowledge::{Owner, Shelf};
use roost_domain::page::Limit;
use roost_ports::store::{NewEntry, Reader, Writer};

use crate::{Core, Error};

/// How many shelves are read and how many entries are copied in one transaction, so that others can write in between.
const SHELVES: Limit = Limit::clamped(500, 500);
const ENTRIES: Limit = Limit::clamped(500, 500);

impl Core {
    /// Gives one agent what another knows and remembers of its own. What is its swarm's, it has with its swarm.
    pub(crate) async fn copy_knowledge(&self, from: &Agent, to: &Agent) -> Result<(), Error> {
        let (account, owner, mut last) = (from.account, Owner::Agent(from.id), 0);
        loop {
            let read =
                move |reader: &dyn Reader| Ok::<_, Error>(reader.shelves_of(account, owner, last, SHELVES)?);
            let shelves = self.ports.store.read(read).await?;
            let Some((end, _)) = shelves.last() else {
                // What had no vector is embedded now.
                self.stale.notify_one();
                return Ok(());
            };
            last = *end;
            for (number, shelf) in shelves {
                self.copy_shelf(number, to, Shelf { owner: Owner::Agent(to.id), ..shelf }).await?;
            }
        }
    }

    async fn copy_shelf(&self, from: i64, to: &Agent, shelf: Shelf) -> Result<(), Error> {
        let mut last = 0;
        loop {
            let (core, to, shelf) = (self.clone(), to.clone(), shelf.clone());
            let copy = move |writer: &mut dyn Writer| {
                writer.agent_of_any_account(to.id)?.ok_or_else(|| Error::not_found("agent", to.id))?;
                let model = core.ports.embedder.description().key();
                let entries = writer.whole_entries(from, &model, last, ENTRIES)?;
                let Some((end, _)) = entries.last() else { return Ok::<_, Error>(None) };
                let end = *end;
                let mut ids: Vec<KnowledgeId> =
                    entries.iter().map(|(_, new)| core.ports.random.id(new.entry.created_at)).collect();
                // They were read in the order of their ids, which is kept.
                ids.sort_unstable();
                let anew = |((_, mut new), id): ((i64, NewEntry), KnowledgeId)| {
                    new.entry.id = id;
                    new
                };
                let entries: Vec<NewEntry> = entries.into_iter().zip(ids).map(anew).collect();
                let kept = writer.open_shelf(to.account, &shelf)?;
                writer.insert_entries(kept.number, &model, &entries)?;
                Ok(Some(end))
            };
            match self.ports.store.write(copy).await? {
                Some(end) => last = end,
                None => return Ok(()),
            }
        }
    }
}
