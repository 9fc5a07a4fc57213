use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use roost_domain::id::{AccountId, KnowledgeId};
use roost_domain::knowledge::{Near, SAME, Shelf, Vector};
use roost_ports::embedder::Purpose;
use roost_ports::store::{NewEntry, Reader, Removed, Writer};
use serde_json::{Map, Value};

use super::{digest, entry};
use crate::{Core, Error, Kind};

/// How much the first look may be off: what it finds to be about so near is looked at exactly.
const ABOUT: f32 = 0.02;

/// How many near entries of a text are looked at exactly.
const MOST_NEAR: usize = 32;

/// A text to be put on a shelf.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) text: String,
    pub(crate) source: String,
    pub(crate) metadata: Map<String, Value>,
}

/// Texts to be put on a shelf.
pub(crate) struct Put {
    pub(crate) account: AccountId,
    pub(crate) shelf: Shelf,
    pub(crate) drafts: Vec<Draft>,
    /// All of this source goes when the texts come.
    pub(crate) replaces: Option<String>,
    /// Beyond so many entries the oldest go; otherwise nothing more is taken.
    pub(crate) forgets_beyond: Option<u64>,
    pub(crate) now: Timestamp,
}

/// What became of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// So many were stored.
    pub stored: u64,
    /// So many say what is there already.
    pub skipped: u64,
    /// Both together.
    pub total: u64,
}

impl Core {
    /// Puts texts on a shelf, all or none, without those that say what stands there already or came before in the same
    /// list. The owner must be there when they come.
    pub(crate) async fn put(&self, put: Put) -> Result<Stored, Error> {
        let total = put.drafts.len() as u64;
        let new = self.unknown(&put).await?;
        let texts: Vec<String> = new.iter().map(|(draft, _)| draft.text.clone()).collect();
        let vectors = self.embed(&texts, Purpose::Document).await?;
        let place = self.library.place(put.account, &put.shelf);
        // From here to the end nobody else puts anything on this shelf.
        let _putting = place.putting.lock().await;
        let near = self.near(&put, &vectors).await?;
        let choose = move || {
            let mut kept: Vec<(Draft, [u8; 32], Vector)> = Vec::new();
            for (((draft, digest), vector), near) in new.into_iter().zip(vectors).zip(near) {
                if !near && !kept.iter().any(|(_, _, other)| vector.cosine(other) >= SAME) {
                    kept.push((draft, digest, vector));
                }
            }
            kept
        };
        // Each is held against all before it, which takes long where there are many.
        let kept = tokio::task::spawn_blocking(choose).await.map_err(Error::internal)?;
        let stored = self.write_entries(put, kept).await?;
        Ok(Stored { stored, skipped: total - stored, total })
    }

    /// Returns the texts that do not stand on the shelf word by word, each once.
    async fn unknown(&self, put: &Put) -> Result<Vec<(Draft, [u8; 32])>, Error> {
        let mut seen = HashSet::new();
        let with_digest = put.drafts.iter().map(|draft| (draft.clone(), digest(&draft.text)));
        let drafts: Vec<_> = with_digest.filter(|(_, digest)| seen.insert(*digest)).collect();
        let digests: Vec<[u8; 32]> = drafts.iter().map(|(_, digest)| *digest).collect();
        let (account, shelf, besides) = (put.account, put.shelf.clone(), put.replaces.clone());
        let read = move |reader: &dyn Reader| match reader.shelf(account, &shelf)? {
            Some(kept) => Ok::<_, Error>(reader.known_digests(kept.number, &digests, besides.as_deref())?),
            None => Ok(Vec::new()),
        };
        let known: HashSet<[u8; 32]> = self.ports.store.read(read).await?.into_iter().collect();
        Ok(drafts.into_iter().filter(|(_, digest)| !known.contains(digest)).collect())
    }

