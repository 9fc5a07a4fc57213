//! The egress door: the one way out of a machine.
//!
//! A machine has no network device. Commands find an HTTP proxy on their own loopback address; its socket was made
//! in the machine and handed to the server, so connections arrive here with no process of the machine in between.
//! Each names where it wants to go, and is let through or refused by the agent's rules: first by name, then by
//! every address the name resolves to. The connection goes to an address that was checked; nothing is resolved
//! twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use roost_domain::gate::{Profile, decide_connection};
use roost_domain::id::AgentId;
use roost_domain::network::{Host, NetworkRules};
use roost_ports::machine::{Attempt, Connections, Spec};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::remote::Remote;

mod counted;
mod request;
mod splice;

pub(crate) use counted::Counted;

use request::{Target, Unreadable};

/// Connections of one machine at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// How long a process may take to say where it wants to go.
const HEAD_DEADLINE: Duration = Duration::from_secs(15);
/// How long a name may take to resolve.
const RESOLVE_DEADLINE: Duration = Duration::from_secs(10);
/// How long all addresses together may take to answer.
const CONNECT_DEADLINE: Duration = Duration::from_secs(20);
/// How long a refusal may take to be read.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// How much of a target is remembered.
const TARGET_MAX: usize = 300;

/// One machine's way out.
#[derive(Clone)]
pub(crate) struct Door {
    agent: AgentId,
    profile: Profile,
    rules: Arc<NetworkRules>,
    connections: Arc<dyn Connections>,
    /// Where requests that name no other host go.
    own: Option<SocketAddr>,
}

/// Why a connection is not made.
#[derive(Debug)]
enum Refusal {
    /// The rules forbid it.
    Forbidden(String),
    /// The other side cannot be reached.
    Unreachable(String),
    /// It names nobody to reach.
    Malformed(&'static str),
}

impl Door {
    /// Makes the door of a machine, with the rules it is started with.
    pub(crate) fn new(spec: &Spec, connections: Arc<dyn Connections>) -> Self {
        let own = spec.hosted.as_ref().map(|hosted| hosted.door);
        let rules = Arc::new(spec.network.clone());
        Self { agent: spec.agent, profile: spec.profile, rules, connections, own }
    }

    /// Serves the machine's connections until the future is dropped; those under way end with the machine.
    pub(crate) async fn serve(&self, listener: TcpListener, tasks: &TaskTracker, machine: &Remote) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(agent = %self.agent, %error, "a machine's connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            let (door, machine) = (self.clone(), machine.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = door.connection(stream) => {}
                    () = machine.closed() => {}
                }
                drop(place);
            });
        }
    }

    async fn connection(&self, mut stream: TcpStream) {
        let read = tokio::time::timeout(HEAD_DEADLINE, request::read(&mut stream)).await;
        let request = match read {
            Ok(Ok(request)) => request,
            Ok(Err(Unreadable::Closed)) | Err(_) => return,
            Ok(Err(Unreadable::Malformed(problem))) => {
                return answer(stream, "400 Bad Request", problem).await;
            }
            Ok(Err(Unreadable::Target { target, problem })) => {
                self.note(&target, Some(problem.clone()));
                return answer(stream, "403 Forbidden", &problem).await;
            }
        };
        let reached = match &request.target {
            Some(target) => self.reach(target).await,
            None => self.reach_own().await,
        };
        let upstream = match reached {
            Ok(upstream) => upstream,
            Err(Refusal::Forbidden(why)) => return answer(stream, "403 Forbidden", &why).await,
            Err(Refusal::Malformed(problem)) => return answer(stream, "400 Bad Request", problem).await,
            Err(Refusal::Unreachable(why)) => return answer(stream, "502 Bad Gateway", &why).await,
        };
        // silent-ok: a connection that breaks is a matter between its two ends.
        let _ = splice::splice(stream, upstream, request.reply, request.forward).await;
    }

    /// Connects to the service of this server that stands behind the machine's own proxy.
    async fn reach_own(&self) -> Result<TcpStream, Refusal> {
        let Some(own) = self.own else { return Err(Refusal::Malformed(request::NOT_FOR_A_PROXY)) };
        TcpStream::connect(own).await.map_err(|error| Refusal::Unreachable(error.to_string()))
    }

    /// Connects to a target if the rules let it through, and takes note of the attempt.
    async fn reach(&self, target: &Target) -> Result<TcpStream, Refusal> {
        let named = target.to_string();
        let addresses = match self.permitted_addresses(target).await {
            Ok(addresses) => addresses,
            Err(refusal) => {
                let forbidden = match &refusal {
                    Refusal::Forbidden(why) => Some(why.clone()),
                    Refusal::Unreachable(_) | Refusal::Malformed(_) => None,
                };
                self.note(&named, forbidden);
                return Err(refusal);
            }
        };
        self.note(&named, None);
        let connecting = async {
            let mut last = None;
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = Some(error.to_string()),
                }
            }
            Err(last.unwrap_or_else(|| "there is no address".to_owned()))
        };
        let connected = tokio::time::timeout(CONNECT_DEADLINE, connecting).await;
        let connected = connected.unwrap_or_else(|_| Err("it does not answer in time".to_owned()));
        connected.map_err(|problem| Refusal::Unreachable(format!("{named} cannot be reached: {problem}")))
    }

    /// Returns the target's addresses, every one of them permitted.
    async fn permitted_addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Refusal> {
        let Target { host, port } = target;
        decide_connection(self.profile, &self.rules, host, *port)
            .map_err(|reason| Refusal::Forbidden(reason.to_string()))?;
        let addresses: Vec<_> = match host {
            Host::Address(address) => vec![SocketAddr::new(*address, *port)],
            Host::Name(name) => {
                let looking = tokio::net::lookup_host((name.as_str(), *port));
                match tokio::time::timeout(RESOLVE_DEADLINE, looking).await {
                    Ok(Ok(addresses)) => addresses.collect(),
                    Ok(Err(error)) => {
                        return Err(Refusal::Unreachable(format!("{host} cannot be resolved: {error}")));
                    }
                    Err(_) => return Err(Refusal::Unreachable(format!("{host} cannot be resolved in time"))),
                }
            }
        };
        // One inner address among public ones would be a way in for whoever owns the name.
        match addresses.iter().find(|address| !self.rules.permits_address(host, *port, address.ip())) {
            Some(_) => Err(Refusal::Forbidden(format!(
                "{host} leads to an address inside a network (private, loopback, link-local or reserved). \
                 Add {name:?} to config.network.allowPrivate to allow it",
                name = host.to_string()
            ))),
            None => Ok(addresses),
        }
    }

    fn note(&self, target: &str, refused: Option<String>) {
        let target = target.chars().take(TARGET_MAX).collect();
        self.connections.attempted(Attempt { agent: self.agent, target, refused });
    }
}

/// Answers and closes.
async fn answer(mut stream: TcpStream, status: &str, text: &str) {
    let body = format!("{text}\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let writing = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await?;
        // Bytes that were sent and not read would make the system cut the connection before the answer is read.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    // silent-ok: whoever does not listen to a refusal is refused all the same.
    let _ = tokio::time::timeout(ANSWER_DEADLINE, writing).await;
}

#[cfg(test)]
mod tests;
