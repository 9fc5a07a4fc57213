//! Runtimes: somebody else's agent loops, hosted in agents' machines.

use async_trait::async_trait;
use roost_domain::agent::RuntimeKind;
use roost_domain::gate::Permit;
use roost_domain::id::{AgentId, SessionId};
use roost_domain::unit::Tokens;

use crate::machine::{Hosted, Spec};
use crate::model::{Chunks, Error as ModelError};

/// Hosts somebody else's agent runtimes, one for each agent, in the agent's machine.
#[async_trait]
pub trait Runtimes: Send + Sync {
    /// Returns what a machine needs to host a runtime.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if this server cannot host it, with what would help.
    fn hosted(&self, kind: RuntimeKind) -> Result<Hosted, Unavailable>;

    /// Brings an agent's runtime up and returns when it answers; one that is up stays as it is, unless its
    /// machine is to be another: then it ends and comes up anew. It runs on with its
    /// permit until it is stopped, its machine ends, or it ends by itself; then [`Runtimes::fallen`] tells.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] with what it said last. Nothing of it runs then.
    ///
    /// # Cancel
    ///
    /// Safe: a runtime that is half up ends.
    async fn start(&self, permit: Permit, setup: Setup) -> Result<(), Unavailable>;

    /// Tells whether an agent's runtime is up.
    fn is_up(&self, agent: AgentId) -> bool;

    /// Says something to a runtime that is up. The stream is as that of [`crate::model::Models::stream`]; its usage
    /// is nothing, as the runtime's own model calls are counted where they are made.
    ///
    /// # Errors
    ///
    /// [`ModelError::Runtime`] if it was not told; [`ModelError::OutcomeUnknown`], also in the stream, if it was.
    ///
    /// # Cancel
    ///
    /// Dropping the future or the stream has the runtime stop its work on the message.
    async fn ask(&self, agent: AgentId, said: Said) -> Result<Chunks, ModelError>;

    /// Ends an agent's runtime in good order, within a few seconds; no-op if there is none.
    async fn stop(&self, agent: AgentId);

    /// Waits until a runtime has ended by itself, and returns whose. Safe to drop.
    async fn fallen(&self) -> AgentId;

    /// Returns whose runtime shows a token at the door for its model calls.
    fn whose(&self, token: &str) -> Option<AgentId>;
}

/// What a runtime is brought up with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its machine.
    pub spec: Spec,
    /// The agent's documents, by file name.
    pub documents: Vec<(String, String)>,
    /// The most its model can read and write in one call.
    pub context: Tokens,
    /// The most its model can write in one call.
    pub max_output: Tokens,
}

/// What is said to a runtime.
#[derive(Debug, Clone)]
pub struct Said {
    /// The conversation; the runtime itself remembers what was said in it.
    pub session: SessionId,
    /// The peer's message.
    pub text: String,
    /// What the caller told about the peer.
    pub context: Option<String>,
}

/// Why a runtime is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);
