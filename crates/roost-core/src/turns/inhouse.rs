//! In-house tools: what models can ask for that Roost does itself, on its own nouns, without going outside. They are
//! planned, decided and logged like the tools of the port.

use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::gate::Permit;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};

use super::Work;
use crate::{Core, Error};

#[allow(dead_code, reason = "the first tool comes with the next change")]
pub(crate) mod arguments;

/// One in-house tool.
#[async_trait]
pub(crate) trait InhouseTool: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Returns the tool as an agent's model sees it; `None` where the agent has no use for it.
    fn offer(
        &self,
        core: &Core,
        reader: &dyn Reader,
        work: &Work,
        agent: &Agent,
    ) -> Result<Option<ToolSpec>, Error>;

    /// Reads a call's arguments and says what the call would do.
    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall>;

    /// Does it, or says in the outcome why not.
    async fn run(&self, core: &Core, permit: &Permit, work: &Work, call: &ToolCall) -> ToolOutcome;
}

/// All of them, by name.
const TOOLS: [&dyn InhouseTool; 0] = [];

fn named(name: &str) -> Option<&'static dyn InhouseTool> {
    TOOLS.into_iter().find(|tool| tool.name() == name)
}

impl Core {
    /// Returns the tools that an agent's model may ask for in a turn, sorted by name.
    pub(super) fn tool_specs(
        &self,
        reader: &dyn Reader,
        work: &Work,
        agent: &Agent,
    ) -> Result<Vec<ToolSpec>, Error> {
        let mut specs = self.ports.tools.specs();
        for tool in TOOLS {
            specs.extend(tool.offer(self, reader, work, agent)?);
        }
        specs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(specs)
    }

    /// Reads a call's arguments and says what the call would do, without doing anything.
    pub(crate) fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        match named(&call.tool) {
            Some(tool) => tool.plan(call),
            None => self.ports.tools.plan(call),
        }
    }

    /// Runs a call if its tool is in-house.
    pub(super) async fn run_inhouse(
        &self,
        permit: &Permit,
        work: &Work,
        call: &ToolCall,
    ) -> Option<ToolOutcome> {
        match named(&call.tool) {
            Some(tool) => Some(tool.run(self, permit, work, call).await),
            None => None,
        }
    }
}
