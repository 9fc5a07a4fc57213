//! Starting a machine, and what it consists of.
//!
//! ```text
//! driver                                        hands (first process of the container)
//!   listens, has the engine start a container
//!           ◀──────────────────────────────────  connects twice
//!   checks who it is, listens no more
//!   the whole workspace, Enter(inside) ────────▶ puts its last walls up
//!           ◀──────────────────────────────────  the proxy's socket, Ready(…)
//! ```

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roost_ports::machine::{Error, Spec};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::engine::Engine;
use super::mounts::{self, Shown};
use super::place::Place;
use super::{DockerHost, container};
use crate::cgroup::Group;
use crate::handover::{self, confused, hear, tell};
use crate::live::{Body, Live};
use crate::lock;
use crate::remote::Remote;
use crate::wire::{Begun, Inside, Ready, Start};
use crate::workspace::Workspace;

/// How long a machine may take to start, on a host that is busy with other things.
const DEADLINE: Duration = Duration::from_secs(60);

struct DockerBody {
    engine: Engine,
    name: String,
    place: Place,
}

/// A machine's container before it runs.
struct Prepared {
    place: Place,
    shown: Shown,
    system: Vec<bollard::models::Mount>,
    listener: StdUnixListener,
}

/// A container whose hands are ready.
struct Running {
    control: UnixStream,
    /// Where the machine hands sockets over.
    side: StdUnixStream,
    listener: Option<TcpListener>,
    group: Option<Group>,
    ready: Ready,
}

/// Starts a machine.
pub(super) async fn start(host: &Arc<DockerHost>, spec: &Spec) -> Result<Live, Error> {
    let common = &host.common;
    common.wait_until_cleared().await?;
    let workspace = Arc::new(common.prepare(spec.agent).await?);
    let prepared = prepare(host, spec, &workspace).await;
    common.note_fences(spec, prepared.as_ref().err().map(String::as_str));
    let prepared = prepared.map_err(cannot_start)?;
    let name = format!("{}-{}", common.name(), spec.agent.uuid());
    let body = DockerBody { engine: host.engine.clone(), name, place: prepared.place.clone() };
    match run(host, spec, &workspace, &body, prepared).await {
        Ok(Running { control, side, listener, group, ready }) => {
            let remote = Remote::new(control, side, &common.tasks);
            *lock(&common.ready) = Some(ready);
            if let Some(listener) = listener {
                common.open_door(spec, listener, &remote);
            }
            Ok(Live::new(spec, remote, group, Box::new(body)))
        }
        Err(problem) => {
            if let Err(error) = body.end(false).await {
                tracing::warn!(agent = %spec.agent, %error, "a machine that did not start has left its container");
            }
            Err(cannot_start(problem))
        }
    }
}

async fn prepare(
    host: &Arc<DockerHost>,
    spec: &Spec,
    workspace: &Arc<Workspace>,
) -> Result<Prepared, String> {
    let (at, workspace) = (Arc::clone(host), Arc::clone(workspace));
    let (agent, files, hosted) = (spec.agent, spec.files.clone(), spec.hosted.clone());
    let preparing = host.common.tasks.spawn_blocking(move || {
        let say = |error: io::Error| format!("prepare its directory: {error}");
        let place = Place::make(&at.common.workspaces, agent, &workspace).map_err(say)?;
        let listener = place.listen(&workspace).map_err(say)?;
        let shown = mounts::workspace(&place, &workspace, &files)?;
        let programs = hosted.as_ref().map(|hosted| hosted.programs.as_path());
        let system = mounts::system(&place, &at.program, programs, at.shows_host)?;
        Ok(Prepared { place, shown, system, listener })
    });
    preparing.await.unwrap_or_else(|error| Err(error.to_string()))
}

async fn run(
    host: &DockerHost,
    spec: &Spec,
    workspace: &Workspace,
    body: &DockerBody,
    prepared: Prepared,
) -> Result<Running, String> {
    let Prepared { place, shown, system, listener } = prepared;
    let Shown { mounts, whole, single } = shown;
    let listener = UnixListener::from_std(listener).map_err(|error| format!("listen for it: {error}"))?;
    let all = system.into_iter().chain(mounts).collect();
    let name = &body.name;
    let starting = async {
        host.engine.create(name, container::describe(host, spec, workspace, all)).await?;
        host.engine.start(name).await?;
        let (mut control, side) = tokio::select! {
            accepted = accept(&listener) => accepted.map_err(|error| format!("listen for it: {error}"))?,
            how = host.engine.ended(name) => return Err(format!("its first process: {how}")),
        };
        place.hush().map_err(|error| format!("take its socket away: {error}"))?;
        let first = host.engine.first_process(name).await?.ok_or("its first process is not there")?;
        if [&control, &side].into_iter().any(|socket| peer(socket) != Some(first)) {
            return Err("somebody else than its first process answered".to_owned());
        }
        let side = side.into_std().map_err(|error| error.to_string())?;
        if let Some(whole) = &whole {
            handover::send(&side, whole.as_fd(), 0)
                .map_err(|error| format!("hand over its workspace: {error}"))?;
        }
        let single = single.into_iter().collect();
        tell(&mut control, &Start::Enter(Inside { files: (&spec.files).into(), single })).await?;
        let ready = match hear(&mut control).await? {
            Begun::Ready(ready) => ready,
            Begun::Unshared | Begun::Spawned(_) | Begun::Broken(_) => return Err(confused()),
        };
        handover::check_version(ready.version)?;
        let proxy =
            handover::take_listener(&side).map_err(|error| format!("take the proxy's socket: {error}"))?;
        Ok(Running { control, side, listener: proxy, group: Group::of_process(first), ready })
    };
    let started = tokio::time::timeout(DEADLINE, starting).await;
    started.unwrap_or_else(|_| Err(format!("it took longer than {} s", DEADLINE.as_secs())))
}

async fn accept(listener: &UnixListener) -> io::Result<(UnixStream, UnixStream)> {
    Ok((listener.accept().await?.0, listener.accept().await?.0))
}

fn peer(socket: &UnixStream) -> Option<i32> {
    // silent-ok: whoever cannot be told is nobody.
    socket.peer_cred().ok().and_then(|peer| peer.pid())
}

#[async_trait]
impl Body for DockerBody {
    fn freezes(&self) -> bool {
        true
    }

    async fn freeze(&self, freeze: bool) -> io::Result<()> {
        self.engine.pause(&self.name, freeze).await.map_err(io::Error::other)
    }

    async fn end(&self, is_frozen: bool) -> io::Result<()> {
        if is_frozen && let Err(error) = self.freeze(false).await {
            tracing::debug!(%error, "a container that is to end cannot be thawed");
        }
        self.engine.remove(&self.name).await.map_err(io::Error::other)?;
        let place = self.place.clone();
        let removed = tokio::task::spawn_blocking(move || place.remove()).await;
        removed.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn cannot_start(problem: String) -> Error {
    Error::CannotStart { problem }
}
