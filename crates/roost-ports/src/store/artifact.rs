use jiff::Timestamp;
use roost_domain::artifact::{Artifact, File};
use roost_domain::id::{AccountId, AgentId, ArtifactId, FileId, FormId, RunId};
use roost_domain::page::{Limit, Page};

use super::Error;

/// The last artifact of a page: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtifactCursor {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: ArtifactId,
}

/// Which artifacts of an agent are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtifactFilter {
    /// Of this run only.
    pub run: Option<RunId>,
    /// Versions of this title only.
    pub title: Option<String>,
}

/// Looks at artifacts and files.
pub trait Artifacts {
    /// Returns one artifact of an agent.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn artifact(&self, account: AccountId, agent: AgentId, id: ArtifactId)
    -> Result<Option<Artifact>, Error>;

    /// Returns what an artifact holds.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn artifact_content(&self, id: ArtifactId) -> Result<Option<String>, Error>;

    /// Returns an agent's artifacts, newest first.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn artifacts(
        &self,
        agent: AgentId,
        filter: &ArtifactFilter,
        after: Option<ArtifactCursor>,
        limit: Limit,
    ) -> Result<Page<Artifact, ArtifactCursor>, Error>;

    /// Returns the latest version of a title of an agent; 0 if there is none.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn artifact_version(&self, agent: AgentId, title: &str) -> Result<u64, Error>;

    /// Returns one file of a run.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn run_file(&self, account: AccountId, run: RunId, id: FileId) -> Result<Option<File>, Error>;

    /// Returns what a file holds.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn run_file_content(&self, id: FileId) -> Result<Option<Vec<u8>>, Error>;

    /// Returns how many files were given to a form, and their bytes.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn form_files(&self, form: FormId) -> Result<(u64, u64), Error>;
}

/// Changes artifacts and files.
pub trait ArtifactsMut {
    /// Adds an artifact.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is one with its id, or its title and version.
    fn insert_artifact(&mut self, artifact: &Artifact, content: &str) -> Result<(), Error>;

    /// Adds a file.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is one with its id.
    fn insert_run_file(&mut self, file: &File, content: &[u8]) -> Result<(), Error>;

    /// Removes a run's artifacts and files.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_artifacts_of_run(&mut self, run: RunId) -> Result<(), Error>;
}
