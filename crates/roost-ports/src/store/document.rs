use roost_domain::document::{Document, DocumentName, Mark, RuleName, Version};
use roost_domain::id::{AgentId, SessionId};
use roost_domain::page::{Limit, Page};

use super::Error;

/// A document as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentEntry {
    /// Which one.
    pub name: DocumentName,
    /// Its latest version.
    pub version: u64,
    /// How many bytes its text has; `None` if it was deleted.
    pub size: Option<u64>,
    /// Who wrote the latest version, when and why.
    pub mark: Mark,
}

/// A version as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionEntry {
    /// Its number, from 1.
    pub number: u64,
    /// How many bytes its text has; `None` if it is a deletion.
    pub size: Option<u64>,
    /// Who wrote it, when and why.
    pub mark: Mark,
}

/// A new version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// Which document.
    pub name: DocumentName,
    /// Its text; `None` deletes the document.
    pub content: Option<String>,
    /// Who writes it, when and why.
    pub mark: Mark,
}

/// Looks at agents' documents. What was deleted is not found, except by its versions.
///
/// Every version has a place in the order of all that was written to its agent's documents. A session sees them as
/// they were when it began, or when the agent last started afresh, whichever was later.
pub trait Documents {
    /// Returns a document as it is now.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn document(&self, agent: AgentId, name: &DocumentName) -> Result<Option<Document>, Error>;

    /// Returns a document as a session sees it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn document_in(
        &self,
        agent: AgentId,
        session: SessionId,
        name: &DocumentName,
    ) -> Result<Option<Document>, Error>;

    /// Returns the names of the rules that a session sees, sorted; at most 1,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn rules_in(&self, agent: AgentId, session: SessionId) -> Result<Vec<RuleName>, Error>;

    /// Returns an agent's documents by name, deleted ones too; at most 1,000.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn documents(&self, agent: AgentId) -> Result<Vec<DocumentEntry>, Error>;

    /// Returns the versions of a document that are kept, the latest first, from before the version `before` on.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn document_versions(
        &self,
        agent: AgentId,
        name: &DocumentName,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<VersionEntry, u64>, Error>;

    /// Returns one version of a document.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn document_version(
        &self,
        agent: AgentId,
        name: &DocumentName,
        number: u64,
    ) -> Result<Option<Version>, Error>;
}

/// Changes agents' documents.
pub trait DocumentsMut {
    /// Writes a new version of a document and returns its number. The latest 200 versions of each document are kept,
    /// and the 200 documents that were deleted last.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_document(&mut self, agent: AgentId, version: &NewVersion) -> Result<u64, Error>;

    /// Lets every session of an agent see its documents as they are now: the agent starts afresh.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn refresh_documents(&mut self, agent: AgentId) -> Result<(), Error>;
}
