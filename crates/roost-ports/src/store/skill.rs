use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::scan::Report;
use roost_domain::skill::{
    About, InstalledSkill, Manifest, PackageHash, Placement, SkillId, SkillPath, SkillVersion, TrustLevel,
};

use super::Error;

/// A package that is kept, without the contents of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptPackage {
    /// What its `SKILL.md` says of it.
    pub about: About,
    /// Its files.
    pub manifest: Manifest,
    /// What a scan of it found.
    pub report: Report,
    /// The version of the rules it was scanned under.
    pub rules: String,
}

/// One version of a skill that an account made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomVersion {
    /// Whose it is.
    pub account: AccountId,
    /// Which skill.
    pub skill: SkillId,
    /// Which version.
    pub version: SkillVersion,
    /// What people call it.
    pub title: String,
    /// Its content.
    pub package: PackageHash,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Looks at skills.
pub trait Skills {
    /// Returns a package, whoever uses it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn skill_package(&self, hash: PackageHash) -> Result<Option<KeptPackage>, Error>;

    /// Returns a file of a package.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn skill_file(&self, hash: PackageHash, path: &SkillPath) -> Result<Option<Vec<u8>>, Error>;

    /// Returns the latest version of each skill that an account made, sorted by id; the core limits how many there
    /// are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn custom_skills(&self, account: AccountId) -> Result<Vec<CustomVersion>, Error>;

    /// Returns the versions of a skill that an account made, the latest first; the core limits how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn custom_versions(&self, account: AccountId, skill: &SkillId) -> Result<Vec<CustomVersion>, Error>;

    /// Returns the skills on an agent, sorted by when they were installed, with how their approvals stand; the core
    /// limits how many there are.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn installed_skills(&self, agent: AgentId) -> Result<Vec<InstalledSkill>, Error>;

    /// Returns how often each skill of a source was installed; `account` is whose custom skills are meant.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn skill_installs(&self, trust: TrustLevel, account: AccountId) -> Result<BTreeMap<SkillId, u64>, Error>;

    /// Returns which skills an agent's workspace holds the files of; `None` if it never held any.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn placed_skills(&self, agent: AgentId) -> Result<Option<Placement>, Error>;
}

/// Changes skills.
pub trait SkillsMut {
    /// Keeps a package with its files; where it is kept already, only what was found in it is replaced.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn put_skill_package(
        &mut self,
        package: &KeptPackage,
        contents: &[(SkillPath, Vec<u8>)],
        now: Timestamp,
    ) -> Result<(), Error>;

    /// Removes a package that no agent and no account uses any more; no-op for one that is used.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn drop_skill_package(&mut self, hash: PackageHash) -> Result<(), Error>;

    /// Adds a version of a skill that an account made; it is the latest from then on.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if there is one of that number.
    fn insert_custom_version(&mut self, version: &CustomVersion) -> Result<(), Error>;

    /// Removes a version of a skill that an account made and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_custom_version(
        &mut self,
        account: AccountId,
        skill: &SkillId,
        version: &SkillVersion,
    ) -> Result<bool, Error>;

    /// Adds a skill to an agent and counts the installation.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the agent has a skill of that name.
    fn insert_installed_skill(&mut self, skill: &InstalledSkill) -> Result<(), Error>;

    /// Writes a skill of an agent that is there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn update_installed_skill(&mut self, skill: &InstalledSkill) -> Result<(), Error>;

    /// Removes a skill from an agent and returns whether it was there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn delete_installed_skill(&mut self, agent: AgentId, skill: &SkillId) -> Result<bool, Error>;

    /// Writes down which skills an agent's workspace holds the files of; `None` if that is not known.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database fails.
    fn place_skills(&mut self, agent: AgentId, placement: Option<Placement>) -> Result<(), Error>;
}
