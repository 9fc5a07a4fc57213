use roost_domain::agent::Agent;
use roost_domain::connection::{Missing, MissingReason, Status};
use roost_domain::integration::IntegrationName;
use roost_ports::store::Reader;
use serde_json::Value;

use super::Connections;
use crate::Error;

/// The most services that an agent is looked through for.
const MOST_NEEDED: usize = 100;

impl Connections<'_> {
    /// Returns those of these services that an agent is not connected to, in their order, each once, with why.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub fn missing(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        integrations: &[String],
    ) -> Result<Vec<Missing>, Error> {
        let mut missing: Vec<Missing> = Vec::new();
        for text in integrations.iter().take(MOST_NEEDED) {
            if missing.iter().any(|known| known.integration == *text) {
                continue;
            }
            if let Some(reason) = self.reason(reader, agent, text)? {
                missing.push(Missing { integration: text.clone(), reason });
            }
        }
        Ok(missing)
    }

    /// Returns what an agent needs and lacks.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub fn missing_of(&self, reader: &dyn Reader, agent: &Agent) -> Result<Vec<Missing>, Error> {
        self.missing(reader, agent, &needed(reader, agent)?)
    }

    fn reason(&self, reader: &dyn Reader, agent: &Agent, text: &str) -> Result<Option<MissingReason>, Error> {
        let Ok(name) = text.parse::<IntegrationName>() else { return Ok(Some(MissingReason::Unknown)) };
        if let Some(connection) = reader.connection_to(agent.id, &name)? {
            return Ok(match connection.status {
                Status::Active => None,
                Status::Expired => Some(MissingReason::Expired),
            });
        }
        let own = reader.own_integration(agent.account, &name)?;
        let Some(integration) = self.0.in_catalog(&name).or(own.as_ref()) else {
            return Ok(Some(MissingReason::Unknown));
        };
        let needs_client = integration.oauth().is_some();
        Ok(Some(if needs_client && reader.oauth_client(agent.account, &name)?.is_none() {
            MissingReason::NoClient
        } else {
            MissingReason::NotConnected
        }))
    }
}

/// Returns the services that an agent needs: those that its configuration names, and those that its workflow does, as
/// a whole or in a step.
fn needed(reader: &dyn Reader, agent: &Agent) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    gather(agent.config.get("integrations"), &mut names);
    if let Some(workflow) = reader.latest_workflow(agent.id)? {
        gather(workflow.config.get("integrations"), &mut names);
        walk(workflow.config.get("steps"), &mut names, 0);
    }
    Ok(names)
}

/// Reads a list of names, or of objects that have one.
fn gather(list: Option<&Value>, names: &mut Vec<String>) {
    for one in list.and_then(Value::as_array).into_iter().flatten() {
        let name = one.as_str().or_else(|| one.get("name").and_then(Value::as_str));
        if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
            names.push(name.to_owned());
        }
    }
}

/// Steps may have steps within them; how deep they go was bounded when the workflow was read.
fn walk(value: Option<&Value>, names: &mut Vec<String>, depth: usize) {
    let Some(value) = value.filter(|_| depth < 32) else { return };
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(Some(item), names, depth + 1)),
        Value::Object(fields) => {
            gather(fields.get("integrations"), names);
            for (name, field) in fields {
                if name != "integrations" && (field.is_array() || field.is_object()) {
                    walk(Some(field), names, depth + 1);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
