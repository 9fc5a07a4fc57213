//! Restricting what is mounted.

use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount_remount};

/// One line of `/proc/self/mountinfo`.
struct Mounted {
    path: String,
    flags: MountFlags,
}

/// Makes everything that is mounted at or below some paths read-only, and takes set-user-id programs and devices
/// away from it; from mounts at `writable` paths only the latter.
///
/// A mount that was bound took the mounts below it along, and the kernel changes one mount at a time, so this goes
/// by the table of all mounts.
pub(super) fn seal(read_only: &[String], writable: &[&str]) -> io::Result<()> {
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    for mounted in parse(&table) {
        // What the host restricts already must be said again, or the kernel refuses to change anything.
        let same = mounted.flags | MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV;
        let path = mounted.path.as_str();
        if read_only.iter().any(|above| is_below(path, above)) {
            mount_remount(path, same | MountFlags::RDONLY, c"")?;
        } else if writable.contains(&path) {
            mount_remount(path, same, c"")?;
        }
    }
    Ok(())
}

/// Returns how something is mounted; nothing if it is no mount.
pub(super) fn flags_at(path: &str) -> io::Result<MountFlags> {
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    let last = parse(&table).into_iter().rfind(|mounted| mounted.path == path);
    Ok(last.map_or(MountFlags::empty(), |mounted| mounted.flags))
}

/// Returns where something is mounted below a path, each above those below it.
pub(super) fn below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let table = std::fs::read_to_string("/proc/self/mountinfo")?;
    let mut found: Vec<_> = parse(&table).into_iter().map(|mounted| PathBuf::from(mounted.path)).collect();
    found.retain(|mounted| mounted.starts_with(path) && mounted != path);
    found.sort();
    found.dedup();
    Ok(found)
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// **Source:** `proc_pid_mountinfo(5)`: the fifth field is the path, the sixth the mount's own flags.
fn parse(table: &str) -> Vec<Mounted> {
    let line = |line: &str| {
        let mut fields = line.split(' ').skip(4);
        Some(Mounted { path: unescape(fields.next()?), flags: flags(fields.next()?) })
    };
    table.lines().filter_map(line).collect()
}

fn flags(text: &str) -> MountFlags {
    text.split(',').fold(MountFlags::empty(), |flags, word| {
        flags
            | match word {
                "ro" => MountFlags::RDONLY,
                "nosuid" => MountFlags::NOSUID,
                "nodev" => MountFlags::NODEV,
                "noexec" => MountFlags::NOEXEC,
                "noatime" => MountFlags::NOATIME,
                "nodiratime" => MountFlags::NODIRATIME,
                "relatime" => MountFlags::RELATIME,
                _ => MountFlags::empty(),
            }
    })
}

/// Turns `\040` back into a space, and so on.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        let code = tail.get(..3).filter(|_| *byte == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match code {
            Some(code) => (out.push(code), rest = &tail[3..]).1,
            None => (out.push(*byte), rest = tail).1,
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
