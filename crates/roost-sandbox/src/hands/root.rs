//! The machine's file system: the host's programs read-only, the workspace, and little else.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use roost_domain::files::FileRules;
use roost_ports::machine::PROGRAMS;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};

use super::fences::{self, Fenced};
use super::{mounts, step};

/// Directories of the host that commands can read and run.
pub(crate) const SYSTEM: [&str; 8] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec"];
/// What they find of the host's `/etc`: how to load libraries and check certificates, nothing that tells about
/// the host or its users.
pub(crate) const ETC: [&str; 18] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "crypto-policies",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "perl",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "python3",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
];
/// Where the process outside leaves a directory of the host that commands are to see; every host has this one.
pub(super) const BROUGHT: &str = "/tmp";
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Parts of `/proc` that tell about the whole host or act on it.
pub(crate) const HIDDEN_FILES: [&str; 10] = [
    "cmdline",
    "config.gz",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "latency_stats",
    "sched_debug",
    "sysrq-trigger",
    "timer_list",
];
pub(crate) const HIDDEN_DIRECTORIES: [&str; 6] = ["acpi", "asound", "bus", "driver", "fs", "scsi"];

/// Builds the machine's root around the current directory, which is the workspace, and moves into it. Returns
/// how `/proc` could be mounted, and the whole workspace where commands see only a part of it.
pub(super) fn build(tmp_bytes: u64, rules: &FileRules, programs: bool) -> Result<Built, String> {
    step(
        "part from the host's mounts",
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC),
    )?;
    // Any directory will do to put the new root on; this one is there on every host, and it is uncovered again
    // when the roots change places.
    let options = c"size=8m,nr_inodes=4096,mode=755";
    step("mount the root", mount("tmpfs", "/usr", "tmpfs", nosuid_nodev(), options))?;
    step("make a place for the old root", fs::create_dir("/usr/.old"))?;
    step("change the root", rustix::process::pivot_root("/usr", "/usr/.old"))?;
    let mut read_only = Vec::new();
    system(&mut read_only)?;
    etc(&mut read_only)?;
    devices(tmp_bytes)?;
    if programs {
        step("make a place for the programs", fs::create_dir_all(PROGRAMS))?;
        step("mount the programs", mount_bind(format!("/.old{BROUGHT}"), PROGRAMS))?;
        read_only.push(PROGRAMS.to_owned());
    }
    let proc = mount_proc(&mut read_only)?;
    step("make /tmp", scratch("/tmp", tmp_bytes))?;
    step("make /run", fs::create_dir("/run"))?;
    step("make /var", fs::create_dir("/var"))?;
    step("make /var/tmp", symlink("/tmp", "/var/tmp"))?;
    step("make /workspace", fs::create_dir("/workspace"))?;
    // The current directory is still the workspace as the driver entered it, wherever that is on the host.
    let place = if rules.is_unrestricted() { "/workspace" } else { fences::BEHIND };
    if place == fences::BEHIND {
        step("make a place for the whole workspace", fs::create_dir(place))?;
    }
    step("mount the workspace", mount_bind(".", place))?;
    step("close the system's directories", mounts::seal(&read_only, &[place]))?;
    let workspace = if place == fences::BEHIND { Some(fences::build(rules)?) } else { None };
    step("enter the new root", rustix::process::chdir("/"))?;
    step("leave the old root", unmount("/.old", UnmountFlags::DETACH))?;
    step("remove the old root's place", fs::remove_dir("/.old"))?;
    step(
        "close the root",
        mount_remount("/", nosuid_nodev() | MountFlags::RDONLY, c"size=8m,nr_inodes=4096"),
    )?;
    Ok(Built { proc, workspace })
}

/// A root that is built.
pub(super) struct Built {
    /// How `/proc` is mounted.
    pub(super) proc: String,
    /// The whole workspace, where commands see only a part of it.
    pub(super) workspace: Option<Fenced>,
}

fn nosuid_nodev() -> MountFlags {
    MountFlags::NOSUID | MountFlags::NODEV
}

fn system(read_only: &mut Vec<String>) -> Result<(), String> {
    for name in SYSTEM {
        let (old, new) = (format!("/.old/{name}"), format!("/{name}"));
        if let Ok(target) = fs::read_link(&old) {
            step(&format!("link {new}"), symlink(target, &new))?;
        } else if Path::new(&old).is_dir() {
            step(&format!("make {new}"), fs::create_dir(&new))?;
            step(&format!("mount {new}"), mount_bind_recursive(&old, &new))?;
            read_only.push(new);
        }
    }
    Ok(())
}

