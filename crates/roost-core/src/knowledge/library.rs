//! Copies of shelves' vectors in memory: made when a shelf is first searched, brought up to date before every look by
//! what the store says has changed since, and dropped when there are too many. The store is what is true.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use roost_domain::id::AccountId;
use roost_domain::knowledge::{Index, Near, Shelf, Vector};
use roost_domain::page::Limit;
use roost_ports::store::{KeptShelf, KeptVector, Reader};
use tokio::sync::Mutex as AsyncMutex;

use crate::{Core, Error};

/// How many vectors are read at once, so that no read holds up others for long.
const PAGE: Limit = Limit::clamped(2_000, 2_000);

/// All copies.
#[derive(Default)]
pub(crate) struct Library {
    places: Mutex<HashMap<(AccountId, Shelf), Arc<Place>>>,
    /// Counts looks, to know which copy was used last.
    looks: AtomicU64,
}

/// One shelf's place in memory.
#[derive(Default)]
pub(crate) struct Place {
    /// Held by whoever puts something there, so that no two put the same.
    pub(super) putting: AsyncMutex<()>,
    /// Held by whoever brings the copy up to date.
    loading: AsyncMutex<()>,
    copy: RwLock<Copy>,
    used: AtomicU64,
}

#[derive(Default)]
struct Copy {
    /// The shelf's revision that this is a copy of; `None` if there is none yet.
    revision: Option<u64>,
    /// The last vector that was read.
    last: (u64, i64),
    index: Index,
}

/// What was read to bring a copy up to date.
struct News {
    kept: KeptShelf,
    vectors: Vec<KeptVector>,
    /// The vectors that there are, if others may have gone.
    left: Option<HashSet<i64>>,
}

impl Library {
    /// Returns a shelf's place.
    pub(super) fn place(&self, account: AccountId, shelf: &Shelf) -> Arc<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry((account, shelf.clone())).or_default();
        place.used.store(self.looks.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        Arc::clone(place)
    }

    /// Drops copies that were not used for longest until the others fit, the last used one in any case.
    fn make_room(&self, most_bytes: usize) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_use: Vec<_> = places
            .iter()
            .map(|(key, place)| (place.used.load(Ordering::Relaxed), key.clone(), place.size_bytes()))
            .collect();
        by_use.sort_unstable_by_key(|(used, _, _)| std::cmp::Reverse(*used));
        let mut total = 0_usize;
        for (number, (_, key, size)) in by_use.into_iter().enumerate() {
            total = total.saturating_add(size);
            // Whoever holds it goes on with it; the next look makes a new one. One that is being put to stays, so that
            // its lock stays the only one.
            let busy = places.get(&key).is_some_and(|place| Arc::strong_count(place) > 1);
            if number > 0 && total > most_bytes && !busy {
                places.remove(&key);
            }
        }
    }

    /// Returns how much memory all copies take, and how many there are.
    pub(super) fn size(&self) -> (usize, usize) {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        (places.values().map(|place| place.size_bytes()).sum(), places.len())
    }
}

impl Place {
    fn size_bytes(&self) -> usize {
        // What the place itself and its key take.
        const OVERHEAD: usize = 512;
        self.copy.read().unwrap_or_else(PoisonError::into_inner).index.size_bytes() + OVERHEAD
    }

    /// Returns the vectors nearest to one. Takes processor time; call it off the async threads.
    fn nearest(&self, query: &Vector, most: usize) -> Vec<Near> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).index.nearest(query, most)
    }

    fn at_least(&self, queries: &[Vector], cosine: f32, most: usize) -> Vec<Vec<Near>> {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).index.at_least(queries, cosine, most)
    }
}

impl Core {
    /// Returns the vectors of a shelf nearest to one, by about their cosine.
    pub(super) async fn nearest(
        &self,
        account: AccountId,
        shelf: &Shelf,
        query: &Vector,
        most: usize,
    ) -> Result<Vec<Near>, Error> {
        let place = self.up_to_date(account, shelf).await?;
        if place.is_small() {
            return Ok(place.nearest(query, most));
        }
        let query = query.clone();
        tokio::task::spawn_blocking(move || place.nearest(&query, most)).await.map_err(Error::internal)
    }

    /// Returns for each query the vectors of a shelf that are about so near.
    pub(super) async fn at_least(
        &self,
        account: AccountId,
        shelf: &Shelf,
        queries: Vec<Vector>,
        cosine: f32,
        most: usize,
    ) -> Result<Vec<Vec<Near>>, Error> {
        let place = self.up_to_date(account, shelf).await?;
        let look = move || place.at_least(&queries, cosine, most);
        tokio::task::spawn_blocking(look).await.map_err(Error::internal)
    }

    async fn up_to_date(&self, account: AccountId, shelf: &Shelf) -> Result<Arc<Place>, Error> {
        let place = self.library.place(account, shelf);
        let loading = place.loading.lock().await;
        let mut grew = false;
        while let Some(more) = self.catch_up(account, shelf, &place).await? {
            grew = true;
            if !more {
                break;
            }
        }
        drop(loading);
        if grew {
            self.library.make_room(self.settings.knowledge_memory_bytes);
        }
        Ok(place)
    }

    /// Reads a page of what is new of a shelf into its copy. Returns whether there is more; `None` if there was nothing.
    async fn catch_up(
        &self,
        account: AccountId,
        shelf: &Shelf,
        place: &Place,
    ) -> Result<Option<bool>, Error> {
        let (known, last) = {
            let copy = place.copy.read().unwrap_or_else(PoisonError::into_inner);
            (copy.revision, copy.last)
        };
        let (wanted, model) = (shelf.clone(), self.ports.embedder.description().key());
        let read = move |reader: &dyn Reader| {
            let Some(kept) = reader.shelf(account, &wanted)? else { return Ok::<_, Error>(None) };
            if known == Some(kept.revision) {
                return Ok(None);
            }
            let vectors = reader.vectors_after(kept.number, &model, last, PAGE)?;
            let whole = vectors.len() < PAGE.get() as usize;
            let removed = kept.removed > 0 && known.is_none_or(|known| kept.removed > known);
            let left = if whole && removed {
                Some(reader.rows(kept.number, &model)?.into_iter().collect())
            } else {
                None
            };
            Ok(Some(News { kept, vectors, left }))
        };
        let Some(news) = self.ports.store.read(read).await? else { return Ok(None) };
        let mut copy = place.copy.write().unwrap_or_else(PoisonError::into_inner);
        if copy.revision.is_none() && copy.index.is_empty() {
            copy.index = Index::new(self.ports.embedder.description().dimensions);
        }
        for kept in &news.vectors {
            copy.index.add(kept.row, &kept.vector);
            copy.last = (kept.revision, kept.row);
        }
        if let Some(left) = &news.left {
            copy.index.keep_only(left);
        }
        let whole = news.vectors.len() < PAGE.get() as usize;
        if whole {
            copy.revision = Some(news.kept.revision);
        }
        Ok(Some(!whole))
    }
}

impl Place {
    /// Tells whether a look takes so little time that it is not worth another thread.
    fn is_small(&self) -> bool {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).index.len() <= 2_000
    }
}
