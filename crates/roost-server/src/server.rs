//! The server from its first file to its last: opened in an order in which nothing is half done when something
//! fails, closed in an order in which nothing is lost.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use roost_runtime::Runtime;
use roost_store::DataDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, file};
use crate::house::{House, Machinery};
use crate::openclaw;

mod connections;
mod signals;

pub(crate) use connections::Connections;
pub(crate) use signals::Signals;

/// A server that is open and not yet running.
pub(crate) struct Server {
    pub(crate) house: House,
    listener: TcpListener,
    router: Router,
    /// Where hosted runtimes make their model calls, on loopback.
    door: Option<(TcpListener, Router)>,
    options: file::File,
    /// Held until everything else is closed.
    claim: DataDir,
}

impl Server {
    /// Claims the data directory, takes the address, opens everything.
    ///
    /// # Errors
    ///
    /// A sentence that names what is in the way and what to do.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let claim = DataDir::claim(&config.data)?;
        let listener = bind(&config.file.listen).await?;
        let door = openclaw::door(config).await?;
        let at = door.as_ref().map(TcpListener::local_addr).transpose()?;
        let address = listener.local_addr().context("the system does not tell the address that was taken")?;
        let house = House::open(config, Machinery::Server, at, Some(address)).await?;
        let router = crate::api::router(house.core.clone(), config)?;
        let door = match door {
            Some(listener) => Some((listener, crate::api::door(house.core.clone(), config)?)),
            None => None,
        };
        Ok(Self { house, listener, router, door, options: config.file.clone(), claim })
    }

    /// Returns the address it listens on.
    ///
    /// # Errors
    ///
    /// If the system cannot tell.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("the system does not tell the address that was taken")
    }

    /// Serves until a signal asks it to end, then ends in good order.
    ///
    /// # Errors
    ///
    /// If the last run's turns cannot be taken over, or something does not end well.
    pub(crate) async fn run(self, mut signals: Signals) -> anyhow::Result<()> {
        let Self { mut house, listener, router, door, options, claim } = self;
        let patience = options.server.shutdown_timeout.0;
        let stop = CancellationToken::new();
        let mut runtime = JoinSet::new();
        let runtime_options = roost_runtime::Options {
            max_turns: options.runtime.max_turns,
            max_sandbox_runs: options.sandboxes.max_runs,
            grace: patience / 2,
            upkeep_every: options.runtime.upkeep_every.0,
            retry_delay: options.runtime.retry_delay.0,
            recheck_triggers: roost_runtime::Options::default().recheck_triggers,
            connections: house.connections.take(),
        };
        runtime.spawn(Runtime::new(house.core.clone(), runtime_options).run(stop.clone()));
        let connections = Connections::new(&options.server);
        let behind = Connections::new(&options.server);
        let serve_door = async {
            match &door {
                Some((listener, router)) => behind.accept(listener, router).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            () = serve_door => Ok(()),
            () = connections.accept(&listener, &router) => Ok(()),
            () = signals.next() => Ok(()),
            ended = runtime.join_next() => outcome(ended),
        };
        drop(listener);
        tracing::info!("ending: no new connections, turns park");
        stop.cancel();
        let closing = close(connections, runtime, &house, patience);
        tokio::select! {
            () = closing => {}
            () = signals.next() => tracing::warn!("asked twice to end: cutting off what still runs"),
        }
        house.close().await?;
        drop(claim);
        tracing::info!("ended");
        ended
    }
}

/// Lets everything come to an end within `patience`.
async fn close(
    connections: Connections,
    mut runtime: JoinSet<Result<(), roost_runtime::Error>>,
    house: &House,
    patience: Duration,
) {
    let in_order = async {
        connections.finish_requests();
        while let Some(ended) = runtime.join_next().await {
            if let Err(error) = outcome(Some(ended)) {
                tracing::error!("{error:#}");
            }
        }
        connections.end_streams().await;
        house.machines.shutdown().await;
    };
    if tokio::time::timeout(patience, in_order).await.is_err() {
        tracing::warn!("not everything ended within {} s: cutting off what still runs", patience.as_secs());
    }
}

fn outcome(
    ended: Option<Result<Result<(), roost_runtime::Error>, tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    match ended {
        Some(ended) => Ok(ended.context("the runtime died")??),
        None => Ok(()),
    }
}

/// Takes an address to listen on.
///
/// # Errors
///
/// A sentence that names the address and what to do.
pub(crate) async fn bind(listen: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        let advice = advice(error.kind());
        anyhow::Error::new(error).context(format!("the server cannot listen on {listen}: {advice}"))
    })
}

fn advice(kind: ErrorKind) -> &'static str {
    if kind == ErrorKind::AddrInUse {
        "another program listens there already; choose another address with --listen, for example --listen \
         127.0.0.1:0 for any free port"
    } else if kind == ErrorKind::PermissionDenied {
        "the system does not allow it; ports below 1024 need privileges, choose another with --listen"
    } else if kind == ErrorKind::AddrNotAvailable {
        "this machine does not have that address; 127.0.0.1 is for itself alone, 0.0.0.0 is for everyone"
    } else {
        "choose another address with --listen, for example --listen 127.0.0.1:7700"
    }
}

/// Returns the URL under which a server on this machine is reached that listens on an address.
pub(crate) fn url(address: SocketAddr) -> String {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
