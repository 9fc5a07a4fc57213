//! Sandboxes' directories, and what of them is opened to a module.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use roost_domain::files::{FileRules, PathRule};
use roost_domain::id::SandboxId;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// Where modules find their directory.
const WORKSPACE: &str = "/workspace";

/// Returns the directory of a sandbox.
pub(crate) fn directory(root: &Path, sandbox: SandboxId) -> PathBuf {
    root.join(sandbox.to_string())
}

/// Makes the sandbox's directory and opens of it what the rules say, by the absolute and by the relative name.
///
/// Rules name whole directories here; a domain that lets others through gets less, never more.
pub(crate) fn open(wasi: &mut WasiCtxBuilder, directory: &Path, rules: &FileRules) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let restricted = !(rules.read.is_empty() && rules.write.is_empty());
    if !restricted && rules.is_unrestricted() {
        return preopen(wasi, directory, "", FsPerms::ReadWrite);
    }
    for (list, perms) in [(&rules.read, FsPerms::ReadOnly), (&rules.write, FsPerms::ReadWrite)] {
        for inner in list.iter().filter_map(PathRule::directory) {
            if rules.denies(inner).is_none() && !rules.denies_below(inner) {
                make(directory, inner)?;
                preopen(wasi, directory, inner, perms)?;
            }
        }
    }
    Ok(())
}

/// Makes a directory below another without following links that a module left.
fn make(directory: &Path, inner: &str) -> io::Result<()> {
    let mut path = directory.to_owned();
    for part in inner.split('/') {
        path.push(part);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        if !fs::symlink_metadata(&path)?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{inner} is no directory")));
        }
    }
    Ok(())
}

fn preopen(wasi: &mut WasiCtxBuilder, directory: &Path, inner: &str, perms: FsPerms) -> io::Result<()> {
    let names = match inner {
        "" => [WORKSPACE.to_owned(), ".".to_owned()],
        inner => [format!("{WORKSPACE}/{inner}"), inner.to_owned()],
    };
    for name in names {
        wasi.preopened_dir(directory.join(inner), name, perms).map_err(io::Error::other)?;
    }
    Ok(())
}
