use std::time::Duration;

use serde_json::Value;

/// One of the things that start runs of a workflow, while its agent is armed.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigger {
    /// What people call it; triggers of one workflow have different names. It keeps what a trigger has (its URL, its
    /// secret, when it fired) over versions of the workflow.
    pub name: String,
    /// What it waits for.
    pub kind: TriggerKind,
    /// What the run is given, as a template over `event`; `None` gives it the event as it is.
    pub input: Option<Value>,
}

/// What a trigger waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerKind {
    /// Somebody asks for a run.
    Manual,
    /// A request comes to the trigger's own URL.
    Webhook {
        /// Whether the request has to be signed with the trigger's secret.
        signed: bool,
    },
    /// A time comes.
    Cron {
        /// A cron expression of five fields, or six with seconds first.
        expression: String,
        /// The IANA time zone in which it is read.
        timezone: String,
        /// What is done about times at which no server was up.
        missed: MissedFires,
    },
    /// Something happens at a connected service.
    Integration {
        /// The service, by its name in the catalog.
        integration: String,
        /// What happens there, as the service calls it; `*` is anything.
        event: String,
        /// What must stand in the message's body, at each of these paths.
        filter: Option<Value>,
        /// How often to look, where the service does not tell. Nothing looks so far.
        every: Duration,
    },
    /// A run begins when the one before it is over.
    Continuous {
        /// How long to wait in between.
        delay: Duration,
    },
}

/// What is done about times at which no server was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MissedFires {
    /// Nothing.
    Skip,
    /// One run, however many times were missed.
    Once,
    /// A run for each, at most 100.
    All,
}

impl MissedFires {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Once, Self::All];

    /// Returns its name in configurations and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

impl TriggerKind {
    /// Returns its name in configurations, on the wire and in records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Webhook { .. } => "webhook",
            Self::Cron { .. } => "cron",
            Self::Integration { .. } => "integration",
            Self::Continuous { .. } => "continuous",
        }
    }
}
