use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};
use serde_json::json;

use super::arguments::Arguments;
use super::{InhouseTool, Told, failed};
use crate::turns::{Work, delegate};
use crate::{Core, Error};

/// Hands a task to another agent of the swarm.
pub(crate) struct AskAgent;

const NAME: &str = "ask_agent";

/// How many colleagues are named in the tool's description.
const NAMED: usize = 20;

/// How much is told of what each of them is for, in characters.
const TOLD: usize = 200;

#[async_trait]
impl InhouseTool for AskAgent {
    fn name(&self) -> &'static str {
        NAME
    }

    fn offer(
        &self,
        _: &Core,
        reader: &dyn Reader,
        _: &Work,
        agent: &Agent,
    ) -> Result<Option<ToolSpec>, Error> {
        let colleagues = delegate::colleagues(reader, agent)?;
        if colleagues.is_empty() {
            return Ok(None);
        }
        let mut description = "Hands a task to another agent of your swarm and returns its answer. The other agent \
                               does not see this conversation: say all that it needs to know. It may do no more \
                               than you may. There is:"
            .to_owned();
        for other in colleagues.iter().take(NAMED) {
            let about: String = other.description.chars().take(TOLD).collect();
            description.push_str(&format!("\n- {} ({})", other.name, other.id));
            if !about.is_empty() {
                description.push_str(": ");
                description.push_str(&about);
            }
        }
        if colleagues.len() > NAMED {
            description.push_str(&format!("\nand {} more.", colleagues.len() - NAMED));
        }
        Ok(Some(ToolSpec {
            name: NAME.to_owned(),
            description,
            parameters: json!({
                "type": "object",
                "properties": {
                    "agent": {"type": "string", "description": "The other agent's name or id."},
                    "task": {"type": "string", "description": "What it is to do, with all that it needs to know."},
                },
                "required": ["agent", "task"],
                "additionalProperties": false,
            }),
            idempotent: true,
        }))
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        let agent = Arguments::of(call, &["agent", "task"])?.text("agent", 200)?.to_owned();
        task(call)?;
        Ok(Plan::Act { action: Action::AskAgent { agent }, idempotent: true })
    }

    async fn run(&self, _: &Core, _: &Permit, _: &Work, _: &ToolCall) -> Told {
        // The task is handed over in the transaction that decides, so nothing is left to be run.
        failed("The task was not handed over.")
    }
}

/// Returns what the other agent is to do.
pub(crate) fn task(call: &ToolCall) -> Result<&str, BadCall> {
    Arguments::of(call, &["agent", "task"])?.text("task", 50_000)
}
