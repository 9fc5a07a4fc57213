use roost_domain::id::{AccountId, KnowledgeId};
use roost_domain::knowledge::{Entry, Owner, Shelf, Vector};
use roost_domain::page::Limit;
use roost_ports::store::{
    Embedded, Error, KeptEntry, KeptShelf, KeptVector, Knowledge, KnowledgeMut, NewEntry, Part, Remembered,
    Removed, Stale,
};
use rusqlite::params;
use serde_json::{Map, Value};

use super::{Columns, Noun, Tx, corrupt, failed, micros, noun, signed};

const SHELF: Noun = noun!("knowledge shelf");
const ENTRY: Noun = noun!("knowledge entry");
const VECTOR: Noun = noun!("knowledge vector");

/// Comes before every id there is.
const FIRST_ID: [u8; 16] = [0; 16];

impl Knowledge for Tx<'_> {
    fn shelf(&self, account: AccountId, shelf: &Shelf) -> Result<Option<KeptShelf>, Error> {
        let (kind, owner) = of(shelf.owner);
        self.first(
            SHELF,
            "select id, revision, removed, entries from knowledge_shelves
             where owner_id = $1 and owner_kind = $2 and peer = $3 and account_id = $4",
            params![owner, kind, shelf.peer.as_deref().unwrap_or(""), account.uuid().as_bytes()],
            kept_shelf,
        )
    }

    fn entries(
        &self,
        shelf: i64,
        source: Option<&str>,
        from: Option<KnowledgeId>,
        limit: Limit,
    ) -> Result<Part<Entry>, Error> {
        let from = from.map_or(FIRST_ID, |id| id.uuid().into_bytes());
        // One row more than asked for tells where the next part begins.
        let rows = self.all(
            ENTRY,
            "select id, text, source, metadata, created_at, updated_at from knowledge_entries
             where shelf_id = $1 and id >= $2 and ($3 is null or source = $3)
             order by id limit $4",
            params![shelf, from, source, i64::from(limit.get()) + 1],
            entry,
        )?;
        Ok(part(rows, limit, |entry| entry.id))
    }

    fn entries_at(&self, shelf: i64, rows: &[i64]) -> Result<Vec<KeptEntry>, Error> {
        self.all(
            ENTRY,
            "select number, id, text, source, metadata, created_at, updated_at from knowledge_entries
             where number in (select value from json_each($1)) and +shelf_id = $2",
            params![numbers(rows), shelf],
            |columns| Ok(KeptEntry { row: columns.take()?, entry: entry(columns)? }),
        )
    }

    fn known_digests(
        &self,
        shelf: i64,
        digests: &[[u8; 32]],
        besides: Option<&str>,
    ) -> Result<Vec<[u8; 32]>, Error> {
        let mut known = Vec::new();
        for digest in digests {
            let found = self.first(
                ENTRY,
                "select 1 from knowledge_entries
                 where shelf_id = $1 and digest = $2 and ($3 is null or source <> $3) limit 1",
                params![shelf, digest, besides],
                |columns| columns.take::<i64>(),
            )?;
            if found.is_some() {
                known.push(*digest);
            }
        }
        Ok(known)
    }

    fn vectors_after(
        &self,
        shelf: i64,
        model: &str,
        after: (u64, i64),
        limit: Limit,
    ) -> Result<Vec<KeptVector>, Error> {
        self.all(
            VECTOR,
            "select number, revision, vector from knowledge_vectors
             where shelf_id = $1 and (revision, number) > ($2, $3) and model = $4
             order by revision, number limit $5",
            params![shelf, signed(VECTOR, after.0)?, after.1, model, limit.get()],
            |columns| {
                Ok(KeptVector { row: columns.take()?, revision: columns.count()?, vector: vector(columns)? })
            },
        )
    }

    fn vectors_at(&self, shelf: i64, model: &str, rows: &[i64]) -> Result<Vec<(i64, Vector)>, Error> {
        self.all(
            VECTOR,
            "select number, vector from knowledge_vectors
             where number in (select value from json_each($1)) and +shelf_id = $2 and model = $3",
            params![numbers(rows), shelf, model],
            |columns| Ok((columns.take()?, vector(columns)?)),
        )
    }

    fn rows(&self, shelf: i64, model: &str) -> Result<Vec<i64>, Error> {
        self.all(
            VECTOR,
            "select number from knowledge_vectors where shelf_id = $1 and model = $2",
            params![shelf, model],
            |columns| columns.take(),
        )
    }

    fn with_words(&self, shelf: i64, words: &[String], limit: Limit) -> Result<Vec<i64>, Error> {
        // What stands between double quotes is no syntax; letters and digits hold none.
        let words: Vec<String> = words.iter().flat_map(|word| shelf_words(shelf, word)).collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        self.all(
            ENTRY,
            "select rowid from knowledge_words
             where knowledge_words match $1 order by rank limit $2",
            params![format!("\"{}\"", words.join("\" OR \"")), limit.get()],
            |columns| columns.take(),
        )
    }

    fn stale(&self, model: &str, after: i64, limit: Limit) -> Result<Vec<Stale>, Error> {
        self.all(
            ENTRY,
            "select entries.shelf_id, entries.number, entries.text
             from knowledge_entries as entries
             left join knowledge_vectors as vectors on vectors.number = entries.number
             where entries.number > $1 and (vectors.model is null or vectors.model <> $2)
             order by entries.number limit $3",
            params![after, model, limit.get()],
            |columns| Ok(Stale { shelf: columns.take()?, row: columns.take()?, text: columns.take()? }),
        )
    }

    fn embedded(&self, account: AccountId, model: &str) -> Result<Embedded, Error> {
        let entries = self.only(
            SHELF,
            "select coalesce(sum(entries), 0) from knowledge_shelves where account_id = $1",
            params![account.uuid().as_bytes()],
            |columns| columns.count(),
        )?;
        let embedded = self.only(
            VECTOR,
            "select count(*) from knowledge_vectors as vectors
             join knowledge_shelves as shelves on shelves.id = vectors.shelf_id
             where shelves.account_id = $1 and vectors.model = $2",
            params![account.uuid().as_bytes(), model],
            |columns| columns.count(),
        )?;
        Ok(Embedded { entries, embedded })
    }

    fn shelves_of(
        &self,
        account: AccountId,
        owner: Owner,
        after: i64,
        limit: Limit,
    ) -> Result<Vec<(i64, Shelf)>, Error> {
        let (kind, id) = of(owner);
        self.all(
            SHELF,
            "select id, peer from knowledge_shelves
             where owner_id = $1 and owner_kind = $2 and account_id = $3 and id > $4
             order by id limit $5",
            params![id, kind, account.uuid().as_bytes(), after, limit.get()],
            |columns| {
                let (number, peer): (i64, String) = (columns.take()?, columns.take()?);
                Ok((number, Shelf { owner, peer: Some(peer).filter(|peer| !peer.is_empty()) }))
            },
        )
    }

    fn whole_entries(
        &self,
        shelf: i64,
        model: &str,
        after: i64,
        limit: Limit,
    ) -> Result<Vec<(i64, NewEntry)>, Error> {
        self.all(
            ENTRY,
            "select entries.number, entries.digest, vectors.vector, entries.id, entries.text, entries.source,
                    entries.metadata, entries.created_at, entries.updated_at
             from knowledge_entries as entries
             left join knowledge_vectors as vectors on vectors.number = entries.number and vectors.model = $1
             where entries.shelf_id = $2 and entries.number > $3
             order by entries.number limit $4",
            params![model, shelf, after, limit.get()],
            |columns| {
                let (number, digest): (i64, [u8; 32]) = (columns.take()?, columns.take()?);
                let bytes: Option<Vec<u8>> = columns.take()?;
                let vector = bytes.as_deref().map(Vector::from_bytes).transpose();
                let vector = vector.map_err(|error| corrupt(VECTOR.name, error))?;
                Ok((number, NewEntry { entry: entry(columns)?, digest, vector }))
            },
        )
    }

    fn memories(
        &self,
        account: AccountId,
        owner: Owner,
        peer: Option<&str>,
        from: Option<KnowledgeId>,
        limit: Limit,
    ) -> Result<Part<Remembered>, Error> {
        let (kind, owner) = of(owner);
        let from = from.map_or(FIRST_ID, |id| id.uuid().into_bytes());
        let rows = self.all(
            ENTRY,
            "select shelves.peer, entries.id, entries.text, entries.source, entries.metadata, entries.created_at,
                    entries.updated_at
             from knowledge_shelves as shelves
             join knowledge_entries as entries on entries.shelf_id = shelves.id
             where shelves.owner_id = $1 and shelves.owner_kind = $2 and shelves.account_id = $3
               and shelves.peer <> '' and ($4 is null or shelves.peer = $4) and entries.id >= $5
             order by entries.id limit $6",
            params![owner, kind, account.uuid().as_bytes(), peer, from, i64::from(limit.get()) + 1],
            |columns| Ok(Remembered { peer: columns.take()?, entry: entry(columns)? }),
        )?;
        Ok(part(rows, limit, |remembered| remembered.entry.id))
    }
}

