use std::collections::HashMap;

use roost_domain::id::AccountId;
use roost_domain::key::Scope;
use roost_domain::knowledge::{Entry, Owner, Shelf, Vector, fuse, query_words};
use roost_domain::page::Limit;
use roost_ports::embedder::Purpose;
use roost_ports::store::{KeptEntry, Reader};

use super::Knowledge;
use super::reembed::EmbedderView;
use crate::{Core, Ctx, Error};

/// What is looked for.
#[derive(Debug, Clone)]
pub struct SearchKnowledge {
    /// Where; an agent's swarm's knowledge, if it is in one.
    pub owner: Owner,
    /// 1 to 4,000 characters.
    pub query: String,
    /// How many at most.
    pub limit: Limit,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The entries, best first.
    pub hits: Vec<Hit>,
    /// Who says what texts mean.
    pub embedder: EmbedderView,
    /// Whether the meaning was looked for too; without it the embedder was not there, and only words were.
    pub by_meaning: bool,
}

/// One entry that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The entry.
    pub entry: Entry,
    /// From 0 to 1: 1 is the best by meaning and by words.
    pub score: f32,
    /// The cosine to the query, where it was found by meaning.
    pub similarity: Option<f32>,
    /// Whether it has words of the query.
    pub by_words: bool,
}

/// How many are looked at by meaning and by words, for each that is wanted, and at least.
const CANDIDATES: usize = 4;
const LEAST_CANDIDATES: usize = 64;

impl Knowledge<'_> {
    /// Finds entries by what they mean and by their words.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `NotFound` for the agent or the swarm.
    pub async fn search(&self, ctx: &Ctx, search: SearchKnowledge) -> Result<Found, Error> {
        ctx.require(Scope::KnowledgeRead)?;
        super::check_text("query", &search.query)?;
        let owner = self.0.owner(ctx, search.owner).await?;
        let meaning = self.0.meaning(&search.query).await;
        let by_meaning = meaning.is_some();
        let most = search.limit.get() as usize;
        let shelf = Shelf::knowledge(owner);
        let hits = self.0.look_up(ctx.account(), &shelf, &search.query, meaning.as_ref(), most).await?;
        Ok(Found { hits, embedder: EmbedderView::new(self.0.ports.embedder.description()), by_meaning })
    }
}

impl Core {
    /// Returns what a query means; `None` if the embedder cannot say so now.
    pub(crate) async fn meaning(&self, query: &str) -> Option<Vector> {
        match self.embed(&[query.to_owned()], Purpose::Query).await {
            Ok(vectors) => vectors.into_iter().next(),
            Err(error) => {
                tracing::warn!(%error, "a query was not embedded; only its words are looked for");
                None
            }
        }
    }

    /// Finds entries of a shelf, best first.
    pub(crate) async fn look_up(
        &self,
        account: AccountId,
        shelf: &Shelf,
        query: &str,
        meaning: Option<&Vector>,
        most: usize,
    ) -> Result<Vec<Hit>, Error> {
        let candidates = (most * CANDIDATES).max(LEAST_CANDIDATES);
        let near = async {
            match meaning {
                Some(meaning) => self.nearest(account, shelf, meaning, candidates).await,
                None => Ok(Vec::new()),
            }
        };
        let (words, of) = (query_words(query), shelf.clone());
        let limit = Limit::clamped(u32::try_from(candidates).unwrap_or(u32::MAX), 1_000);
        let by_words =
            self.ports.store.read(move |reader: &dyn Reader| match reader.shelf(account, &of)? {
                Some(kept) => Ok::<_, Error>(reader.with_words(kept.number, &words, limit)?),
                None => Ok(Vec::new()),
            });
        let (near, by_words) = futures_util::future::try_join(near, by_words).await?;
        let (of, model) = (shelf.clone(), self.ports.embedder.description().key());
        let meaning = meaning.cloned();
        let read = move |reader: &dyn Reader| {
            let Some(kept) = reader.shelf(account, &of)? else { return Ok::<_, Error>(Vec::new()) };
            let rows: Vec<i64> = near.iter().map(|near| near.row).collect();
            let mut by_meaning = match &meaning {
                Some(meaning) => exact(reader.vectors_at(kept.number, &model, &rows)?, meaning),
                None => Vec::new(),
            };
            by_meaning.truncate(candidates);
            let mut fused = fuse(&by_meaning, &by_words);
            fused.truncate(most);
            let rows: Vec<i64> = fused.iter().map(|one| one.row).collect();
            let entries = reader.entries_at(kept.number, &rows)?;
            let mut entries: HashMap<i64, Entry> =
                entries.into_iter().map(|KeptEntry { row, entry }| (row, entry)).collect();
            let hit = |one: roost_domain::knowledge::Fused| {
                let entry = entries.remove(&one.row)?;
                Some(Hit { entry, score: one.score, similarity: one.cosine, by_words: one.by_words })
            };
            Ok(fused.into_iter().filter_map(hit).collect())
        };
        self.ports.store.read(read).await
    }
}

/// Orders candidates by their exact cosine, nearest first; what has nothing to do with the query is left out.
fn exact(vectors: Vec<(i64, Vector)>, meaning: &Vector) -> Vec<(i64, f32)> {
    let mut all: Vec<(i64, f32)> =
        vectors.into_iter().map(|(row, vector)| (row, meaning.cosine(&vector))).collect();
    all.retain(|(_, cosine)| *cosine > 0.0);
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}
