//! What the tests need beyond Rust. Installed where it is missing, with the system's own packages.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::command::{Ended, run, works};

/// A program that must be there.
struct Need {
    /// Something that succeeds when it is.
    check: &'static [&'static str],
    /// The Debian packages it comes in.
    packages: &'static [&'static str],
    /// What for.
    used_for: &'static str,
}

const NEEDS: [Need; 4] = [
    Need { check: &["cc", "--version"], packages: &["gcc", "libc6-dev"], used_for: "compiling SQLite" },
    Need {
        check: &["mkfs.xfs", "-V"],
        packages: &["xfsprogs"],
        used_for: "a filesystem whose files share their data, for the tests of snapshots",
    },
    Need { check: &["npm", "--version"], packages: &["npm"], used_for: "peers of the tests from npm" },
    Need {
        check: &["python3", "-m", "pip", "--version"],
        packages: &["python3", "python3-pip"],
        used_for: "peers of the tests from the Python package index",
    },
];

/// Parts of the Rust toolchain that it can lack, with how to add them.
const COMPONENTS: [(&str, &str); 2] = [
    ("fmt", "rustup component add rustfmt (or the package rustfmt of your distribution)"),
    ("clippy", "rustup component add clippy (or the package rust-clippy of your distribution)"),
];

/// Installs what is missing; returns a sentence for each thing that is missing still.
///
/// # Errors
///
/// If an installer cannot be waited for.
pub(crate) fn provide(deadline: Instant) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for (component, how) in COMPONENTS {
        if !works(Command::new("cargo").args([component, "--version"])) {
            missing.push(format!("cargo {component} is missing: {how}"));
        }
    }
    for need in NEEDS {
        let is_there = || works(Command::new(need.check[0]).args(&need.check[1..]));
        if is_there() {
            continue;
        }
        println!("{} is missing, needed for {}", need.check[0], need.used_for);
        if !install(need.packages, deadline)? || !is_there() {
            let (program, packages) = (need.check[0], need.packages.join(" "));
            missing
                .push(format!("{program} is missing: install it, on Debian with apt-get install {packages}"));
        }
    }
    if missing.is_empty() {
        println!("all that the tests need beyond Rust is there");
    }
    Ok(missing)
}

/// Tells whether this runs as root.
pub(crate) fn is_root() -> bool {
    works(Command::new("sh").args(["-c", "test \"$(id -u)\" = 0"]))
}

/// Installs Debian packages; `false` where that cannot be done without asking.
///
/// # Errors
///
/// If the installer cannot be waited for.
pub(crate) fn install(packages: &[&str], deadline: Instant) -> Result<bool> {
    let is_root = is_root();
    let has_sudo = || works(Command::new("sudo").args(["--non-interactive", "true"]));
    if !works(Command::new("apt-get").arg("--version")) || !(is_root || has_sudo()) {
        return Ok(false);
    }
    for arguments in [vec!["update"], [&["install", "--yes", "--no-install-recommends"], packages].concat()] {
        let mut command = if is_root {
            Command::new("apt-get")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["--non-interactive", "apt-get"]);
            sudo
        };
        println!("installing: apt-get {}", arguments.join(" "));
        let ended =
            run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"), deadline, &mut |_| {})?;
        if ended != Ended::Well {
            return Ok(false);
        }
    }
    Ok(true)
}
