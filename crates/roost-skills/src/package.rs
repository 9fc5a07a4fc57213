//! Where files become a skill.

use roost_domain::skill::{MOST_BYTES, Manifest, SKILL_FILE, SkillFile, SkillPath};
use roost_domain::unit::Bytes;
use roost_ports::skills::{Package, PackageError};
use sha2::{Digest, Sha256};

use crate::frontmatter::{self, Naming};

/// Tells whether a path is of no interest: what systems and version control leave in folders.
pub(crate) fn is_litter(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.any(|part| matches!(part, ".git" | "__MACOSX" | ".DS_Store" | "Thumbs.db"))
}

/// Makes a package of files.
pub(crate) fn pack(files: Vec<(String, Vec<u8>)>, naming: Naming) -> Result<Package, PackageError> {
    let invalid = |error: &dyn std::fmt::Display| PackageError::Invalid(error.to_string());
    let files = inner(files.into_iter().filter(|(path, _)| !is_litter(path)).collect());
    let total = files.iter().fold(0_u64, |sum, (_, content)| sum.saturating_add(content.len() as u64));
    if total > MOST_BYTES {
        return Err(invalid(&roost_domain::skill::InvalidManifest::TooLarge));
    }
    let mut contents = Vec::with_capacity(files.len());
    for (path, content) in files {
        let path: SkillPath = named(&path).parse().map_err(|error| invalid(&error))?;
        contents.push((path, content));
    }
    contents.sort_by(|(one, _), (other, _)| one.cmp(other));
    let file = |(path, content): &(SkillPath, Vec<u8>)| SkillFile {
        path: path.clone(),
        size: Bytes(content.len() as u64),
        sha256: Sha256::digest(content).into(),
    };
    let manifest = Manifest::new(contents.iter().map(file).collect()).map_err(|error| invalid(&error))?;
    let skill_file = contents.iter().find(|(path, _)| path.is_skill_file());
    let text = skill_file.map(|(_, content)| content.as_slice()).unwrap_or_default();
    let text = std::str::from_utf8(text)
        .map_err(|_| PackageError::Frontmatter("the file is no UTF-8".to_owned()))?;
    let about = frontmatter::read(text, naming)?;
    Ok(Package { about, manifest, contents })
}

/// Some write the file's name in other letters.
fn named(path: &str) -> &str {
    if path.eq_ignore_ascii_case(SKILL_FILE) { SKILL_FILE } else { path }
}

/// Takes the files out of the only folder that they are in, where there is one and no `SKILL.md` beside it.
fn inner(files: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let has_skill_file = files.iter().any(|(path, _)| path.eq_ignore_ascii_case(SKILL_FILE));
    let folder =
        files.first().and_then(|(path, _)| path.split_once('/')).map(|(folder, _)| format!("{folder}/"));
    match folder {
        Some(folder) if !has_skill_file && files.iter().all(|(path, _)| path.starts_with(&folder)) => {
            let stripped = |(path, content): (String, Vec<u8>)| (path[folder.len()..].to_owned(), content);
            files.into_iter().map(stripped).collect()
        }
        _ => files,
    }
}

#[cfg(test)]
mod tests;
