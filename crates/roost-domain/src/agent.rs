//! Agents: what they are and the states they go through.

use jiff::Timestamp;

use crate::id::{AccountId, AgentId, SwarmId};
use crate::machine::Size;
use crate::model::ModelName;

mod arming;
mod runtime;
mod settings;
mod state;

pub use arming::Arming;
pub use runtime::{RuntimeKind, UnknownRuntime};
pub use settings::{InvalidSetting, Memory, Mode, Settings};
pub use state::{Failure, FailureCategory, InvalidTransition, State};

/// One agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The account it belongs to.
    pub account: AccountId,
    /// What its people call it, 1 to 100 characters.
    pub name: String,
    /// What it is for, at most 2,000 characters; empty when nobody said.
    pub description: String,
    /// The model it thinks with.
    pub model: ModelName,
    /// Whose loop it runs.
    pub runtime: RuntimeKind,
    /// How big its machine is.
    pub size: Size,
    /// Which pool of hosts it lives in.
    pub region: Region,
    /// The swarm it is in.
    pub swarm: Option<SwarmId>,
    /// A picture of it, as a URL.
    pub avatar_url: Option<String>,
    /// Labels for people, at most 10.
    pub tags: Vec<String>,
    /// The configuration as its owner gave it. [`Settings`] is the part that Roost acts on; the rest is kept
    /// and given back.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// What it is doing.
    pub state: State,
    /// Whether a change waits for the next restart to take effect.
    pub needs_restart: bool,
    /// Whether what starts its workflow may start it.
    pub arming: Arming,
    /// The last thing that went wrong; kept after recovery until the next start.
    pub last_failure: Option<Failure>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last started.
    pub started_at: Option<Timestamp>,
    /// When it last stopped.
    pub stopped_at: Option<Timestamp>,
}

/// A pool of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    /// `eu`, the default.
    Eu,
    /// `us`
    Us,
}

impl Region {
    /// Every region.
    pub const ALL: [Self; 2] = [Self::Eu, Self::Us];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Us => "us",
        }
    }
}

impl std::str::FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        Self::ALL
            .into_iter()
            .find(|region| region.name() == text)
            .ok_or_else(|| UnknownRegion(text.to_owned()))
    }
}

/// A region nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a region; use eu or us")]
pub struct UnknownRegion(pub String);

impl Agent {
    /// Tells whether it runs, or would at once: what changes for it may have to wait for a restart.
    pub const fn is_up(&self) -> bool {
        match self.state {
            State::Running | State::Frozen | State::Paused => true,
            State::Provisioning | State::Stopped | State::Error => false,
        }
    }

    /// Marks that a change waits for its next restart, if it is up.
    #[must_use]
    pub fn changed(self) -> Self {
        Self { needs_restart: self.needs_restart || self.is_up(), ..self }
    }

    /// Starts it, from any state in which it is not up; a running agent stays as it is.
    ///
    /// A frozen or paused agent goes on where it was; from any other state it starts afresh, with its latest
    /// configuration and documents, once a hosted runtime is up. Clears the last failure.
    pub fn start(self, at: Timestamp) -> Self {
        match self.state {
            State::Running => self,
            State::Frozen | State::Paused => {
                Self { state: State::Running, started_at: Some(at), last_failure: None, ..self }
            }
            State::Provisioning | State::Stopped | State::Error => self.restart(at),
        }
    }

    /// Stops it: the machine goes, the workspace stays. Stopping a stopped agent is a no-op.
    pub fn stop(self, at: Timestamp) -> Self {
        match self.state {
            State::Stopped => self,
            State::Provisioning | State::Running | State::Frozen | State::Paused | State::Error => {
                Self { state: State::Stopped, stopped_at: Some(at), ..self }
            }
        }
    }

    /// Starts it afresh with its latest configuration, from any state.
    pub fn restart(self, at: Timestamp) -> Self {
        let state = self.runtime.first_state();
        Self { state, started_at: Some(at), last_failure: None, needs_restart: false, ..self }
    }

    /// Says that what it runs in is up; any other state than being made ready stays.
    pub fn ready(self) -> Self {
        match self.state {
            State::Provisioning => Self { state: State::Running, ..self },
            State::Running | State::Frozen | State::Paused | State::Stopped | State::Error => self,
        }
    }

    /// Turns its loop off; the machine and the files stay up and messages queue. Pausing twice is a no-op.
    ///
    /// # Errors
    ///
    /// [`InvalidTransition`] unless it is running or frozen.
    pub fn pause(self) -> Result<Self, InvalidTransition> {
        match self.state {
            State::Running | State::Frozen | State::Paused => Ok(Self { state: State::Paused, ..self }),
            State::Provisioning | State::Stopped | State::Error => {
                Err(InvalidTransition { from: self.state, to: State::Paused })
            }
        }
    }

    /// Turns its loop on again. Resuming a running agent is a no-op.
    ///
    /// # Errors
    ///
    /// [`InvalidTransition`] unless it is paused, frozen or running.
    pub fn resume(self) -> Result<Self, InvalidTransition> {
        match self.state {
            State::Paused | State::Frozen | State::Running => Ok(Self { state: State::Running, ..self }),
            State::Provisioning | State::Stopped | State::Error => {
                Err(InvalidTransition { from: self.state, to: State::Running })
            }
        }
    }

    /// Freezes it because it is idle: its machine's CPU stands still until the next use.
    ///
    /// # Errors
    ///
    /// [`InvalidTransition`] unless it is running: a paused agent is left as its people put it.
    pub fn freeze(self) -> Result<Self, InvalidTransition> {
        match self.state {
            State::Running => Ok(Self { state: State::Frozen, ..self }),
            State::Provisioning | State::Frozen | State::Paused | State::Stopped | State::Error => {
                Err(InvalidTransition { from: self.state, to: State::Frozen })
            }
        }
    }

    /// Wakes it if it is frozen; any other state stays.
    pub fn wake(self) -> Self {
        match self.state {
            State::Frozen => Self { state: State::Running, ..self },
            State::Provisioning | State::Running | State::Paused | State::Stopped | State::Error => self,
        }
    }

    /// Records that it cannot go on. An agent that somebody has paused or stopped meanwhile stays as they put it.
    pub fn fail(self, failure: Failure) -> Self {
        let state = match self.state {
            State::Paused | State::Stopped => self.state,
            State::Provisioning | State::Running | State::Frozen | State::Error => State::Error,
        };
        Self { state, last_failure: Some(failure), ..self }
    }
}

#[cfg(test)]
mod tests;
