//! A service is asked by the clock and not by a model: for triggers that fire when there is something new.

use roost_domain::agent::Agent;
use roost_domain::effect::{Cause, Effect};
use roost_domain::gate::{Decision, Used};
use roost_domain::id::{AgentId, TurnId};
use roost_domain::policy::Ruling;
use roost_domain::subject::Subject;
use roost_domain::tool::{ToolCall, ToolCallId, ToolOutcome, ToolStatus};
use roost_ports::store::{DecisionEntry, Writer};
use roost_ports::tool::{Injections, Plan};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CALL_OPERATION, Integrations, ServiceCall};
use crate::Error;
use crate::gate::Facts;
use crate::turns::machine_spec;

/// The most items of one answer.
const MOST_ITEMS: usize = 500;

/// What is asked of a service by the clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// The service.
    pub integration: String,
    /// The operation, which must only look: `GET`.
    pub operation: String,
    /// Its arguments.
    pub arguments: Value,
    /// Where the list stands in the answer, as a JSON pointer (`/items`); `None` where the answer is the list.
    pub items: Option<String>,
    /// What tells one item from another, as a JSON pointer within it (`/id`); `None` is all of it.
    pub key: Option<String>,
}

/// One item of what a service answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The same for the same item at every poll, at most 200 bytes.
    pub key: String,
    /// The item.
    pub value: Value,
}

impl Integrations<'_> {
    /// Asks a service with an agent's connection and returns the items of its answer, in their order, at most 500. The
    /// gate decides as about any request of the agent's; nobody is asked for an approval, so what would need one fails.
    ///
    /// The inner error is a sentence for people.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent; `Internal` if the store fails.
    pub async fn poll(&self, agent: AgentId, poll: &Poll) -> Result<Result<Vec<Item>, String>, Error> {
        let core = self.0.clone();
        let call = ToolCall {
            id: ToolCallId::from_text("poll"),
            tool: CALL_OPERATION.to_owned(),
            arguments: json!({
                "service": poll.integration, "operation": poll.operation, "arguments": poll.arguments,
            }),
        };
        let (held, looked) = (core.clone(), call.clone());
        let service = core.ports.store.read(move |reader| {
            let agent =
                reader.agent_of_any_account(agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
            held.service_call(reader, &agent, &looked)
        });
        let service = match service.await? {
            Some(Ok(service)) => service,
            Some(Err(problem)) => return Ok(Err(problem.to_string())),
            None => return Ok(Err("there is no such operation".to_owned())),
        };
        let mut refused = None;
        loop {
            let (account, id) = (service.connection.account, service.connection.id);
            let connection = match core.connections().fresh(account, id, refused).await? {
                Ok(connection) => connection,
                Err(why) => return Ok(Err(why)),
            };
            let (outcome, status) = match self.send(agent, &call, &service).await? {
                Ok(sent) => sent,
                Err(why) => return Ok(Err(why)),
            };
            if status == Some(401) && refused.is_none() {
                refused = Some(connection.version);
                continue;
            }
            return Ok(items(&outcome, poll));
        }
    }

    async fn send(
        &self,
        agent: AgentId,
        call: &ToolCall,
        service: &ServiceCall,
    ) -> Result<Result<(ToolOutcome, Option<u16>), String>, Error> {
        let plan = match self.0.ports.tools.plan(&service.request) {
            Ok(plan) => plan,
            Err(problem) => return Ok(Err(problem.to_string())),
        };
        let Plan::Act { action, idempotent: true } = plan else {
            return Ok(Err("only operations that look can be asked by the clock".to_owned()));
        };
        let (core, call, held, now) = (self.0.clone(), call.clone(), service.clone(), self.0.now());
        let decide = move |writer: &mut dyn Writer| {
            let agent =
                writer.agent_of_any_account(agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
            let facts = Facts::read(&core, writer, &agent)?.reaching(&action).also_as(held.operation.clone());
            let effect = Effect {
                agent: agent.id,
                session: agent.id.journal(),
                turn: core.ports.random.id::<TurnId>(now),
                cause: Cause::Tool(call),
                action: action.clone(),
                scripts: vec![held.bound()],
            };
            let decision = facts.decide(writer, &agent, &effect, None, Used::default(), None)?;
            let opinion = match decision {
                Decision::Allowed(permit, _) => {
                    let secrets: Result<Injections, String> =
                        core.give_out_connection(writer, &agent, &held, &action)?;
                    return Ok::<_, Error>(
                        secrets.map(|secrets| (permit, machine_spec(&agent, &facts), secrets)),
                    );
                }
                Decision::NeedsApproval(opinion) | Decision::Blocked(opinion) => opinion,
            };
            note(writer, &agent, &effect, &opinion, now)?;
            Ok(Err(opinion.to_string()))
        };
        let (permit, spec, secrets) = match self.0.ports.store.write(decide).await? {
            Ok(granted) => granted,
            Err(why) => return Ok(Err(why)),
        };
        let mut quiet = |_: &str| {};
        let outcome = self.0.ports.tools.run(&permit, &service.request, &spec, &secrets, &mut quiet).await;
        Ok(Ok((outcome, secrets.status())))
    }
}

fn note(
    writer: &mut dyn Writer,
    agent: &Agent,
    effect: &Effect,
    opinion: &roost_domain::guard::Opinion,
    now: jiff::Timestamp,
) -> Result<(), Error> {
    let ruling = if opinion.ruling == Ruling::Allow { return Ok(()) } else { opinion.ruling };
    writer.insert_decision(&DecisionEntry {
        account: agent.account,
        subject: Subject::hosted(agent.id),
        key: None,
        tool: effect.action.name().to_owned(),
        parameters: None,
        ruling,
        code: opinion.code.to_owned(),
        reason: opinion.why.clone(),
        rule: opinion.rule.clone(),
        version: opinion.version,
        approval: None,
        run: None,
        triggered_by: Some("poll".to_owned()),
        turn: None,
        at: now,
    })?;
    Ok(())
}

/// Takes the items out of an answer as `http_request` tells it.
fn items(outcome: &ToolOutcome, poll: &Poll) -> Result<Vec<Item>, String> {
    let (head, body) = outcome.text.split_once("\n\n").unwrap_or((outcome.text.as_str(), ""));
    let status = head.lines().find_map(|line| line.strip_prefix("HTTP ")).unwrap_or_default();
    if outcome.status != ToolStatus::Done || !status.starts_with('2') {
        let shown: String = outcome.text.chars().take(300).collect();
        return Err(format!("{} did not answer well: {shown}", poll.integration));
    }
    let whole: Value = serde_json::from_str(body)
        .map_err(|_| format!("the answer of {} is no JSON, or too long", poll.integration))?;
    let list = match &poll.items {
        Some(pointer) => whole.pointer(pointer),
        None => Some(&whole),
    };
    let list = list.and_then(Value::as_array).ok_or_else(|| {
        let place = poll.items.as_deref().unwrap_or("the answer itself");
        format!("the answer of {} has no list at {place}", poll.integration)
    })?;
    Ok(list
        .iter()
        .take(MOST_ITEMS)
        .map(|value| Item { key: key(value, poll), value: value.clone() })
        .collect())
}

fn key(value: &Value, poll: &Poll) -> String {
    let own = poll.key.as_ref().and_then(|pointer| value.pointer(pointer)).unwrap_or(value);
    let text = own.as_str().map_or_else(|| own.to_string(), str::to_owned);
    if text.len() <= 200 {
        return text;
    }
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
