//! The scanner: reads code and says what is wrong with it, without running it.

use roost_domain::scan::{Framework, Report};

/// One file to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as people know it, `/` between its parts. Its name decides the language; empty for a bare snippet,
    /// whose language is guessed.
    pub path: String,
    /// What is in it, in any encoding.
    pub content: Vec<u8>,
}

/// Reads code and says what is wrong with it.
pub trait Scanner: Send + Sync {
    /// Returns the version of the rules. It is part of the key of cached results: another version may find
    /// something else in the same code.
    fn version(&self) -> &str;

    /// Scans files as one whole. The same files give the same report.
    ///
    /// Takes processor time in proportion to the size of the files and never blocks otherwise; call it off the
    /// async threads. Whatever is in a file, this neither fails nor panics: what cannot be parsed is a finding.
    fn scan(&self, files: &[SourceFile], framework: Option<Framework>) -> Report;

    /// Unpacks a zip archive in memory, in the order of its entries and without its directories.
    ///
    /// # Errors
    ///
    /// [`ArchiveError`] if anything in the archive is refused; then nothing of it is returned.
    fn unpack(&self, zip: &[u8]) -> Result<Vec<SourceFile>, ArchiveError>;
}

/// Why an archive was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It is no zip archive, or a damaged one.
    #[error("this is no readable zip archive: {reason}")]
    Unreadable {
        /// What the reader says.
        reason: String,
    },
    /// An entry would land outside of the archive's own directory.
    #[error("the archive's entry {entry:?} points outside of the archive")]
    Outside {
        /// The entry's name.
        entry: String,
    },
    /// An entry is a symbolic link, a device or something else that is no file.
    #[error("the archive's entry {entry:?} is a link or a device, not a file")]
    NotAFile {
        /// The entry's name.
        entry: String,
    },
    /// An entry is an archive itself.
    #[error("the archive's entry {entry:?} is an archive itself; unpack it first")]
    Nested {
        /// The entry's name.
        entry: String,
    },
    /// An entry cannot be read without a password.
    #[error("the archive's entry {entry:?} is encrypted")]
    Encrypted {
        /// The entry's name.
        entry: String,
    },
    /// Two entries have the same name.
    #[error("the archive has the entry {entry:?} twice")]
    Twice {
        /// The entry's name.
        entry: String,
    },
    /// It has too many entries.
    #[error("the archive has more than {limit} entries")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
    /// It would be too large unpacked, whatever it says of itself.
    #[error("the archive is larger than {limit_bytes} bytes when unpacked")]
    TooLarge {
        /// How much is allowed.
        limit_bytes: u64,
    },
    /// An entry is packed so tightly that it is made to burst.
    #[error("the archive's entry {entry:?} is packed more than {limit} to 1, as only bombs are")]
    Bomb {
        /// The entry's name.
        entry: String,
        /// How many bytes one packed byte may become.
        limit: u64,
    },
}
