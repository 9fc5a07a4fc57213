//! Removing what an agent has made.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// How deep a directory is emptied in place; what lies deeper is moved up first.
const DEPTH_MAX: usize = 32;

/// Removes a directory with all in it, however deep and whatever its modes; no-op when there is none.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let mut moved = 0u64;
    loop {
        match empty(path, path, 0, &mut moved) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        match fs::remove_dir(path) {
            // What was moved up is emptied in the next round.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            removed => return removed,
        }
    }
}

fn empty(top: &Path, directory: &Path, depth: usize, moved: &mut u64) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
            fs::read_dir(directory)?
        }
        entries => entries?,
    };
    if fs::symlink_metadata(directory)?.permissions().mode() & 0o300 != 0o300 {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if !entry.file_type()?.is_dir() {
            fs::remove_file(&path)?;
        } else if depth >= DEPTH_MAX {
            *moved += 1;
            fs::rename(&path, top.join(format!(".moved-up-{}-{moved}", std::process::id())))?;
        } else {
            empty(top, &path, depth + 1, moved)?;
            match fs::remove_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}
