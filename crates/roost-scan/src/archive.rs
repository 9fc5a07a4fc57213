//! Archives that others hand in: unpacked in memory, all or nothing.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use roost_ports::scanner::{ArchiveError, SourceFile};
use zip::ZipArchive;
use zip::result::ZipError;

/// How many entries an archive may have.
const ENTRIES_MAX: usize = 5_000;

/// How large all of it may be unpacked.
const TOTAL_MAX_BYTES: u64 = 100 * 1024 * 1024;

/// How many bytes one packed byte may become. Code packs 5 to 20 to 1, a bomb 1,000 to 1.
const RATIO_MAX: u64 = 200;

/// Below this size an entry may be packed as tightly as it likes.
const RATIO_FROM_BYTES: u64 = 256 * 1024;

/// What archives begin with: zip, gzip, bzip2, xz, zstd, 7z, rar.
const MAGIC: [&[u8]; 7] = [
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
];

const EXTENSIONS: [&str; 17] = [
    "zip", "tar", "gz", "tgz", "bz2", "tbz2", "xz", "txz", "zst", "7z", "rar", "jar", "whl", "egg", "war",
    "apk", "nupkg",
];

/// Unpacks a zip archive.
pub(crate) fn unpack(content: &[u8]) -> Result<Vec<SourceFile>, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|error| unreadable(&error))?;
    if archive.len() > ENTRIES_MAX {
        return Err(ArchiveError::TooMany { limit: ENTRIES_MAX });
    }
    let mut files = Vec::new();
    let mut names = HashSet::new();
    let mut total: u64 = 0;
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(|error| unreadable(&error))?;
        let name = entry.name().to_owned();
        if entry.encrypted() {
            return Err(ArchiveError::Encrypted { entry: name });
        }
        let path = inner_path(&name)?;
        let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
        if entry.is_symlink() || !matches!(kind, 0 | 0o100_000 | 0o040_000) {
            return Err(ArchiveError::NotAFile { entry: name });
        }
        if entry.is_dir() {
            continue;
        }
        if !names.insert(path.clone()) {
            return Err(ArchiveError::Twice { entry: name });
        }
        let packed = entry.compressed_size();
        drop(entry);
        let entry = archive.by_index(at).map_err(|error| unreadable(&error))?;
        let content = read(entry, &name, packed, TOTAL_MAX_BYTES - total)?;
        total += content.len() as u64;
        if is_archive(&path, &content) {
            return Err(ArchiveError::Nested { entry: name });
        }
        files.push(SourceFile { path, content });
    }
    Ok(files)
}

/// Reads one entry and believes nothing that it says about its own size.
fn read(entry: impl Read, name: &str, packed: u64, left: u64) -> Result<Vec<u8>, ArchiveError> {
    let allowed = packed.saturating_mul(RATIO_MAX).max(RATIO_FROM_BYTES);
    let limit = allowed.min(left);
    let mut content = Vec::new();
    entry
        .take(limit + 1)
        .read_to_end(&mut content)
        .map_err(|error| ArchiveError::Unreadable { reason: format!("{name}: {error}") })?;
    if content.len() as u64 <= limit {
        return Ok(content);
    }
    if allowed < left {
        return Err(ArchiveError::Bomb { entry: name.to_owned(), limit: RATIO_MAX });
    }
    Err(ArchiveError::TooLarge { limit_bytes: TOTAL_MAX_BYTES })
}

/// Returns the path of an entry below the archive.
fn inner_path(name: &str) -> Result<String, ArchiveError> {
    let outside = || ArchiveError::Outside { entry: name.to_owned() };
    let unified = name.replace('\\', "/");
    let has_drive = unified.as_bytes().get(1) == Some(&b':');
    if unified.starts_with('/') || has_drive || unified.contains('\0') || unified.is_empty() {
        return Err(outside());
    }
    let mut parts = Vec::new();
    for part in unified.split('/') {
        match part {
            ".." => return Err(outside()),
            "" | "." => {}
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

fn is_archive(path: &str, content: &[u8]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.contains(&extension)
        || MAGIC.iter().any(|magic| content.starts_with(magic))
        || content.get(257..262) == Some(b"ustar")
}

fn unreadable(error: &ZipError) -> ArchiveError {
    ArchiveError::Unreadable { reason: error.to_string() }
}

#[cfg(test)]
mod tests;
