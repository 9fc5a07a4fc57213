//! In-house tools: what models can ask for that Roost does itself, on its own nouns, without going outside. They are
//! planned, decided and logged like the tools of the port.

use std::collections::HashSet;

use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::effect::Script;
use roost_domain::gate::Permit;
use roost_domain::taint::Taint;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolSpec, ToolStatus};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};

use super::Work;
use crate::integrations::tools_of;
use crate::{Core, Error};

pub(crate) mod arguments;
pub(crate) mod ask_agent;
mod call_operation;
mod change_document;
mod find_operations;
mod read_rule;
mod read_skill;
mod remember;
mod search_knowledge;

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

    /// Returns what leave for a call is bound to beside its arguments, read in the transaction that decides about it;
    /// or a sentence for the model that says why it cannot be decided at all.
    fn bind(&self, reader: &dyn Reader, work: &Work, call: &ToolCall) -> Result<Bound, Error> {
        let _ = (reader, work, call);
        Ok(Ok(Vec::new()))
    }

    /// Does it, or says in the outcome why not.
    async fn run(&self, core: &Core, permit: &Permit, work: &Work, call: &ToolCall) -> Told;
}

/// What leave for a call is bound to, or why there can be none.
pub(crate) type Bound = Result<Vec<Script>, String>;

/// All of them, by name.
const TOOLS: [&dyn InhouseTool; 8] = [
    &ask_agent::AskAgent,
    &call_operation::CallOperation,
    &change_document::ChangeDocument,
    &find_operations::FindOperations,
    &read_rule::ReadRule,
    &read_skill::ReadSkill,
    &remember::Remember,
    &search_knowledge::SearchKnowledge,
];

/// What came of a call.
pub(crate) struct Told {
    /// What the model is told.
    pub(crate) outcome: ToolOutcome,
    /// What comes into the session with it, where the act alone does not tell.
    pub(crate) brings: Option<Taint>,
}

/// Says that a call was done, and what came of it.
pub(crate) fn done(text: impl Into<String>) -> Told {
    Told { outcome: ToolOutcome { text: text.into(), status: ToolStatus::Done }, brings: None }
}

/// Says that a call came to nothing, and why.
pub(crate) fn failed(problem: impl Into<String>) -> Told {
    Told { outcome: ToolOutcome { text: problem.into(), status: ToolStatus::Failed }, brings: None }
}

fn named(name: &str) -> Option<&'static dyn InhouseTool> {
    TOOLS.into_iter().find(|tool| tool.name() == name)
}

impl Core {
    /// Returns the names of all tools that an agent can have, whether it has a use for them or not.
    pub(crate) fn own_tools(&self) -> HashSet<String> {
        let specs = self.ports.tools.specs().into_iter().map(|spec| spec.name);
        specs.chain(TOOLS.into_iter().map(|tool| tool.name().to_owned())).collect()
    }

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
        specs.extend(tools_of(reader, agent)?);
        specs.sort_by(|one, other| one.name.cmp(&other.name));
        specs.dedup_by(|one, other| one.name == other.name);
        Ok(specs)
    }

    /// Reads a call's arguments and says what the call would do, without doing anything.
    pub(crate) fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        match named(&call.tool) {
            Some(tool) => tool.plan(call),
            None => self.ports.tools.plan(call),
        }
    }

    /// Returns what leave for a call is bound to, if its tool is in-house.
    pub(super) fn bind(&self, reader: &dyn Reader, work: &Work, call: &ToolCall) -> Result<Bound, Error> {
        match named(&call.tool) {
            Some(tool) => tool.bind(reader, work, call),
            None => Ok(Ok(Vec::new())),
        }
    }

    /// Runs a call if its tool is in-house.
    pub(super) async fn run_inhouse(&self, permit: &Permit, work: &Work, call: &ToolCall) -> Option<Told> {
        match named(&call.tool) {
            Some(tool) => Some(tool.run(self, permit, work, call).await),
            None => None,
        }
    }
}
