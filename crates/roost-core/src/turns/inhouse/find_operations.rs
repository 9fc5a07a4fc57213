use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::integration::IntegrationName;
use roost_domain::page::Limit;
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};
use serde_json::json;

use super::arguments::Arguments;
use super::{InhouseTool, Told, done, failed};
use crate::integrations::{FoundOperation, described, find};
use crate::turns::Work;
use crate::{Core, Error, log};

/// How many operations are told, and of how many the whole schema.
const MOST: u32 = 12;
const WHOLE: usize = 4;

/// The longest schema that is told.
const SCHEMA_MAX: usize = 8_000;

/// `find_operations`: what can be asked of a service that the agent is connected to.
pub(super) struct FindOperations;

#[async_trait]
impl InhouseTool for FindOperations {
    fn name(&self) -> &'static str {
        "find_operations"
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
            description: "Finds what can be done with a service that you are connected to. Tells the names of operations \
                          and their arguments, for call_operation. Nothing is done by it."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "service": {"type": "string", "enum": services, "description": "The service."},
                    "query": {"type": "string", "description": "What you want to do, in a few words: create an issue."}
                },
                "required": ["service", "query"],
                "additionalProperties": false
            }),
            idempotent: true,
        }))
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        let (service, query) = arguments(call)?;
        let action = Action::FindOperations { service: service.to_string(), query: query.to_owned() };
        Ok(Plan::Act { action, idempotent: true })
    }

    async fn run(&self, core: &Core, _permit: &Permit, work: &Work, call: &ToolCall) -> Told {
        let (service, query) = match arguments(call) {
            Ok((service, query)) => (service, query.to_owned()),
            Err(BadCall(problem)) => return failed(problem),
        };
        let held = work.clone();
        let read = move |reader: &dyn Reader| {
            let agent = log::agent_of(reader, &held.turn)?;
            if reader.connection_to(agent.id, &service)?.is_none() {
                let others = described(reader, &agent)?.join(", ");
                return Ok(Err(format!("you are not connected to {service}; you are to {others}")));
            }
            let found = find(reader, agent.account, &service, &query, Limit::clamped(MOST, MOST))?;
            Ok::<_, Error>(Ok((service, found)))
        };
        match core.ports.store.read(read).await {
            Ok(Ok((service, (found, total)))) => done(told(&service, &found, total)),
            Ok(Err(problem)) => failed(problem),
            Err(error) => failed(format!("the operations cannot be looked up now: {error}")),
        }
    }
}

fn arguments(call: &ToolCall) -> Result<(IntegrationName, &str), BadCall> {
    let arguments = Arguments::of(call, &["service", "query"])?;
    let service = arguments.text("service", 40)?;
    let service = service.parse().map_err(|error| BadCall(format!("service: {error}")))?;
    Ok((service, arguments.text("query", 500)?))
}

fn told(service: &IntegrationName, found: &[FoundOperation], total: u64) -> String {
    if found.is_empty() {
        return format!("Nothing of {service} fits; use other words.");
    }
    let mut text = format!("{total} operations of {service} fit. Best first:\n");
    for (at, one) in found.iter().enumerate() {
        let line = &one.line;
        text.push_str(&format!("\n{}: {} ({} {})", line.name, line.summary, line.method, line.path));
        let schema = one.schema.to_string();
        if at < WHOLE && schema.len() <= SCHEMA_MAX {
            text.push_str(&format!("\narguments: {schema}\n"));
        }
    }
    text.push_str(
        "\n\nCall one with call_operation; look with its name as the query for the arguments of another.",
    );
    text
}
