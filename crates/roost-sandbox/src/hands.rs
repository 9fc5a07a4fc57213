//! The process inside a machine.
//!
//! A driver starts the server's own binary with the argument [`COMMAND`]; what follows says which part it plays:
//!
//! - `outer` leaves the host's namespaces, starts `inner` as the first process of a new one, and waits for it,
//! - `inner` builds the machine's file system, gives up every privilege, and then serves the driver's requests,
//! - `contained` is the first process of a container that somebody else has built, and serves likewise,
//! - `run` stands above one command, so that the command can be ended with all its descendants.
//!
//! None of them has an async runtime, and none has a thread while it changes what it may do.

use std::ffi::OsString;
use std::process::ExitCode;

mod contained;
pub(crate) mod fences;
mod inherited;
mod inner;
mod loopback;
mod mounts;
mod outer;
mod processes;
pub(crate) mod root;
mod run;
mod seccomp;
mod serve;
mod walls;

/// The first argument of a server's binary that is started as the process inside a machine.
pub const COMMAND: &str = "hands";

/// The port inside a machine where commands reach the egress door.
pub(crate) const PROXY_PORT: u16 = 3128;
/// Where the first process of a container finds its driver.
pub(crate) const SOCKET: &str = "/run/roost/socket";
/// The user and group of every process in a machine, as they see it.
pub(crate) const USER: u32 = 1000;

/// Plays the part that the arguments after [`COMMAND`] name. To be called first thing in `main`, before there is
/// any thread.
pub fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let part = args.next();
    match part.as_deref().and_then(|part| part.to_str()) {
        Some("outer") => outer::main(),
        Some("inner") => inner::main(),
        Some("contained") => contained::main(),
        Some("run") => run::main(args),
        _ => {
            eprintln!("`{COMMAND}` is the process inside a machine; a machine driver starts it");
            ExitCode::from(2)
        }
    }
}

/// Says which step failed, for the driver's message to a person.
fn step<T>(what: &str, result: Result<T, impl Into<std::io::Error>>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {}", error.into()))
}

/// Returns how much memory a process holds, in pages; `None` if it ended.
pub(crate) fn pages(process: i32) -> Option<u64> {
    processes::stat(process).map(|stat| stat.pages())
}

/// Returns everything that commands find in their environment; the server's own never gets here.
pub(crate) fn environment() -> Vec<(&'static str, String)> {
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    let mut all = vec![
        (
            "PATH",
            "/workspace/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        ),
        ("HOME", crate::files::WORKSPACE.to_owned()),
        ("USER", "agent".to_owned()),
        ("LOGNAME", "agent".to_owned()),
        ("SHELL", "/bin/sh".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TERM", "dumb".to_owned()),
        ("TMPDIR", "/tmp".to_owned()),
    ];
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        all.push((name, proxy.clone()));
    }
    for name in ["NO_PROXY", "no_proxy"] {
        all.push((name, "localhost,127.0.0.1,::1".to_owned()));
    }
    all
}

/// Returns where something is mounted below a path of the host, each above those below it.
pub(crate) fn mounted_below(path: &std::path::Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    mounts::below(path)
}
