//! Skills: finding them, making one's own, putting them on agents and into their machines.

use roost_domain::agent::Agent;
use roost_domain::id::AgentId;
use roost_domain::scan::Report;
use roost_domain::skill::{About, InstalledSkill, Manifest, PackageHash, SkillId, SkillVersion, TrustLevel};
use roost_ports::scanner::SourceFile;
use roost_ports::skills::{CatalogSkill, Listing, Package, PackageError, RegistrySkill, SourceError};
use roost_ports::store::{CustomVersion, KeptPackage, Reader};

use crate::{Core, Ctx, Error, Kind};

mod custom;
mod install;
mod market;
mod place;
mod reports;

pub use custom::{PutSkill, SkillContent};
pub(crate) use install::withdraw_all;
pub use install::{InstallSkill, UpdateInstalledSkill};
pub use market::ListSkills;
pub(crate) use place::Places;
pub(crate) use reports::Reports;

/// The use cases of skills.
pub struct Skills<'a>(pub(crate) &'a Core);

/// A skill that can be installed.
#[derive(Debug, Clone, PartialEq)]
pub struct SkillView {
    /// Which one.
    pub id: SkillId,
    /// Where it comes from.
    pub trust: TrustLevel,
    /// What it is for.
    pub description: String,
    /// What its people tell about it besides.
    pub listing: Listing,
    /// Its latest version, where that is known.
    pub version: Option<SkillVersion>,
    /// How often it was installed.
    pub installs: u64,
    /// What a scan found; `None` for what has not been downloaded.
    pub report: Option<Report>,
    /// What it is made of; `None` for what has not been downloaded.
    pub content: Option<(About, Manifest)>,
    /// Why its source warns of it.
    pub warning: Option<String>,
    /// Its versions, where all are kept, the latest first.
    pub versions: Vec<CustomVersion>,
}

impl SkillView {
    fn of_catalog(skill: &CatalogSkill, report: Report, installs: u64) -> Self {
        Self {
            id: skill.id.clone(),
            trust: TrustLevel::Verified,
            description: skill.package.about.description.clone(),
            listing: skill.listing.clone(),
            version: Some(skill.version.clone()),
            installs,
            report: Some(report),
            content: Some((skill.package.about.clone(), skill.package.manifest.clone())),
            warning: None,
            versions: Vec::new(),
        }
    }

    fn of_custom(versions: Vec<CustomVersion>, package: KeptPackage, installs: u64) -> Option<Self> {
        let latest = versions.first()?;
        let listing = Listing { title: latest.title.clone(), ..Listing::of(&latest.skill, &package.about) };
        Some(Self {
            id: latest.skill.clone(),
            trust: TrustLevel::Custom,
            description: package.about.description.clone(),
            listing,
            version: Some(latest.version.clone()),
            installs,
            report: Some(package.report),
            content: Some((package.about, package.manifest)),
            warning: None,
            versions,
        })
    }

    fn of_registry(skill: RegistrySkill) -> Self {
        Self {
            trust: TrustLevel::Community,
            description: skill.summary,
            listing: Listing {
                title: skill.title,
                more: None,
                author: skill.owner,
                category: None,
                tags: Vec::new(),
                use_cases: Vec::new(),
            },
            version: skill.latest,
            installs: skill.installs.unwrap_or(0),
            report: None,
            content: None,
            warning: skill.warning,
            versions: Vec::new(),
            id: skill.id,
        }
    }
}

/// A skill that is at hand, with all its files, to be put on an agent.
struct AtHand {
    title: String,
    version: SkillVersion,
    package: Package,
    report: Report,
    /// Why its source warns of it.
    warning: Option<String>,
}

/// Returns the caller's agent, or says that there is none, whosever it may be.
fn own(reader: &dyn Reader, ctx: &Ctx, id: AgentId) -> Result<Agent, Error> {
    reader.agent(ctx.account(), id)?.ok_or_else(|| Error::not_found("agent", id))
}

/// Returns one skill of an agent.
fn installed(reader: &dyn Reader, agent: AgentId, skill: &SkillId) -> Result<Option<InstalledSkill>, Error> {
    Ok(reader.installed_skills(agent)?.into_iter().find(|one| one.skill == *skill))
}

/// Reads a whole package back.
fn whole(reader: &dyn Reader, hash: PackageHash) -> Result<(Package, KeptPackage), Error> {
    let missing = || Error::internal(format!("the package {hash} of a skill is not kept"));
    let kept = reader.skill_package(hash)?.ok_or_else(missing)?;
    let mut contents = Vec::new();
    for file in kept.manifest.files() {
        let content = reader.skill_file(hash, &file.path)?.ok_or_else(missing)?;
        contents.push((file.path.clone(), content));
    }
    Ok((Package { about: kept.about.clone(), manifest: kept.manifest.clone(), contents }, kept))
}

fn sources(package: &Package) -> Vec<SourceFile> {
    let file = |(path, content): &(roost_domain::skill::SkillPath, Vec<u8>)| SourceFile {
        path: path.to_string(),
        content: content.clone(),
    };
    package.contents.iter().map(file).collect()
}

impl From<PackageError> for Error {
    fn from(error: PackageError) -> Self {
        Self::new(Kind::InvalidInput, "invalid_skill", error.to_string()).caused_by(error)
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let (kind, code) = match &error {
            SourceError::Catalog(_) => (Kind::Unavailable, "skill_catalog_unavailable"),
            SourceError::Unreachable(_) | SourceError::Busy { .. } | SourceError::Nonsense(_) => {
                (Kind::Unavailable, "skill_registry_unavailable")
            }
            SourceError::Refused(_) => (Kind::Forbidden, "skill_refused"),
            SourceError::Package(_) => (Kind::InvalidInput, "invalid_skill"),
        };
        let text = match &error {
            SourceError::Package(cause) => format!("{error}: {cause}"),
            SourceError::Catalog(_)
            | SourceError::Unreachable(_)
            | SourceError::Busy { .. }
            | SourceError::Nonsense(_)
            | SourceError::Refused(_) => error.to_string(),
        };
        let wait = match &error {
            SourceError::Busy { retry_after } => *retry_after,
            SourceError::Catalog(_)
            | SourceError::Unreachable(_)
            | SourceError::Nonsense(_)
            | SourceError::Refused(_)
            | SourceError::Package(_) => None,
        };
        let made = Self::new(kind, code, text).caused_by(error);
        match wait {
            Some(wait) => made.retry_after(wait),
            None => made,
        }
    }
}
