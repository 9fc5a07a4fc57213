use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use roost_domain::skill::{About, Manifest, SKILL_FILE, SkillFile, SkillId, SkillPath, SkillVersion};
use roost_domain::unit::Bytes;
use roost_ports::scanner::ArchiveError;
use roost_ports::skills::{
    CatalogSkill, Draft, Listing, Package, PackageError, RegistrySkill, SkillSources, SourceError,
};
use sha2::{Digest, Sha256};

/// Sources of skills that hold what the test puts there. A `SKILL.md` is read line by line: `name: …`,
/// `description: …`, and whatever else stands there as `key: value` is metadata.
#[derive(Default)]
pub struct TestSkills {
    catalog: Mutex<Vec<CatalogSkill>>,
    registry: Mutex<BTreeMap<SkillId, (RegistrySkill, Package)>>,
    down: Mutex<bool>,
}

impl TestSkills {
    /// Puts a skill into the catalog, in the place of one of the same name.
    ///
    /// # Panics
    ///
    /// If the files are no skill.
    pub fn stock(&self, id: &str, version: &str, files: &[(&str, &str)]) {
        let skill = skill(id, version, files);
        let mut catalog = self.catalog.lock().expect("no panic in here");
        catalog.retain(|one| one.id != skill.id);
        catalog.push(skill);
        catalog.sort_by(|one, other| one.id.cmp(&other.id));
    }

    /// Puts a skill into the public registry, with what that warns of.
    ///
    /// # Panics
    ///
    /// If the files are no skill.
    pub fn publish(&self, id: &str, version: &str, files: &[(&str, &str)], warning: Option<&str>) {
        let CatalogSkill { id, version, listing, package } = skill(id, version, files);
        let told = RegistrySkill {
            id: id.clone(),
            title: listing.title,
            summary: package.about.description.clone(),
            owner: Some("somebody".to_owned()),
            latest: Some(version),
            installs: Some(7),
            warning: warning.map(str::to_owned),
        };
        self.registry.lock().expect("no panic in here").insert(id, (told, package));
    }

    /// From now on the public registry does not answer.
    pub fn take_down(&self) {
        *self.down.lock().expect("no panic in here") = true;
    }

    fn answers(&self) -> Result<(), SourceError> {
        if *self.down.lock().expect("no panic in here") {
            return Err(SourceError::Unreachable("the test says so".to_owned()));
        }
        Ok(())
    }
}

fn skill(id: &str, version: &str, files: &[(&str, &str)]) -> CatalogSkill {
    let id: SkillId = id.parse().expect("is a name of a skill");
    let file = |(path, content): &(&str, &str)| ((*path).to_owned(), content.as_bytes().to_vec());
    let mut files: Vec<_> = files.iter().map(file).collect();
    if files.iter().all(|(path, _)| path != SKILL_FILE) {
        let text = format!("---\nname: {id}\ndescription: Does {id}.\ncategory: tests\n---\nDo it.\n");
        files.push((SKILL_FILE.to_owned(), text.into_bytes()));
    }
    let package = packed(files).expect("is a skill");
    let version = version.parse().expect("is a version");
    CatalogSkill { listing: Listing::of(&id, &package.about), version, package, id }
}

fn packed(files: Vec<(String, Vec<u8>)>) -> Result<Package, PackageError> {
    let invalid = |error: &dyn std::fmt::Display| PackageError::Invalid(error.to_string());
    let mut contents: Vec<(SkillPath, Vec<u8>)> = Vec::new();
    for (path, content) in files {
        contents.push((path.parse().map_err(|error| invalid(&error))?, content));
    }
    contents.sort();
    let file = |(path, content): &(SkillPath, Vec<u8>)| SkillFile {
        path: path.clone(),
        size: Bytes(content.len() as u64),
        sha256: Sha256::digest(content).into(),
    };
    let manifest = Manifest::new(contents.iter().map(file).collect()).map_err(|error| invalid(&error))?;
    let text = contents.iter().find(|(path, _)| path.is_skill_file()).map(|(_, content)| content.as_slice());
    let text = String::from_utf8_lossy(text.unwrap_or_default()).into_owned();
    let fields = text.lines().filter_map(|line| line.split_once(": "));
    let mut metadata: BTreeMap<String, String> =
        fields.map(|(key, value)| (key.trim().to_owned(), value.to_owned())).collect();
    let name = metadata.remove("name").unwrap_or_default().parse().map_err(|error| invalid(&error))?;
    let about = About {
        name: Some(name),
        description: metadata.remove("description").unwrap_or_default(),
        license: None,
        compatibility: None,
        metadata,
        allowed_tools: Vec::new(),
    };
    Ok(Package { about: about.check().map_err(|error| invalid(&error))?, manifest, contents })
}

#[async_trait]
impl SkillSources for TestSkills {
    fn pack(&self, files: Vec<(String, Vec<u8>)>) -> Result<Package, PackageError> {
        packed(files)
    }

    fn unpack(&self, _: &[u8]) -> Result<Package, PackageError> {
        let reason = "the test's sources read none".to_owned();
        Err(ArchiveError::Unreadable { reason }.into())
    }

    fn write(&self, draft: &Draft) -> Vec<u8> {
        let title = draft.title.as_ref().map(|title| format!("title: {title}\n")).unwrap_or_default();
        let (id, description) = (&draft.id, &draft.description);
        format!("---\nname: {id}\ndescription: {description}\n{title}---\n{}\n", draft.instructions)
            .into_bytes()
    }

    async fn catalog(&self) -> Result<Arc<Vec<CatalogSkill>>, SourceError> {
        Ok(Arc::new(self.catalog.lock().expect("no panic in here").clone()))
    }

    async fn search(&self, words: &str, limit: u32) -> Result<Vec<RegistrySkill>, SourceError> {
        self.answers()?;
        let registry = self.registry.lock().expect("no panic in here");
        let found =
            registry.values().map(|(skill, _)| skill).filter(|skill| skill.id.as_str().contains(words));
        Ok(found.take(limit as usize).cloned().collect())
    }

    async fn look_up(&self, id: &SkillId) -> Result<Option<RegistrySkill>, SourceError> {
        self.answers()?;
        Ok(self.registry.lock().expect("no panic in here").get(id).map(|(skill, _)| skill.clone()))
    }

    async fn download(&self, id: &SkillId, _: &SkillVersion) -> Result<Option<Package>, SourceError> {
        self.answers()?;
        Ok(self.registry.lock().expect("no panic in here").get(id).map(|(_, package)| package.clone()))
    }
}
