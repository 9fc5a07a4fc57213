use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::document::{DocumentName, RuleName};
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};
use serde_json::json;

use super::arguments::Arguments;
use super::{InhouseTool, Told, done, failed};
use crate::documents::rules;
use crate::turns::Work;
use crate::{Core, Error};

/// `read_rule`: one of the agent's rules, as it is now.
pub(super) struct ReadRule;

#[async_trait]
impl InhouseTool for ReadRule {
    fn name(&self) -> &'static str {
        "read_rule"
    }

    fn offer(
        &self,
        _core: &Core,
        reader: &dyn Reader,
        _work: &Work,
        agent: &Agent,
    ) -> Result<Option<ToolSpec>, Error> {
        let spec = || {
            ToolSpec {
            name: self.name().to_owned(),
            description: "Reads one of your rules: a procedure that your people wrote down for you. Read the rule that \
                          fits before you do what it is about."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "The rule's name, without .md, as your instructions list it."}
                },
                "required": ["name"],
                "additionalProperties": false
            }),
            idempotent: true,
        }
        };
        Ok((!rules(reader, agent.id)?.is_empty()).then(spec))
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        let name = DocumentName::Rule(named(call)?).to_string();
        Ok(Plan::Act { action: Action::ReadDocument { name }, idempotent: true })
    }

    async fn run(&self, core: &Core, _permit: &Permit, work: &Work, call: &ToolCall) -> Told {
        let rule = match named(call) {
            Ok(rule) => rule,
            Err(BadCall(problem)) => return failed(problem),
        };
        let agent = work.turn.agent;
        let read = move |reader: &dyn Reader| {
            let found = reader.document(agent, &DocumentName::Rule(rule.clone()))?;
            let known = if found.is_some() { Vec::new() } else { rules(reader, agent)? };
            Ok::<_, Error>((rule, found, known))
        };
        match core.ports.store.read(read).await {
            Ok((_, Some(document), _)) => {
                done(format!("{}\n\n[version {}]", document.content, document.version))
            }
            Ok((rule, None, known)) => {
                let known: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
                failed(format!("there is no rule {rule}; there are: {}", known.join(", ")))
            }
            Err(error) => failed(format!("the rule cannot be read now: {error}")),
        }
    }
}

fn named(call: &ToolCall) -> Result<RuleName, BadCall> {
    let name = Arguments::of(call, &["name"])?.text("name", 80)?;
    let name = name.strip_prefix("rules/").unwrap_or(name);
    name.strip_suffix(".md").unwrap_or(name).parse().map_err(|error| BadCall(format!("name: {error}")))
}