impl KnowledgeMut for Tx<'_> {
    fn open_shelf(&mut self, account: AccountId, shelf: &Shelf) -> Result<KeptShelf, Error> {
        if let Some(kept) = self.shelf(account, shelf)? {
            return Ok(kept);
        }
        let (kind, owner) = of(shelf.owner);
        self.change_one(
            SHELF,
            "insert into knowledge_shelves (account_id, owner_kind, owner_id, peer, revision, removed, entries)
             values ($1, $2, $3, $4, 0, 0, 0)",
            params![account.uuid().as_bytes(), kind, owner, shelf.peer.as_deref().unwrap_or("")],
        )?;
        self.shelf(account, shelf)?.ok_or_else(|| failed(SHELF.writing, rusqlite::Error::QueryReturnedNoRows))
    }

    fn insert_entries(&mut self, shelf: i64, model: &str, entries: &[NewEntry]) -> Result<(), Error> {
        self.change_one(
            SHELF,
            "update knowledge_shelves set revision = revision + 1, entries = entries + $1 where id = $2",
            params![signed(SHELF, entries.len() as u64)?, shelf],
        )?;
        for new in entries {
            self.insert_entry(shelf, model, new)?;
        }
        Ok(())
    }

    fn remove_entries(&mut self, shelf: i64, which: &Removed) -> Result<u64, Error> {
        let (source, id) = match which {
            Removed::Source(source) => (Some(source.as_str()), None),
            Removed::One(id) => (None, Some(id.uuid().into_bytes())),
            Removed::All => (None, None),
        };
        let gone = params![shelf, source, id];
        self.change(
            VECTOR,
            "delete from knowledge_vectors where number in (
                 select number from knowledge_entries
                 where shelf_id = $1 and ($2 is null or source = $2) and ($3 is null or id = $3))",
            gone,
        )?;
        self.change(
            ENTRY,
            "delete from knowledge_words where rowid in (
                 select number from knowledge_entries
                 where shelf_id = $1 and ($2 is null or source = $2) and ($3 is null or id = $3))",
            gone,
        )?;
        let removed = self.change(
            ENTRY,
            "delete from knowledge_entries
             where shelf_id = $1 and ($2 is null or source = $2) and ($3 is null or id = $3)",
            gone,
        )? as u64;
        if removed > 0 {
            self.change_one(
                SHELF,
                "update knowledge_shelves
                 set revision = revision + 1, removed = revision + 1, entries = entries - $1 where id = $2",
                params![signed(SHELF, removed)?, shelf],
            )?;
        }
        Ok(removed)
    }

    fn put_vectors(&mut self, model: &str, vectors: &[(i64, i64, Vector)]) -> Result<(), Error> {
        let mut shelves: Vec<i64> = vectors.iter().map(|(shelf, _, _)| *shelf).collect();
        shelves.sort_unstable();
        shelves.dedup();
        for shelf in shelves {
            self.change(
                SHELF,
                "update knowledge_shelves set revision = revision + 1 where id = $1",
                params![shelf],
            )?;
        }
        for (_, row, vector) in vectors {
            self.change(
                VECTOR,
                "insert or replace into knowledge_vectors (number, shelf_id, model, revision, vector)
                 select entries.number, entries.shelf_id, $1, shelves.revision, $2
                 from knowledge_entries as entries
                 join knowledge_shelves as shelves on shelves.id = entries.shelf_id
                 where entries.number = $3",
                params![model, vector.to_bytes(), row],
            )?;
        }
        Ok(())
    }

    fn remove_memory(&mut self, account: AccountId, owner: Owner, id: KnowledgeId) -> Result<bool, Error> {
        let (kind, owner) = of(owner);
        let shelf = self.first(
            ENTRY,
            "select shelves.id from knowledge_entries as entries
             join knowledge_shelves as shelves on shelves.id = entries.shelf_id
             where entries.id = $1 and shelves.owner_id = $2 and shelves.owner_kind = $3
               and shelves.account_id = $4 and shelves.peer <> ''",
            params![id.uuid().as_bytes(), owner, kind, account.uuid().as_bytes()],
            |columns| columns.take::<i64>(),
        )?;
        match shelf {
            Some(shelf) => Ok(self.remove_entries(shelf, &Removed::One(id))? > 0),
            None => Ok(false),
        }
    }

    fn remove_memories(
        &mut self,
        account: AccountId,
        owner: Owner,
        peer: Option<&str>,
    ) -> Result<u64, Error> {
        let (kind, owner) = of(owner);
        let shelves: Vec<i64> = self.all(
            SHELF,
            "select id from knowledge_shelves
             where owner_id = $1 and owner_kind = $2 and account_id = $3 and peer <> ''
               and ($4 is null or peer = $4)",
            params![owner, kind, account.uuid().as_bytes(), peer],
            |columns| columns.take(),
        )?;
        let mut removed = 0;
        for shelf in shelves {
            removed += self.remove_entries(shelf, &Removed::All)?;
        }
        Ok(removed)
    }

    fn forget_vectors(&mut self, account: AccountId) -> Result<u64, Error> {
        let forgotten = self.change(
            VECTOR,
            "delete from knowledge_vectors
             where shelf_id in (select id from knowledge_shelves where account_id = $1)",
            params![account.uuid().as_bytes()],
        )?;
        // Copies in memory hold vectors that are gone.
        self.change(
            SHELF,
            "update knowledge_shelves set revision = revision + 1, removed = revision + 1 where account_id = $1",
            params![account.uuid().as_bytes()],
        )?;
        Ok(forgotten as u64)
    }

    fn remove_knowledge_of(&mut self, account: AccountId, owner: Owner) -> Result<(), Error> {
        let (kind, owner) = of(owner);
        let shelves: Vec<i64> = self.all(
            SHELF,
            "select id from knowledge_shelves where owner_id = $1 and owner_kind = $2 and account_id = $3",
            params![owner, kind, account.uuid().as_bytes()],
            |columns| columns.take(),
        )?;
        for shelf in shelves {
            self.remove_entries(shelf, &Removed::All)?;
            self.change(SHELF, "delete from knowledge_shelves where id = $1", params![shelf])?;
        }
        Ok(())
    }
}

