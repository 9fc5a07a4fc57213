use std::fmt;
use std::str::FromStr;

use super::State;

/// Whose loop an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RuntimeKind {
    /// Roost's own, in the server.
    #[default]
    Roost,
    /// An OpenClaw gateway, in the agent's machine.
    Openclaw,
}

impl RuntimeKind {
    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Roost => "roost",
            Self::Openclaw => "openclaw",
        }
    }

    /// Tells whether it is somebody else's program, which runs in the agent's machine.
    pub const fn is_hosted(self) -> bool {
        match self {
            Self::Roost => false,
            Self::Openclaw => true,
        }
    }

    /// Returns the state of an agent that has just been started: a program of its own has to come up first.
    pub const fn first_state(self) -> State {
        if self.is_hosted() { State::Provisioning } else { State::Running }
    }
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RuntimeKind {
    type Err = UnknownRuntime;

    fn from_str(text: &str) -> Result<Self, UnknownRuntime> {
        [Self::Roost, Self::Openclaw]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownRuntime(text.to_owned()))
    }
}

/// A runtime nobody knows here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a runtime that this server can host; use roost or openclaw")]
pub struct UnknownRuntime(pub String);
