//! OpenClaw gateways: where the program is, and the door for their model calls.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use roost_openclaw::{Gateways, Options, VERSION};
use roost_ports::machine::Machines;
use roost_ports::random::Random;
use tokio::net::TcpListener;

use crate::config::Config;

/// Returns where the program is to be: as configured, or in the data directory.
pub(crate) fn place(config: &Config) -> PathBuf {
    let named = config.file.openclaw.path.clone();
    named.unwrap_or_else(|| config.data.join("runtimes").join(format!("openclaw-{VERSION}")))
}

/// Tells whether the program is there.
pub(crate) fn is_installed(config: &Config) -> bool {
    place(config).join("node_modules/openclaw/openclaw.mjs").is_file()
}

/// Opens the door for gateways' model calls, on loopback, if there can be gateways.
///
/// # Errors
///
/// If the program is not where the configuration says, or the system gives no port.
pub(crate) async fn door(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    if !is_installed(config) {
        if let Some(path) = &config.file.openclaw.path {
            anyhow::bail!(
                "openclaw.path: there is no node_modules/openclaw in {}; install it there with roost openclaw \
                 install, or take the option away",
                path.display()
            );
        }
        return Ok(None);
    }
    let door =
        TcpListener::bind(("127.0.0.1", 0)).await.context("there is no port for gateways' model calls")?;
    Ok(Some(door))
}

/// Returns the host of gateways; without a door it hosts none.
pub(crate) fn gateways(
    config: &Config,
    machines: Arc<dyn Machines>,
    random: Arc<dyn Random>,
    door: Option<SocketAddr>,
) -> Gateways {
    let options = door.map(|door| Options { programs: place(config), door });
    Gateways::new(machines, random, options)
}
