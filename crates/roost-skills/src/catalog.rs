//! The server's own catalog: a folder of skills, such as a git checkout, and the skills that are built in.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use roost_domain::skill::{MOST_BYTES, MOST_FILES, SKILL_FILE, SkillId, SkillVersion};
use roost_ports::skills::{CatalogSkill, Listing, PackageError, SourceError};

use crate::frontmatter::Naming;
use crate::package::{is_litter, pack};
use crate::starter::starter_set;

/// How many skills a catalog may have.
const MOST_SKILLS: usize = 2_000;

/// How deep a skill's folders may go.
const DEEPEST: usize = 8;

/// The catalog, read again when anything in its folder has changed.
pub(crate) struct Catalog {
    folder: Option<PathBuf>,
    builtin: bool,
    read: Mutex<Option<Read>>,
}

struct Read {
    mark: Vec<Mark>,
    skills: Arc<Vec<CatalogSkill>>,
}

/// What tells that a file has changed.
type Mark = (PathBuf, u64, Option<SystemTime>);

impl Catalog {
    pub(crate) const fn new(folder: Option<PathBuf>, builtin: bool) -> Self {
        Self { folder, builtin, read: Mutex::new(None) }
    }

    /// Returns the skills, sorted by id. A folder's skills come before built-in ones of the same name. Blocks.
    pub(crate) fn skills(&self) -> Result<Arc<Vec<CatalogSkill>>, SourceError> {
        let folders = match &self.folder {
            Some(folder) => skill_folders(folder)
                .map_err(|error| SourceError::Catalog(format!("{}: {error}", folder.display())))?,
            None => Vec::new(),
        };
        let mut found: Vec<Found> = folders.into_iter().map(Found::look).collect();
        found.sort_by(|one, other| one.id.cmp(&other.id));
        let mark: Vec<Mark> = found.iter().flat_map(|one| one.files.clone()).collect();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = read.as_ref().filter(|read| read.mark == mark) {
            return Ok(Arc::clone(&read.skills));
        }
        let mut skills: Vec<CatalogSkill> = found.into_iter().filter_map(Found::read).collect();
        if self.builtin {
            for one in starter_set() {
                let files = one.files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec()));
                match entry(one.id, files.collect()) {
                    Ok(skill) if skills.iter().all(|other| other.id != skill.id) => skills.push(skill),
                    Ok(_) => {}
                    Err(error) => tracing::error!(skill = one.id, %error, "a built-in skill is none"),
                }
            }
        }
        skills.sort_by(|one, other| one.id.cmp(&other.id));
        let skills = Arc::new(skills);
        *read = Some(Read { mark, skills: Arc::clone(&skills) });
        Ok(skills)
    }
}

/// A folder with a `SKILL.md`.
struct Found {
    id: String,
    path: PathBuf,
    files: Vec<Mark>,
    problem: Option<String>,
}

impl Found {
    fn look(path: PathBuf) -> Self {
        let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut files = Vec::new();
        let problem = walk(&path, &path, 0, &mut files).err().map(|error| error.to_string());
        files.sort();
        Self { id, path, files, problem }
    }

    /// Reads the skill, or says in the log why it is none.
    fn read(self) -> Option<CatalogSkill> {
        let id = self.id.clone();
        match self.try_read() {
            Ok(skill) => Some(skill),
            Err(error) => {
                tracing::warn!(skill = id, %error, "a folder of the catalog is no skill and was left out");
                None
            }
        }
    }

    fn try_read(self) -> Result<CatalogSkill, PackageError> {
        if let Some(problem) = self.problem {
            return Err(PackageError::Invalid(problem));
        }
        let mut files = Vec::new();
        for (path, _, _) in self.files {
            let unreadable = |error: io::Error| PackageError::Invalid(format!("{}: {error}", path.display()));
            let content = fs::read(&path).map_err(unreadable)?;
            let inner = path.strip_prefix(&self.path).unwrap_or(&path);
            let inner = inner.to_str().ok_or_else(|| {
                PackageError::Invalid(format!("the name of {} is no UTF-8", path.display()))
            })?;
            files.push((inner.to_owned(), content));
        }
        entry(&self.id, files)
    }
}

/// Makes an entry of the catalog of a folder's files.
fn entry(folder: &str, files: Vec<(String, Vec<u8>)>) -> Result<CatalogSkill, PackageError> {
    let package = pack(files, Naming::Strict)?;
    let invalid = |problem: String| PackageError::Invalid(problem);
    let id: SkillId = folder.parse().map_err(|error| invalid(format!("the folder: {error}")))?;
    if package.about.name.as_ref() != Some(&id) {
        return Err(invalid(format!("the name in SKILL.md must be that of its folder, {id}")));
    }
    let version = match package.about.meta("version") {
        Some(text) => text.parse().map_err(|error| invalid(format!("metadata.version: {error}")))?,
        None => SkillVersion::FIRST,
    };
    Ok(CatalogSkill { version, listing: Listing::of(&id, &package.about), package, id })
}

/// Returns the folders with a `SKILL.md` in a catalog's folder and in its folder `skills`.
fn skill_folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for (place, must) in [(root.to_path_buf(), true), (root.join("skills"), false)] {
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if must => return Err(error),
            Err(_) => continue,
        };
        for entry in entries {
            let path = entry?.path();
            let is_skill =
                is_plain(&path, Metadata::is_dir) && is_plain(&path.join(SKILL_FILE), Metadata::is_file);
            if is_skill && folders.len() < MOST_SKILLS {
                folders.push(path);
            }
        }
    }
    Ok(folders)
}

/// Tells what a path is without following a link.
fn is_plain(path: &Path, kind: impl Fn(&Metadata) -> bool) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| kind(&metadata))
}

/// Lists a skill's files. A link is an error: it may lead anywhere.
fn walk(root: &Path, folder: &Path, depth: usize, files: &mut Vec<Mark>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let inner = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if is_litter(&inner) {
            continue;
        }
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_dir() && depth < DEEPEST {
            walk(root, &path, depth + 1, files)?;
        } else if metadata.is_file() {
            files.push((path, metadata.len(), metadata.modified().ok()));
        } else {
            return Err(io::Error::other(format!("{inner} is neither a file nor a folder, or too deep")));
        }
        let size = files.iter().fold(0_u64, |sum, (_, size, _)| sum.saturating_add(*size));
        if files.len() > MOST_FILES || size > MOST_BYTES {
            return Err(io::Error::other("it has more than 200 files or 5 MiB"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
