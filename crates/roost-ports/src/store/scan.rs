use jiff::Timestamp;
use roost_domain::id::{AccountId, ScanId};
use roost_domain::scan::Report;

use super::Error;

/// A scan that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Its id.
    pub id: ScanId,
    /// The account it belongs to.
    pub account: AccountId,
    /// What was scanned and how: identical code under the same rules gives the same result.
    pub hash: [u8; 32],
    /// What was found.
    pub report: Report,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Looks at scans.
pub trait Scans {
    /// Returns one scan of an account.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn scan(&self, account: AccountId, id: ScanId) -> Result<Option<Scan>, Error>;

    /// Returns one scan of whatever account, for its badge.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn scan_of_any_account(&self, id: ScanId) -> Result<Option<Scan>, Error>;

    /// Returns the account's latest scan of exactly this.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn scan_by_hash(&self, account: AccountId, hash: &[u8; 32]) -> Result<Option<Scan>, Error>;
}

/// Changes scans.
pub trait ScansMut {
    /// Adds a scan.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the id is taken.
    fn insert_scan(&mut self, scan: &Scan) -> Result<(), Error>;

    /// Removes an account's scans made before a time and returns how many there were.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn remove_scans(&mut self, account: AccountId, before: Timestamp) -> Result<u64, Error>;
}
