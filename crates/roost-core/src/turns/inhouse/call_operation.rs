use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::gate::Permit;
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};
use serde_json::json;

use super::{InhouseTool, Told, failed};
use crate::integrations::{CALL_OPERATION, described};
use crate::turns::Work;
use crate::{Core, Error};

/// `call_operation`: any operation of a service that the agent is connected to. It is offered here and becomes a
/// request before anything is planned; see `integrations/call.rs`.
pub(super) struct CallOperation;

#[async_trait]
impl InhouseTool for CallOperation {
    fn name(&self) -> &'static str {
        CALL_OPERATION
    }

    fn offer(
        &self,
        _core: &Core,
        reader: &dyn Reader,
        _work: &Work,
        agent: &Agent,
    ) -> Result<Option<ToolSpec>, Error> {
        let services = described(reader, agent)?;
        if services.is_empty() {
            return Ok(None);
        }
        Ok(Some(ToolSpec {
            name: self.name().to_owned(),
            description:
                "Calls an operation of a service that you are connected to. The server adds the credential; \
                          you never need one. find_operations tells the names and arguments."
                    .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "service": {"type": "string", "enum": services, "description": "The service."},
                    "operation": {"type": "string", "description": "The operation's name."},
                    "arguments": {"type": "object", "description": "The operation's arguments."}
                },
                "required": ["service", "operation"],
                "additionalProperties": false
            }),
            idempotent: false,
        }))
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        Err(BadCall(format!("{} can be planned only where the agent's connections are known", call.tool)))
    }

    async fn run(&self, _core: &Core, _permit: &Permit, _work: &Work, call: &ToolCall) -> Told {
        failed(format!("{} was not made into a request; nothing was done", call.tool))
    }
}
