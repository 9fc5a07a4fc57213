use roost_domain::key::Scope;
use roost_domain::skill::{SKILL_FILE, SkillId, SkillVersion};
use roost_ports::skills::{Draft, Package};
use roost_ports::store::{CustomVersion, KeptPackage, Writer};

use super::{SkillView, Skills};
use crate::{Ctx, Error, Kind};

/// How many skills an account may make.
const MOST_SKILLS: usize = 200;

/// How many versions of a skill are kept; the oldest goes when there are more.
const MOST_VERSIONS: usize = 50;

/// A skill of the account's own, or a new version of it.
#[derive(Debug, Clone)]
pub struct PutSkill {
    /// Its name; without one, the name in its `SKILL.md`, or one made of what people call it.
    pub id: Option<SkillId>,
    /// What people call it, 1 to 100 characters; without it, what its `SKILL.md` says.
    pub title: Option<String>,
    /// What it is made of.
    pub content: SkillContent,
}

/// What a skill is made of.
#[derive(Debug, Clone)]
pub enum SkillContent {
    /// A zip archive.
    Archive(Vec<u8>),
    /// Files, each with its path. Where none is `SKILL.md`, one is written of the other two.
    Files {
        /// The files.
        files: Vec<(String, Vec<u8>)>,
        /// What the skill does and when to use it.
        description: Option<String>,
        /// The instructions, in Markdown.
        instructions: Option<String>,
    },
}