    /// Tells of each vector whether an entry of the shelf says the same.
    async fn near(&self, put: &Put, vectors: &[Vector]) -> Result<Vec<bool>, Error> {
        if vectors.is_empty() {
            return Ok(Vec::new());
        }
        let about = self.at_least(put.account, &put.shelf, vectors.to_vec(), SAME - ABOUT, MOST_NEAR).await?;
        let rows: HashSet<i64> = about.iter().flatten().map(|near| near.row).collect();
        if rows.is_empty() {
            return Ok(vec![false; vectors.len()]);
        }
        let (account, shelf, besides) = (put.account, put.shelf.clone(), put.replaces.clone());
        let (rows, model) = (rows.into_iter().collect::<Vec<_>>(), self.ports.embedder.description().key());
        let read = move |reader: &dyn Reader| {
            let Some(kept) = reader.shelf(account, &shelf)? else { return Ok::<_, Error>(Vec::new()) };
            let mut exact = reader.vectors_at(kept.number, &model, &rows)?;
            if let Some(replaced) = besides {
                // What is about to go says nothing.
                let entries = reader.entries_at(kept.number, &rows)?;
                let goes: HashSet<i64> = entries
                    .iter()
                    .filter(|kept| kept.entry.source == replaced)
                    .map(|kept| kept.row)
                    .collect();
                exact.retain(|(row, _)| !goes.contains(row));
            }
            Ok(exact)
        };
        let exact: HashMap<i64, Vector> = self.ports.store.read(read).await?.into_iter().collect();
        // At most `MOST_NEAR` for each text.
        let is_same =
            |vector: &Vector, row: i64| exact.get(&row).is_some_and(|other| vector.cosine(other) >= SAME);
        let is_known =
            |(vector, about): (&Vector, &Vec<Near>)| about.iter().any(|near| is_same(vector, near.row));
        Ok(vectors.iter().zip(&about).map(is_known).collect())
    }

    async fn write_entries(&self, put: Put, kept: Vec<(Draft, [u8; 32], Vector)>) -> Result<u64, Error> {
        let mut ids: Vec<KnowledgeId> =
            kept.iter().map(|_| self.ports.random.id::<KnowledgeId>(put.now)).collect();
        ids.sort_unstable();
        let new: Vec<NewEntry> = kept
            .into_iter()
            .zip(ids)
            .map(|((draft, digest, vector), id)| NewEntry {
                entry: entry(&draft, id, put.now),
                digest,
                vector: Some(vector),
            })
            .collect();
        let (model, most) = (self.ports.embedder.description().key(), self.settings.max_knowledge_entries);
        let write = move |writer: &mut dyn Writer| {
            super::resolve(writer, put.account, put.shelf.owner)?;
            let shelf = writer.open_shelf(put.account, &put.shelf)?;
            let mut there = shelf.entries;
            if let Some(source) = put.replaces {
                there = there.saturating_sub(writer.remove_entries(shelf.number, &Removed::Source(source))?);
            }
            let after = there + new.len() as u64;
            if let Some(bound) = put.forgets_beyond {
                forget_oldest(writer, shelf.number, after.saturating_sub(bound))?;
            } else if after > most {
                return Err(too_many(most));
            }
            if !new.is_empty() {
                writer.insert_entries(shelf.number, &model, &new)?;
            }
            Ok(new.len() as u64)
        };
        self.ports.store.write(write).await
    }
}

fn forget_oldest(writer: &mut dyn Writer, shelf: i64, count: u64) -> Result<(), Error> {
    let Some(limit) = u32::try_from(count).ok().filter(|count| *count > 0) else { return Ok(()) };
    let limit = roost_domain::page::Limit::clamped(limit, 1_000);
    for entry in writer.entries(shelf, None, None, limit)?.rows {
        writer.remove_entries(shelf, &Removed::One(entry.id))?;
    }
    Ok(())
}

fn too_many(most: u64) -> Error {
    let message = format!(
        "the knowledge would have more than {most} entries, as many as it may; delete some, or raise \
         knowledge.max_entries in roost.toml"
    );
    Error::new(Kind::QuotaExceeded, "too_many_knowledge_entries", message)
}
