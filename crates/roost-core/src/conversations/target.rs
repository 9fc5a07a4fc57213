//! Whom a model's name means.

use roost_domain::agent::Agent;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::model::ModelName;
use roost_domain::page::Limit;
use roost_ports::store::Reader;

use crate::{Core, Error, Kind};

/// What an agent's name as a model begins with.
pub(super) const AGENT: &str = "agent:";

/// What a name means.
pub(crate) enum Target {
    /// An agent, by its id or its name.
    Agent(String),
    /// A model.
    Model(ModelName),
}

impl Target {
    /// Reads a name. A model's name without its provider means the one that is listed by that name, so that programs
    /// which know one provider only work as they are.
    pub(crate) fn read(core: &Core, text: &str) -> Result<Self, Error> {
        if let Some(agent) = text.strip_prefix(AGENT) {
            return match agent.trim() {
                "" => Err(Error::invalid("model", "must name an agent after \"agent:\"")),
                agent => Ok(Self::Agent(agent.to_owned())),
            };
        }
        if text.contains('/') {
            return text.parse().map(Self::Model).map_err(|_| unknown(text));
        }
        let listed = core.ports.models.listed().into_iter().filter(|name| name.model() == text);
        match listed.collect::<Vec<_>>().as_slice() {
            [one] => Ok(Self::Model(one.clone())),
            _ => Err(unknown(text)),
        }
    }
}

/// Says that a name means nothing here.
pub(super) fn unknown(text: &str) -> Error {
    let text: String = text.chars().take(100).collect();
    let message = format!(
        "there is no model {text:?}; write agent:<id or name> for an agent or provider/model for a model. GET \
         /v1/models lists what there is"
    );
    Error::new(Kind::NotFound, "model_not_found", message)
}

/// Finds an agent of the account by its id, or by its name where one alone has it.
pub(crate) fn find(reader: &dyn Reader, account: AccountId, named: &str) -> Result<Agent, Error> {
    let unknown = || unknown(&format!("{AGENT}{named}"));
    if let Ok(id) = named.parse::<AgentId>() {
        return reader.agent(account, id)?.ok_or_else(unknown);
    }
    // No agent has a longer name.
    if named.chars().count() > 100 {
        return Err(unknown());
    }
    let mut found = reader.agents_named(account, named, Limit::clamped(2, 2))?;
    match found.len() {
        0 => Err(unknown()),
        1 => found.pop().ok_or_else(unknown),
        _ => {
            let ids: Vec<String> = found.iter().map(|agent| format!("{AGENT}{}", agent.id)).collect();
            let message = format!("more than one agent has this name; write one of {}", ids.join(", "));
            Err(Error::invalid("model", message))
        }
    }
}