impl Skills<'_> {
    /// Makes a skill of the account's own, or a new version of one that is there. Exactly the latest version again
    /// changes nothing. Agents keep the version that they have until they are updated.
    ///
    /// Returns the skill and whether it is new.
    ///
    /// # Errors
    ///
    /// `InvalidInput` with the code `invalid_skill`, or that names the field; `Conflict` with the code
    /// `skill_id_taken` for the name of a skill of the catalog, `skill_version_exists` for a version that is not
    /// above the latest; `QuotaExceeded` with the code `too_many_skills`. Nothing is changed then.
    pub async fn put(&self, ctx: &Ctx, put: PutSkill) -> Result<(SkillView, bool), Error> {
        ctx.require(Scope::Skills)?;
        if put.title.as_ref().is_some_and(|title| !(1..=100).contains(&title.trim().chars().count())) {
            return Err(Error::invalid("name", "must have 1 to 100 characters"));
        }
        let package = self.package(&put)?;
        let Some(id) = package.about.name.clone() else {
            return Err(Error::new(Kind::InvalidInput, "invalid_skill", "SKILL.md says no name"));
        };
        if put.id.as_ref().is_some_and(|wanted| *wanted != id) {
            return Err(Error::invalid("id", format!("must be the name in SKILL.md, {id}")));
        }
        if self.of_catalog(&id).await?.is_some() {
            let message = format!("the server's catalog has a skill {id}; give yours another name");
            return Err(Error::new(Kind::Conflict, "skill_id_taken", message));
        }
        let given: Option<SkillVersion> = match package.about.meta("version") {
            Some(text) => Some(text.parse().map_err(|error| {
                Error::new(
                    Kind::InvalidInput,
                    "invalid_skill",
                    format!("SKILL.md: metadata.version: {error}"),
                )
            })?),
            None => None,
        };
        let title = put.title.or_else(|| package.about.meta("title").map(str::to_owned));
        let title = title.map_or_else(|| id.title(), |title| title.trim().chars().take(100).collect());
        let report = self.report(&package).await?;
        let rules = self.0.ports.scanner.version().to_owned();
        let kept = KeptPackage { about: package.about, manifest: package.manifest, report, rules };
        let contents = package.contents;
        let (account, now, skill) = (ctx.account(), ctx.now, id.clone());
        let write = move |writer: &mut dyn Writer| {
            let mut versions = writer.custom_versions(account, &skill)?;
            let hash = kept.manifest.hash();
            let latest = versions.first();
            if latest.is_some_and(|latest| latest.package == hash && latest.title == title) {
                return Ok(false);
            }
            if latest.is_none() && writer.custom_skills(account)?.len() >= MOST_SKILLS {
                let message = format!("the account has {MOST_SKILLS} skills, as many as it may; delete one");
                return Err(Error::new(Kind::QuotaExceeded, "too_many_skills", message));
            }
            let version = next(latest.map(|latest| &latest.version), given, &skill)?;
            writer.put_skill_package(&kept, &contents, now)?;
            writer.insert_custom_version(&CustomVersion {
                account,
                skill: skill.clone(),
                version,
                title,
                package: hash,
                created_at: now,
            })?;
            let is_new = versions.is_empty();
            while versions.len() >= MOST_VERSIONS
                && let Some(oldest) = versions.pop()
            {
                writer.delete_custom_version(account, &skill, &oldest.version)?;
                writer.drop_skill_package(oldest.package)?;
            }
            Ok::<_, Error>(is_new)
        };
        let is_new = self.0.ports.store.write(write).await?;
        let view = self.get(ctx, &id, Some(roost_domain::skill::TrustLevel::Custom)).await?;
        Ok((view, is_new))
    }

    /// Makes a new version of a skill of the account's own that is there.
    ///
    /// # Errors
    ///
    /// As [`Skills::put`], and `NotFound`.
    pub async fn replace(&self, ctx: &Ctx, id: SkillId, put: PutSkill) -> Result<SkillView, Error> {
        ctx.require(Scope::Skills)?;
        let (account, wanted) = (ctx.account(), id.clone());
        let read = move |reader: &dyn roost_ports::store::Reader| {
            Ok::<_, Error>(!reader.custom_versions(account, &wanted)?.is_empty())
        };
        if !self.0.ports.store.read(read).await? {
            return Err(Error::not_found("skill", format!("{id} of the account's own")));
        }
        Ok(self.put(ctx, PutSkill { id: Some(id), ..put }).await?.0)
    }

    /// Deletes a skill of the account's own with all its versions. Agents that have it keep it.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn delete(&self, ctx: &Ctx, id: &SkillId) -> Result<(), Error> {
        ctx.require(Scope::Skills)?;
        let (account, skill) = (ctx.account(), id.clone());
        let delete = move |writer: &mut dyn Writer| {
            let versions = writer.custom_versions(account, &skill)?;
            if versions.is_empty() {
                return Err(Error::not_found("skill", format!("{skill} of the account's own")));
            }
            for version in versions {
                writer.delete_custom_version(account, &skill, &version.version)?;
                writer.drop_skill_package(version.package)?;
            }
            Ok(())
        };
        self.0.ports.store.write(delete).await
    }

    fn package(&self, put: &PutSkill) -> Result<Package, Error> {
        let sources = &self.0.ports.skills;
        let (files, description, instructions) = match &put.content {
            SkillContent::Archive(zip) => return Ok(sources.unpack(zip)?),
            SkillContent::Files { files, description, instructions } => (files, description, instructions),
        };
        let mut files = files.clone();
        if files.iter().any(|(path, _)| path.eq_ignore_ascii_case(SKILL_FILE)) {
            let told = [("description", description), ("instructions", instructions)];
            if let Some((field, _)) = told.iter().find(|(_, text)| text.is_some()) {
                return Err(Error::invalid(
                    field,
                    "stands in the SKILL.md that is among the files; leave it out",
                ));
            }
        } else {
            let missing = |field| Error::invalid(field, "is required where no file is SKILL.md");
            let by_title = || put.title.as_deref().and_then(SkillId::from_title);
            let id = put.id.clone().or_else(by_title).ok_or_else(|| missing("name"))?;
            let draft = Draft {
                id,
                description: description.clone().ok_or_else(|| missing("description"))?,
                title: put.title.clone(),
                instructions: instructions.clone().ok_or_else(|| missing("instructions"))?,
            };
            files.push((SKILL_FILE.to_owned(), sources.write(&draft)));
        }
        Ok(sources.pack(files)?)
    }
}

/// Returns the version that comes after the latest: the one that the skill says, or the next.
fn next(
    latest: Option<&SkillVersion>,
    given: Option<SkillVersion>,
    skill: &SkillId,
) -> Result<SkillVersion, Error> {
    match (latest, given) {
        (Some(latest), Some(given)) if given <= *latest => {
            let message = format!(
                "the skill {skill} has the version {latest}; metadata.version must be above it, or be left out"
            );
            Err(Error::new(Kind::Conflict, "skill_version_exists", message))
        }
        (_, Some(given)) => Ok(given),
        (Some(latest), None) => Ok(latest.next()),
        (None, None) => Ok(SkillVersion::FIRST),
    }
}
