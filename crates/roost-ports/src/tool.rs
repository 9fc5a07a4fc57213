//! Tools: what models can ask for.

use async_trait::async_trait;
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
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

    /// Does what [`Tools::plan`] said. `progress` is called with output as it comes, where the tool has any.
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
        progress: &mut (dyn for<'text> FnMut(&'text str) + Send),
    ) -> ToolOutcome;
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
