//! Tools: what models can ask for.

use std::sync::atomic::{AtomicU16, Ordering};

use async_trait::async_trait;
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::network::Host;
use roost_domain::secret::Secret;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolSpec};

use crate::machine::Spec;

/// The tools of an agent.
#[async_trait]
pub trait Tools: Send + Sync {
    /// Returns the tools, sorted by name.
    fn specs(&self) -> Vec<ToolSpec>;

    /// Reads a call's arguments and says what the call would do, without doing anything.
    ///
    /// # Errors
    ///
    /// [`BadCall`] with a message the model can act on: an unknown tool, a missing, mistyped or unknown argument.
    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall>;

    /// Returns the names of the secrets that a call has placeholders of, where they may stand; none for a call that
    /// cannot be planned.
    fn secrets(&self, call: &ToolCall) -> Vec<String> {
        let _ = call;
        Vec::new()
    }

    /// Does what [`Tools::plan`] said, with the secrets that were given out for exactly this. `progress` is called with output as it comes, where the tool has any.
    ///
    /// Whatever goes wrong is told in the outcome, for the model to read.
    ///
    /// # Cancel
    ///
    /// Dropping the future ends what it started: commands are killed, connections closed.
    async fn run(
        &self,
        permit: &Permit,
        call: &ToolCall,
        machine: &Spec,
        secrets: &Injections,
        progress: &mut (dyn for<'text> FnMut(&'text str) + Send),
    ) -> ToolOutcome;
}

/// The secrets that were given out for one request, to be put in where it has placeholders of them, and what the server
/// itself adds to it. No `Debug`.
#[derive(Default)]
pub struct Injections {
    /// Where they may go.
    place: Option<Place>,
    /// By name.
    values: Vec<(String, Secret)>,
    /// What the server adds, wherever they may go.
    added: Vec<Added>,
    /// The status of the answer; 0 while there is none.
    status: AtomicU16,
}

/// What the server adds to a request. No `Debug`.
pub enum Added {
    /// A header, in the place of one that is called the same.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A parameter of the query.
    Query {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
}

struct Place {
    host: Host,
    port: u16,
    method: String,
}

impl Injections {
    /// Gives secrets out for requests to one host and port with one method.
    pub fn new(host: Host, port: u16, method: String, values: Vec<(String, Secret)>) -> Self {
        Self {
            place: Some(Place { host, port, method }),
            values,
            added: Vec::new(),
            status: AtomicU16::new(0),
        }
    }

    /// Adds to each request that goes where they may go. What is added and is a secret must be among the values too:
    /// those are taken out of answers.
    #[must_use]
    pub fn adding(self, added: Vec<Added>) -> Self {
        Self { added, ..self }
    }

    /// Returns what the server adds.
    pub fn added(&self) -> &[Added] {
        &self.added
    }

    /// Tells whether a request goes where they may go.
    pub fn cover(&self, host: &Host, port: u16, method: &str) -> bool {
        let place = self.place.as_ref();
        place.is_some_and(|place| place.host == *host && place.port == port && place.method == method)
    }

    /// Returns one of them.
    pub fn value(&self, name: &str) -> Option<&Secret> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Returns their names and values.
    pub fn values(&self) -> &[(String, Secret)] {
        &self.values
    }

    /// Takes note of the status of an answer to a request that carried them.
    pub fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// Returns the status of the last answer to a request that carried them.
    pub fn status(&self) -> Option<u16> {
        Some(self.status.load(Ordering::Relaxed)).filter(|status| *status > 0)
    }
}

/// What a call would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Acts, through [`Tools::run`].
    Act {
        /// What the gate decides about.
        action: Action,
        /// Whether doing it twice is the same as doing it once.
        idempotent: bool,
    },
    /// Asks the peer, whose next message is the result; nothing runs.
    Ask {
        /// The question.
        question: String,
    },
}

/// A call that cannot be done as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCall(pub String);
