use roost_domain::id::{AccountId, KnowledgeId};
use roost_domain::knowledge::{Entry, Owner, Shelf, Vector};
use roost_domain::page::Limit;

use super::Error;

/// A shelf as it is kept. Its number is for the store's own use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptShelf {
    /// Its number.
    pub number: i64,
    /// Counts its changes.
    pub revision: u64,
    /// The revision at which something was removed last.
    pub removed: u64,
    /// How many entries stand on it.
    pub entries: u64,
}

/// An entry with the number under which its vector is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEntry {
    /// The number, which grows.
    pub row: i64,
    /// The entry.
    pub entry: Entry,
}

/// Where a memory stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// Of whom.
    pub peer: String,
    /// What.
    pub entry: Entry,
}

/// A vector as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptVector {
    /// The number of its entry.
    pub row: i64,
    /// The revision of its shelf at which it came.
    pub revision: u64,
    /// The vector.
    pub vector: Vector,
}

/// An entry to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// The entry.
    pub entry: Entry,
    /// The SHA-256 of its text.
    pub digest: [u8; 32],
    /// Its vector; without one it is embedded later.
    pub vector: Option<Vector>,
}

/// An entry that has no vector of the model that is used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Its shelf.
    pub shelf: i64,
    /// Its number.
    pub row: i64,
    /// Its text.
    pub text: String,
}

/// How far an account's entries are embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Embedded {
    /// All entries, memories included.
    pub entries: u64,
    /// Those with a vector of the model that is used now.
    pub embedded: u64,
}

/// Which entries are removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// All of a source.
    Source(String),
    /// One.
    One(KnowledgeId),
    /// All of the shelf.
    All,
}

/// Part of a list of entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<T> {
    /// The entries, oldest first.
    pub rows: Vec<T>,
    /// The first entry of the next part.
    pub next: Option<KnowledgeId>,
}

/// Looks at knowledge and memories.
pub trait Knowledge {
    /// Returns a shelf, if anything was ever put on it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn shelf(&self, account: AccountId, shelf: &Shelf) -> Result<Option<KeptShelf>, Error>;

    /// Returns entries of a shelf, oldest first, beginning with the first whose id is `from` or follows it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn entries(
        &self,
        shelf: i64,
        source: Option<&str>,
        from: Option<KnowledgeId>,
        limit: Limit,
    ) -> Result<Part<Entry>, Error>;

    /// Returns the entries of these numbers that are on the shelf, in no order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn entries_at(&self, shelf: i64, rows: &[i64]) -> Result<Vec<KeptEntry>, Error>;

    /// Returns which of these digests stand on the shelf, leaving out the entries of a source.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn known_digests(
        &self,
        shelf: i64,
        digests: &[[u8; 32]],
        besides: Option<&str>,
    ) -> Result<Vec<[u8; 32]>, Error>;

    /// Returns vectors of a model that came to a shelf after a revision and a number of it, in the order in which they
    /// came.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn vectors_after(
        &self,
        shelf: i64,
        model: &str,
        after: (u64, i64),
        limit: Limit,
    ) -> Result<Vec<KeptVector>, Error>;

    /// Returns the vectors of a model that entries of these numbers have, in no order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn vectors_at(&self, shelf: i64, model: &str, rows: &[i64]) -> Result<Vec<(i64, Vector)>, Error>;

    /// Returns the numbers of all entries of a shelf that have a vector of a model, in no order.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn rows(&self, shelf: i64, model: &str) -> Result<Vec<i64>, Error>;

    /// Returns the numbers of entries of a shelf that have any of these words, best first. Words are letters and digits.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn with_words(&self, shelf: i64, words: &[String], limit: Limit) -> Result<Vec<i64>, Error>;

    /// Returns entries without a vector of a model whose numbers are after one, over all accounts, by number.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn stale(&self, model: &str, after: i64, limit: Limit) -> Result<Vec<Stale>, Error>;

    /// Returns how far an account's entries are embedded.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn embedded(&self, account: AccountId, model: &str) -> Result<Embedded, Error>;

    /// Returns the shelves of an owner whose numbers come after one, by number.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn shelves_of(
        &self,
        account: AccountId,
        owner: Owner,
        after: i64,
        limit: Limit,
    ) -> Result<Vec<(i64, Shelf)>, Error>;

    /// Returns all that is kept of the entries of a shelf whose numbers come after one, by number, with their vectors of
    /// a model where they have one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn whole_entries(
        &self,
        shelf: i64,
        model: &str,
        after: i64,
        limit: Limit,
    ) -> Result<Vec<(i64, NewEntry)>, Error>;

    /// Returns what is remembered somewhere, of one peer or of all, oldest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn memories(
        &self,
        account: AccountId,
        owner: Owner,
        peer: Option<&str>,
        from: Option<KnowledgeId>,
        limit: Limit,
    ) -> Result<Part<Remembered>, Error>;
}

/// Changes knowledge and memories.
pub trait KnowledgeMut {
    /// Returns a shelf, made if there is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn open_shelf(&mut self, account: AccountId, shelf: &Shelf) -> Result<KeptShelf, Error>;

    /// Puts entries on a shelf, with vectors of a model. They are found by meaning, by words and in lists from then on.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if an id is taken.
    fn insert_entries(&mut self, shelf: i64, model: &str, entries: &[NewEntry]) -> Result<(), Error>;

    /// Removes entries and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn remove_entries(&mut self, shelf: i64, which: &Removed) -> Result<u64, Error>;

    /// Gives entries vectors of a model in the place of those they have. Entries that are gone are left out.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_vectors(&mut self, model: &str, vectors: &[(i64, i64, Vector)]) -> Result<(), Error>;

    /// Removes one memory wherever it stands with an owner, and tells whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn remove_memory(&mut self, account: AccountId, owner: Owner, id: KnowledgeId) -> Result<bool, Error>;

    /// Removes the memories of one peer, or of all, and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn remove_memories(&mut self, account: AccountId, owner: Owner, peer: Option<&str>)
    -> Result<u64, Error>;

    /// Drops the vectors of an account's entries, so that all are made again.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn forget_vectors(&mut self, account: AccountId) -> Result<u64, Error>;

    /// Removes everything that is kept for an owner who is no more.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn remove_knowledge_of(&mut self, account: AccountId, owner: Owner) -> Result<(), Error>;
}