impl Tx<'_> {
    fn insert_entry(&self, shelf: i64, model: &str, new: &NewEntry) -> Result<(), Error> {
        let metadata =
            serde_json::to_string(&new.entry.metadata).map_err(|error| failed(ENTRY.writing, error))?;
        self.change_one(
            ENTRY,
            "insert into knowledge_entries (id, shelf_id, text, source, metadata, digest, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                new.entry.id.uuid().as_bytes(),
                shelf,
                new.entry.text,
                new.entry.source,
                metadata,
                new.digest,
                micros(new.entry.created_at),
                micros(new.entry.updated_at),
            ],
        )?;
        let row = self.connection.last_insert_rowid();
        if let Some(vector) = &new.vector {
            self.change_one(
                VECTOR,
                "insert into knowledge_vectors (number, shelf_id, model, revision, vector)
                 select $1, id, $2, revision, $3 from knowledge_shelves where id = $4",
                params![row, model, vector.to_bytes(), shelf],
            )?;
        }
        self.change_one(
            ENTRY,
            "insert into knowledge_words (rowid, text) values ($1, $2)",
            params![row, shelf_words(shelf, &new.entry.text).collect::<Vec<_>>().join(" ")],
        )
    }
}

/// Returns the words of a text as they stand in the index: each begins with its shelf's number, so that a search reads
/// the words of one shelf only, and how rare a word is counts there alone. `+shelf_id` in queries keeps the database
/// from looking through a whole shelf for a few numbers.
fn shelf_words(shelf: i64, text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(move |word| format!("s{shelf}x{word}"))
}

