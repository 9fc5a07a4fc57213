//! Memory: what agents keep of what their peers tell of themselves. Each peer's is a shelf of its own, so that nothing
//! is ever recalled for somebody else; agents of a swarm share it.

use jiff::Timestamp;
use roost_domain::agent::{Agent, Mode, Settings};
use roost_domain::id::JobId;
use roost_domain::knowledge::{Owner, Shelf};
use roost_domain::session::Peer;
use roost_ports::store::{NewJob, Turn, Writer};

use crate::{Core, Error};

mod capture;
mod manage;

pub use capture::MemoryWork;
pub use manage::{ForgetMemories, ListMemories, MemoryView};

/// The use cases of what is remembered.
pub struct Memories<'a>(pub(crate) &'a Core);

/// The queue whose jobs are turns in which a peer said something that may be worth remembering.
pub(crate) const QUEUE: &str = "memory";

/// Of one peer so much is remembered; then the oldest goes.
pub(crate) const MOST: u64 = 2_000;

/// The memory that all share who hold a key of the agent's own people. No peer's name means it.
pub(crate) const OWN_PEOPLE: &str = "key:*";

/// Returns whose memory a session with a peer is: nobody's in an agent's journal, nor in a task from
/// another agent.
pub(crate) fn peer(mode: Mode, peer: &Peer) -> Option<String> {
    match (peer, mode) {
        (Peer::Named(_), _) | (Peer::Key(_), Mode::Shared) => Some(peer.to_string()),
        (Peer::Key(_), Mode::Private) => Some(OWN_PEOPLE.to_owned()),
        (Peer::Colleague { .. } | Peer::Run(_) | Peer::Agent, _) => None,
    }
}

/// Returns whose memory an agent's is: its swarm's, if it is in one.
pub(crate) fn owner(agent: &Agent) -> Owner {
    agent.swarm.map_or(Owner::Agent(agent.id), Owner::Swarm)
}

/// Returns where an agent keeps what it remembers in sessions with a peer.
pub(crate) fn shelf(agent: &Agent, settings: &Settings, of: &Peer) -> Option<Shelf> {
    Some(Shelf::memory(owner(agent), peer(settings.memory.mode, of)?))
}

/// Has a turn looked through for what is worth remembering, once it is over.
pub(crate) fn queue(
    writer: &mut dyn Writer,
    core: &Core,
    agent: &Agent,
    turn: &Turn,
    now: Timestamp,
) -> Result<(), Error> {
    // What another agent says is no peer's word.
    if turn.caller.is_some() || !Settings::read(&agent.config)?.memory.capture {
        return Ok(());
    }
    writer.insert_job(&NewJob {
        id: core.ports.random.id::<JobId>(now),
        queue: QUEUE,
        agent: Some(agent.id),
        key: turn.session.to_string(),
        payload: turn.id.to_string(),
        run_at: now,
    })?;
    // A wake-up for a job that is not committed after all finds nothing.
    core.memorable.notify_one();
    Ok(())
}
