//! The image of machines that have this host's programs: a root directory with nothing in it but places for mounts,
//! and the links that stand in the host's root directory.

use std::collections::BTreeSet;
use std::fs;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

use super::engine::Engine;
use crate::hands::root::{ETC, SYSTEM, own_etc};

/// The image's name; its tag tells what is in it.
const REPOSITORY: &str = "roost-machine";

/// One thing in the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Directory,
    File,
    Link(PathBuf),
}

/// Makes the image in the engine if it is not there, and returns its name.
pub(super) async fn provide(engine: &Engine) -> Result<String, String> {
    let archive =
        archive(&entries()).map_err(|error| format!("its image cannot be put together: {error}"))?;
    // FNV-1a; only names what is in it.
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.write(&archive);
    let tag = format!("{:016x}", hash.finish());
    engine.import(REPOSITORY, &tag, archive).await?;
    Ok(format!("{REPOSITORY}:{tag}"))
}

/// Returns the host's directories and files that are to be mounted into machines, each at its own place.
pub(super) fn shown() -> Vec<PathBuf> {
    let system = SYSTEM.iter().map(|name| Path::new("/").join(name));
    let etc = ETC.iter().map(|name| Path::new("/etc").join(name));
    system.chain(etc).filter(|path| fs::read_link(path).is_err() && path.exists()).collect()
}

fn entries() -> BTreeSet<(PathBuf, Entry)> {
    let mut all = BTreeSet::new();
    let system = SYSTEM.iter().map(|name| Path::new("/").join(name));
    let etc = ETC.iter().map(|name| Path::new("/etc").join(name));
    for path in system.chain(etc) {
        let entry = match (fs::read_link(&path), fs::metadata(&path)) {
            (Ok(target), _) => Entry::Link(target),
            (Err(_), Ok(found)) if found.is_dir() => Entry::Directory,
            (Err(_), Ok(_)) => Entry::File,
            (Err(_), Err(_)) => continue,
        };
        all.insert((path, entry));
    }
    for name in ["dev", "proc", "sys", "tmp", "var", "workspace", "run/roost"] {
        all.insert((Path::new("/").join(name), Entry::Directory));
    }
    all.insert((PathBuf::from("/run/hands"), Entry::File));
    all.insert((PathBuf::from("/var/tmp"), Entry::Link(PathBuf::from("/tmp"))));
    for (name, _) in own_etc(0, 0) {
        all.insert((Path::new("/etc").join(name), Entry::File));
    }
    let parents: Vec<_> =
        all.iter().flat_map(|(path, _)| path.ancestors().skip(1)).map(Path::to_owned).collect();
    all.extend(
        parents.into_iter().filter(|path| path.parent().is_some()).map(|path| (path, Entry::Directory)),
    );
    all
}

fn archive(entries: &BTreeSet<(PathBuf, Entry)>) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, entry) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        header.set_mtime(0);
        let name = path.strip_prefix("/").map_err(io::Error::other)?;
        match entry {
            Entry::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(0o755);
                archive.append_data(&mut header, name, io::empty())?;
            }
            Entry::File => {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_mode(0o644);
                archive.append_data(&mut header, name, io::empty())?;
            }
            Entry::Link(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                archive.append_link(&mut header, name, target)?;
            }
        }
    }
    archive.into_inner()
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 =
            bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }
}
