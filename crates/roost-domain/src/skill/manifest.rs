use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::{MOST_BYTES, MOST_FILES, MOST_SKILL_FILE_BYTES, PackageHash, SKILL_FILE};
use crate::unit::Bytes;

/// The path of a file in a skill: relative, `/` between its parts, none of which leads anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkillPath(String);

impl SkillPath {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether it is the file that makes a folder a skill.
    pub fn is_skill_file(&self) -> bool {
        self.0 == SKILL_FILE
    }
}

impl FromStr for SkillPath {
    type Err = InvalidSkillPath;

    fn from_str(text: &str) -> Result<Self, InvalidSkillPath> {
        let shown = || text.chars().take(120).collect();
        if text.len() > 200 || text.split('/').count() > 8 {
            return Err(InvalidSkillPath::TooLong(shown()));
        }
        let odd = |c: char| c.is_control() || matches!(c, '\\' | ':' | '"' | '*' | '?' | '<' | '>' | '|');
        if text.chars().any(odd) {
            return Err(InvalidSkillPath::Odd(shown()));
        }
        let leads_away = |part: &str| matches!(part, "" | "." | "..");
        if text.split('/').any(leads_away) {
            return Err(InvalidSkillPath::Outside(shown()));
        }
        let trimmed = |part: &str| part.trim() != part || part.ends_with('.');
        if text.split('/').any(trimmed) {
            return Err(InvalidSkillPath::Odd(shown()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SkillPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that can be no path in a skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSkillPath {
    /// It leads out of the skill, or is absolute.
    #[error(
        "the path {0:?} leads out of the skill; write it relative to the skill's folder, without . and .."
    )]
    Outside(String),
    /// It is longer or deeper than paths may be.
    #[error("the path {0:?} is too long; at most 200 bytes and 8 parts are allowed")]
    TooLong(String),
    /// It has characters that not every system can have in a name.
    #[error("the path {0:?} has characters that file names cannot have everywhere")]
    Odd(String),
}

/// One file of a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillFile {
    /// Where it is in the skill.
    pub path: SkillPath,
    /// How large it is.
    pub size: Bytes,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
}

/// The files of a skill, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest(Vec<SkillFile>);

impl Manifest {
    /// Makes a manifest of a skill's files, in whatever order.
    ///
    /// # Errors
    ///
    /// [`InvalidManifest`] if it is too much, has no `SKILL.md`, or has two files that not every system could keep
    /// apart.
    pub fn new(mut files: Vec<SkillFile>) -> Result<Self, InvalidManifest> {
        if files.len() > MOST_FILES {
            return Err(InvalidManifest::TooMany);
        }
        let total = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size.0));
        if total > MOST_BYTES {
            return Err(InvalidManifest::TooLarge);
        }
        let skill_file = files.iter().find(|file| file.path.is_skill_file());
        match skill_file {
            None => return Err(InvalidManifest::NoSkillFile),
            Some(file) if file.size.0 > MOST_SKILL_FILE_BYTES => return Err(InvalidManifest::LongSkillFile),
            Some(_) => {}
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        apart(&files)?;
        Ok(Self(files))
    }

    /// Returns the files, sorted by path.
    pub fn files(&self) -> &[SkillFile] {
        &self.0
    }

    /// Returns how large all files are together.
    pub fn size(&self) -> Bytes {
        Bytes(self.0.iter().fold(0, |sum, file| sum.saturating_add(file.size.0)))
    }

    /// Returns how many scripts it has.
    pub fn scripts(&self) -> usize {
        self.0.iter().filter(|file| file.path.as_str().starts_with("scripts/")).count()
    }

    /// Names the exact content.
    pub fn hash(&self) -> PackageHash {
        let mut hasher = Sha256::new();
        hasher.update(b"roost skill 1");
        for file in &self.0 {
            hasher.update((file.path.as_str().len() as u64).to_be_bytes());
            hasher.update(file.path.as_str().as_bytes());
            hasher.update(file.sha256);
        }
        PackageHash(hasher.finalize().into())
    }
}

/// Checks that no two paths are one on a system that does not tell cases apart, and that no file stands where another
/// needs a folder.
fn apart(files: &[SkillFile]) -> Result<(), InvalidManifest> {
    let mut names: BTreeMap<String, &SkillPath> = BTreeMap::new();
    for file in files {
        if let Some(other) = names.insert(file.path.as_str().to_lowercase(), &file.path) {
            return Err(InvalidManifest::Same(other.to_string(), file.path.to_string()));
        }
    }
    let mut folders: BTreeSet<(String, String)> = BTreeSet::new();
    for file in files {
        let path = file.path.as_str();
        for (end, _) in path.match_indices('/') {
            let folder = &path[..end];
            if let Some(other) = names.get(&folder.to_lowercase()) {
                return Err(InvalidManifest::Same(other.to_string(), path.to_owned()));
            }
            folders.insert((folder.to_lowercase(), folder.to_owned()));
        }
    }
    let folders: Vec<_> = folders.into_iter().collect();
    match folders.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(InvalidManifest::Same(pair[0].1.clone(), pair[1].1.clone())),
        None => Ok(()),
    }
}

/// Why files make no skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// There is no `SKILL.md`.
    #[error("there is no SKILL.md in the skill's folder")]
    NoSkillFile,
    /// The `SKILL.md` is too long.
    #[error("SKILL.md has more than 100 KiB; put what is rarely needed into files beside it")]
    LongSkillFile,
    /// There are too many files.
    #[error("the skill has more than 200 files")]
    TooMany,
    /// The files are too large.
    #[error("the skill has more than 5 MiB")]
    TooLarge,
    /// Two paths are the same where cases are not told apart, or a file is where another needs a folder.
    #[error("the paths {0:?} and {1:?} cannot be kept apart on every system")]
    Same(String, String),
}