fn etc(read_only: &mut Vec<String>) -> Result<(), String> {
    for directory in ["/etc", "/etc/pki", "/etc/pki/tls", "/etc/ssl"] {
        step(&format!("make {directory}"), fs::create_dir(directory))?;
    }
    for name in ETC {
        let (old, new) = (format!("/.old/etc/{name}"), format!("/etc/{name}"));
        if let Ok(target) = fs::read_link(&old) {
            step(&format!("link {new}"), symlink(target, &new))?;
            continue;
        }
        let Ok(metadata) = fs::metadata(&old) else { continue };
        let made = if metadata.is_dir() { fs::create_dir(&new) } else { File::create(&new).map(drop) };
        step(&format!("make {new}"), made)?;
        step(&format!("mount {new}"), mount_bind_recursive(&old, &new))?;
        read_only.push(new);
    }
    for (name, content) in own_etc(super::USER, super::USER) {
        step(&format!("write /etc/{name}"), fs::write(format!("/etc/{name}"), content))?;
    }
    Ok(())
}

/// Returns the files of `/etc` that a machine has instead of the host's: name and content.
pub(crate) fn own_etc(user: u32, group: u32) -> [(&'static str, String); 6] {
    [
        (
            "passwd",
            format!(
                "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nagent:x:{user}:{group}:agent:/workspace:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            ),
        ),
        ("group", format!("root:x:0:\nagent:x:{group}:\nnogroup:x:65534:\n")),
        ("hosts", "127.0.0.1 localhost machine\n::1 localhost\n".to_owned()),
        ("hostname", "machine\n".to_owned()),
        (
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n".to_owned(),
        ),
        ("resolv.conf", "# Names are resolved by the proxy that HTTPS_PROXY names.\n".to_owned()),
    ]
}

fn devices(tmp_bytes: u64) -> Result<(), String> {
    step("make /dev", fs::create_dir("/dev"))?;
    for name in DEVICES {
        let (old, new) = (format!("/.old/dev/{name}"), format!("/dev/{name}"));
        step(&format!("make {new}"), File::create(&new))?;
        step(&format!("mount {new}"), mount_bind(&old, &new))?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        step(&format!("link /dev/{name}"), symlink(target, format!("/dev/{name}")))?;
    }
    step("make /dev/shm", scratch("/dev/shm", tmp_bytes))
}

/// Mounts a private directory in memory that anyone in the machine can write to.
fn scratch(path: &str, tmp_bytes: u64) -> io::Result<()> {
    fs::create_dir(path)?;
    let options = format!("size={tmp_bytes},mode=1777\0");
    let options = std::ffi::CStr::from_bytes_with_nul(options.as_bytes()).map_err(io::Error::other)?;
    Ok(mount("tmpfs", path, "tmpfs", nosuid_nodev(), options)?)
}

fn mount_proc(read_only: &mut Vec<String>) -> Result<String, String> {
    let flags = nosuid_nodev() | MountFlags::NOEXEC;
    step("make /proc", fs::create_dir("/proc"))?;
    match mount("proc", "/proc", "proc", flags, None) {
        Ok(()) => {}
        // Where the host itself hides parts of /proc, as in containers, only the part about processes is allowed.
        Err(rustix::io::Errno::PERM) => {
            step("mount /proc", mount("proc", "/proc", "proc", flags, c"subset=pid"))?;
            return Ok("processes only".to_owned());
        }
        Err(error) => return Err(format!("mount /proc: {error}")),
    }
    for name in HIDDEN_FILES {
        let path = format!("/proc/{name}");
        if Path::new(&path).exists() {
            step(&format!("hide {path}"), mount_bind("/dev/null", &path))?;
        }
    }
    for name in HIDDEN_DIRECTORIES {
        let path = format!("/proc/{name}");
        if Path::new(&path).exists() {
            let flags = flags | MountFlags::RDONLY;
            step(
                &format!("hide {path}"),
                mount("tmpfs", &path, "tmpfs", flags, c"size=4k,nr_inodes=1,mode=555"),
            )?;
        }
    }
    for name in ["irq", "sys"] {
        let path = format!("/proc/{name}");
        if Path::new(&path).exists() {
            step(&format!("close {path}"), mount_bind(&path, &path))?;
            read_only.push(path);
        }
    }
    Ok("masked".to_owned())
}