fn numbers(rows: &[i64]) -> String {
    let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    format!("[{}]", rows.join(","))
}

fn of(owner: Owner) -> (&'static str, [u8; 16]) {
    match owner {
        Owner::Agent(id) => ("agent", id.uuid().into_bytes()),
        Owner::Swarm(id) => ("swarm", id.uuid().into_bytes()),
    }
}

fn part<T>(mut rows: Vec<T>, limit: Limit, id: impl Fn(&T) -> KnowledgeId) -> Part<T> {
    let limit = limit.get() as usize;
    let next = rows.get(limit).map(id);
    rows.truncate(limit);
    Part { rows, next }
}

fn kept_shelf(columns: &mut Columns<'_>) -> Result<KeptShelf, Error> {
    Ok(KeptShelf {
        number: columns.take()?,
        revision: columns.count()?,
        removed: columns.count()?,
        entries: columns.count()?,
    })
}

fn entry(columns: &mut Columns<'_>) -> Result<Entry, Error> {
    Ok(Entry {
        id: columns.id()?,
        text: columns.take()?,
        source: columns.take()?,
        metadata: columns.json::<Map<String, Value>>()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

fn vector(columns: &mut Columns<'_>) -> Result<Vector, Error> {
    let bytes: Vec<u8> = columns.take()?;
    Vector::from_bytes(&bytes).map_err(|error| corrupt(VECTOR.name, error))
}
