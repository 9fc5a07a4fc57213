//! The reader of documents: takes the text out of files.

use roost_domain::knowledge::Block;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text without structure.
    Text,
    /// Markdown.
    Markdown,
    /// A web page.
    Html,
    /// A PDF document.
    Pdf,
    /// A document of Word.
    Docx,
    /// A table of comma-separated values.
    Csv,
}

impl Format {
    /// Every format, with the endings of its files' names and its media type.
    pub const ALL: [(Self, &'static [&'static str], &'static str); 6] = [
        (Self::Text, &["txt", "text", "log"], "text/plain"),
        (Self::Markdown, &["md", "markdown"], "text/markdown"),
        (Self::Html, &["html", "htm", "xhtml"], "text/html"),
        (Self::Pdf, &["pdf"], "application/pdf"),
        (Self::Docx, &["docx"], "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (Self::Csv, &["csv"], "text/csv"),
    ];

    /// Returns the format of a file by the ending of its name, else by its media type.
    pub fn of(name: &str, media_type: Option<&str>) -> Option<Self> {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let essence =
            media_type.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
        let by_ending = Self::ALL
            .iter()
            .find(|(_, endings, _)| ending.as_deref().is_some_and(|ending| endings.contains(&ending)));
        let by_type = || Self::ALL.iter().find(|(_, _, kind)| essence.as_deref() == Some(*kind));
        by_ending.or_else(by_type).map(|(format, _, _)| *format)
    }
}

/// Why a file's text cannot be taken out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not what its name says, or damaged.
    #[error("the file is no readable {format}: {problem}")]
    Damaged {
        /// What it should be.
        format: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It cannot be read without a password.
    #[error("the file is encrypted; upload it without a password")]
    Encrypted,
    /// It becomes too large when it is unpacked, or has too many parts.
    #[error("the file holds more than {limit}")]
    TooLarge {
        /// What is allowed.
        limit: &'static str,
    },
}

/// Takes the text out of files.
pub trait DocumentReader: Send + Sync {
    /// Returns the blocks of a document in their order; none if it has no text, as scanned pages have none.
    ///
    /// Takes processor time and never blocks otherwise; call it off the async threads. Whatever is in the file, this
    /// does not panic.
    ///
    /// # Errors
    ///
    /// [`Error`] says what is wrong with the file.
    fn read(&self, format: Format, bytes: &[u8]) -> Result<Vec<Block>, Error>;
}
