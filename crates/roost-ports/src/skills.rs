//! Where skills come from: folders and archives that people hand in, the server's own catalog, the public registry.

use std::sync::Arc;

use async_trait::async_trait;
use roost_domain::skill::{About, Manifest, PackageHash, SkillId, SkillPath, SkillVersion};

use crate::scanner::ArchiveError;

/// A skill with all its files, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// What its `SKILL.md` says of it.
    pub about: About,
    /// Its files.
    pub manifest: Manifest,
    /// Their contents, in the manifest's order.
    pub contents: Vec<(SkillPath, Vec<u8>)>,
}

impl Package {
    /// Names its exact content.
    pub fn hash(&self) -> PackageHash {
        self.manifest.hash()
    }
}

/// What a skill's people tell about it besides its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What people call it.
    pub title: String,
    /// What it is for, in more words; `None` where nobody wrote them.
    pub more: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// What it is about, in one word.
    pub category: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// What one can do with it.
    pub use_cases: Vec<String>,
}

impl Listing {
    /// Reads what the metadata of a skill says: `title`, `enhanced-description`, `author`, `category`, `tags` with
    /// commas, `use-cases` with semicolons.
    pub fn of(id: &SkillId, about: &About) -> Self {
        let meta = |key| about.meta(key).map(str::to_owned);
        Self {
            title: meta("title").unwrap_or_else(|| id.title()),
            more: meta("enhanced-description"),
            author: meta("author"),
            category: meta("category"),
            tags: about.list("tags", ','),
            use_cases: about.list("use-cases", ';'),
        }
    }
}

/// A skill of the server's own catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogSkill {
    /// Which one.
    pub id: SkillId,
    /// Which version of it.
    pub version: SkillVersion,
    /// What is told about it.
    pub listing: Listing,
    /// The skill.
    pub package: Package,
}

/// What the public registry tells about a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySkill {
    /// Which one.
    pub id: SkillId,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub summary: String,
    /// Who put it there, where the answer says so.
    pub owner: Option<String>,
    /// Its latest version, where the answer says so.
    pub latest: Option<SkillVersion>,
    /// How often it was installed or downloaded, where the answer says so.
    pub installs: Option<u64>,
    /// Why the registry warns of it; `None` where it does not.
    pub warning: Option<String>,
}

/// What a skill's instructions are made from where nobody wrote a `SKILL.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub id: SkillId,
    /// What it does and when to use it.
    pub description: String,
    /// What people call it.
    pub title: Option<String>,
    /// The instructions, in Markdown.
    pub instructions: String,
}

/// Where skills come from.
#[async_trait]
pub trait SkillSources: Send + Sync {
    /// Makes a package of files, each with its path below the skill's folder as somebody wrote it.
    ///
    /// # Errors
    ///
    /// [`PackageError`] names the file or the field.
    fn pack(&self, files: Vec<(String, Vec<u8>)>) -> Result<Package, PackageError>;

    /// Makes a package of a zip archive, with `SKILL.md` at its root or in its only folder. Nothing is written
    /// anywhere.
    ///
    /// # Errors
    ///
    /// [`PackageError`], [`PackageError::Archive`] for an archive that is refused whole.
    fn unpack(&self, zip: &[u8]) -> Result<Package, PackageError>;

    /// Writes a `SKILL.md`.
    fn write(&self, draft: &Draft) -> Vec<u8>;

    /// Returns the server's own catalog, sorted by id. What in it is no skill is left out and told to the log.
    ///
    /// # Errors
    ///
    /// [`SourceError::Catalog`] if it cannot be read at all.
    async fn catalog(&self) -> Result<Arc<Vec<CatalogSkill>>, SourceError>;

    /// Searches the public registry, best first; without words, what is newest. At most `limit` are returned.
    ///
    /// # Errors
    ///
    /// [`SourceError`] says how the registry failed.
    async fn search(&self, words: &str, limit: u32) -> Result<Vec<RegistrySkill>, SourceError>;

    /// Asks the public registry about one skill; `None` if it has none of that name.
    ///
    /// # Errors
    ///
    /// [`SourceError`] says how the registry failed.
    async fn look_up(&self, id: &SkillId) -> Result<Option<RegistrySkill>, SourceError>;

    /// Downloads one version of a skill from the public registry; `None` if it has none of that name.
    ///
    /// # Errors
    ///
    /// [`SourceError`] says how the registry failed, [`SourceError::Package`] that what it sent is no skill.
    async fn download(&self, id: &SkillId, version: &SkillVersion) -> Result<Option<Package>, SourceError>;
}

/// Why files are no skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// A path, a bound or a field is not as it must be.
    #[error("{0}")]
    Invalid(String),
    /// The frontmatter cannot be read.
    #[error("the frontmatter of SKILL.md cannot be read: {0}")]
    Frontmatter(String),
    /// The archive is refused whole.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Why a source of skills gave none.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The server's own catalog cannot be read.
    #[error("the server's catalog of skills cannot be read: {0}")]
    Catalog(String),
    /// The registry does not answer, or not in time.
    #[error("the skill registry does not answer: {0}")]
    Unreachable(String),
    /// The registry wants fewer requests.
    #[error("the skill registry has had too many requests from this server")]
    Busy {
        /// When it may help to ask again.
        retry_after: Option<std::time::Duration>,
    },
    /// The registry answered what cannot be understood.
    #[error("the skill registry's answer cannot be used: {0}")]
    Nonsense(String),
    /// The registry does not give the skill out.
    #[error("the skill registry refuses it: {0}")]
    Refused(String),
    /// What it sent is no skill.
    #[error("what the skill registry sent is no skill: {0}")]
    Package(#[source] PackageError),
}
