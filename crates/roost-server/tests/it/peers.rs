//! Programs of others that tests speak with; `xtask/src/peers.rs` installs them.

use std::path::PathBuf;
use std::process::Command;

/// Returns the directory of a peer; `None`, said aloud, where nobody installed any.
///
/// # Panics
///
/// When peers were installed and this one is not among them.
pub(crate) fn peer(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says where the peers are")]
    let peers = std::env::var_os("ROOST_PEERS");
    let Some(peers) = peers else {
        eprintln!("SKIPPED: {name} is not there; cargo xtask peers installs it, and ROOST_PEERS says where");
        return None;
    };
    let directory = PathBuf::from(peers).join(name);
    assert!(directory.is_dir(), "{} is missing; run cargo xtask peers", directory.display());
    Some(directory)
}

/// Returns Node with the packages of a peer, for a script in an empty directory.
pub(crate) fn node(name: &str, script: &str, home: &std::path::Path) -> Option<Command> {
    let (node, packages) = (peer("npm-node")?, peer(name)?);
    let modules = home.join("node_modules");
    if !modules.exists() {
        std::os::unix::fs::symlink(packages.join("node_modules"), &modules).expect("a link");
    }
    let path = home.join("script.mjs");
    std::fs::write(&path, script).expect("a script");
    let mut command = Command::new(node.join("node_modules/.bin/node"));
    command.arg(path).current_dir(home);
    Some(command)
}

/// Returns Python with the packages of a peer, for a script.
pub(crate) fn python(name: &str, script: &str) -> Option<Command> {
    let packages = peer(name)?;
    let mut command = Command::new("python3");
    command.args(["-c", script]).env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command)
}
