use std::fmt;

/// What an agent is doing. One state inside; each API has its own words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Being made.
    Provisioning,
    /// Up and answering.
    Running,
    /// Idle, its machine's CPU frozen; wakes on use.
    Frozen,
    /// Its loop is off by somebody's wish; machine and files are up, messages queue.
    Paused,
    /// Its machine is gone, its workspace kept.
    Stopped,
    /// It cannot go on; see [`Failure`].
    Error,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Provisioning, Self::Running, Self::Frozen, Self::Paused, Self::Stopped, Self::Error];

    /// Returns its name in records and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Running => "running",
            Self::Frozen => "frozen",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Error => "error",
        }
    }

    /// Tells whether a message to the agent is taken now, to be worked on at once or when it is resumed.
    pub const fn takes_messages(self) -> bool {
        matches!(self, Self::Running | Self::Frozen | Self::Paused)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A change of state that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an agent that is {from} cannot become {to}")]
pub struct InvalidTransition {
    /// The state it is in.
    pub from: State,
    /// The state that was asked for.
    pub to: State,
}

/// What went wrong with an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whose problem it is.
    pub category: FailureCategory,
    /// A sentence for people, without secrets.
    pub message: String,
}

/// Whose problem a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureCategory {
    /// The model's credentials are missing or refused.
    Auth,
    /// The model's provider cannot be reached or answers nonsense.
    Provider,
    /// The provider's limits or the agent's budget are used up.
    Quota,
    /// The machine cannot start or died.
    Machine,
    /// The agent's configuration cannot work.
    Config,
    /// Roost itself failed.
    Internal,
}

impl FailureCategory {
    /// Every category.
    pub const ALL: [Self; 6] =
        [Self::Auth, Self::Provider, Self::Quota, Self::Machine, Self::Config, Self::Internal];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Provider => "provider",
            Self::Quota => "quota",
            Self::Machine => "machine",
            Self::Config => "config",
            Self::Internal => "internal",
        }
    }
}
