//! Archives of skills: read in memory, all or nothing, and nothing that they say of themselves is believed.

use std::collections::HashSet;
use std::io::{Cursor, Read};

use roost_domain::skill::{MOST_BYTES, MOST_FILES};
use roost_ports::scanner::ArchiveError;
use roost_ports::skills::PackageError;
use zip::ZipArchive;
use zip::result::ZipError;

/// How many entries an archive may have: its files, as many folders, and what systems leave behind.
const MOST_ENTRIES: usize = MOST_FILES * 3;

/// Reads all files of an archive, with their names as they stand there.
pub(crate) fn unzip(zip: &[u8]) -> Result<Vec<(String, Vec<u8>)>, PackageError> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|error| unreadable(&error))?;
    if archive.len() > MOST_ENTRIES {
        return Err(ArchiveError::TooMany { limit: MOST_ENTRIES }.into());
    }
    let mut names = HashSet::new();
    let mut files = Vec::new();
    let mut left = MOST_BYTES;
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(|error| unreadable(&error))?;
        let name = entry.name().to_owned();
        if entry.encrypted() {
            return Err(ArchiveError::Encrypted { entry: name }.into());
        }
        let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
        if entry.is_symlink() || !matches!(kind, 0 | 0o100_000 | 0o040_000) {
            return Err(ArchiveError::NotAFile { entry: name }.into());
        }
        let leads_away = |part: &str| matches!(part, ".." | ".");
        if name.starts_with('/') || name.contains(['\\', '\0']) || name.split('/').any(leads_away) {
            return Err(ArchiveError::Outside { entry: name }.into());
        }
        if entry.is_dir() {
            continue;
        }
        if !names.insert(name.clone()) {
            return Err(ArchiveError::Twice { entry: name }.into());
        }
        drop(entry);
        let entry = archive.by_index(at).map_err(|error| unreadable(&error))?;
        let mut content = Vec::new();
        let unreadable =
            |error: std::io::Error| ArchiveError::Unreadable { reason: format!("{name}: {error}") };
        entry.take(left + 1).read_to_end(&mut content).map_err(unreadable)?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or(ArchiveError::TooLarge { limit_bytes: MOST_BYTES })?;
        files.push((name, content));
    }
    if announced(zip).is_some_and(|count| count != archive.len()) {
        // The reader keeps the last of several entries of one name and says nothing about the others.
        return Err(ArchiveError::Twice { entry: "(unnamed)".to_owned() }.into());
    }
    Ok(files)
}

/// Returns how many entries the archive's directory says it has.
///
/// **Source:** PKWARE's APPNOTE.TXT 6.3.10, 4.3.16 "End of central directory record".
fn announced(zip: &[u8]) -> Option<usize> {
    let at = zip.windows(4).rposition(|bytes| bytes == b"PK\x05\x06")?;
    let count = zip.get(at + 10..at + 12)?;
    Some(usize::from(u16::from_le_bytes([count[0], count[1]])))
}

fn unreadable(error: &ZipError) -> PackageError {
    ArchiveError::Unreadable { reason: error.to_string() }.into()
}
