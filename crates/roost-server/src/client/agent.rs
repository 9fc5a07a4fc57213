//! Which agent a command means.

use anyhow::bail;
use reqwest::StatusCode;
use roost_domain::id::AgentId;
use serde_json::Value;

use super::{Client, ClientError};

/// How many agents a message names.
const SHOWN: usize = 10;

/// An agent, as the commands name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Client {
    /// Returns the agent that a person named by id or name, or the usual one where nobody did.
    ///
    /// # Errors
    ///
    /// If there is none of that name, several, or none at all.
    pub(crate) async fn agent(&self, named: Option<&str>) -> anyhow::Result<Agent> {
        let Some(named) = named else { return self.usual().await };
        match self.agent_in(named).await? {
            Some(agent) => Ok(agent),
            None => bail!("there is no agent {named:?}; {}", known(&self.some_agents().await?)),
        }
    }

    /// Returns the agent that a word names, if it names one.
    ///
    /// # Errors
    ///
    /// If it names several, or the server does not answer.
    pub(crate) async fn agent_in(&self, word: &str) -> anyhow::Result<Option<Agent>> {
        if let Some(agent) = self.with_id(word).await? {
            return Ok(Some(agent));
        }
        // What has line breaks or is longer than any name is a message.
        if word.chars().count() > 100 || word.contains('\n') {
            return Ok(None);
        }
        let found = self.list(&["agents"], &[("name", word)]).await?;
        choose(&found.iter().filter_map(read).collect::<Vec<_>>(), word)
    }

    /// Returns whom a policy or permissions are about: an agent that is hosted here, by id or name, or whatever else
    /// the word names, such as an agent that runs elsewhere, `account` or `swarm:SLUG`.
    ///
    /// # Errors
    ///
    /// If it names several, or the server does not answer.
    pub(crate) async fn subject(&self, named: Option<&str>) -> anyhow::Result<Agent> {
        let Some(named) = named else { return self.usual().await };
        let as_it_is = Agent { id: named.to_owned(), name: named.to_owned() };
        if named == "account" || named.starts_with("swarm:") {
            return Ok(as_it_is);
        }
        match self.agent_in(named).await {
            Ok(agent) => Ok(agent.unwrap_or(as_it_is)),
            // A key for policies alone cannot see the agents.
            Err(error)
                if matches!(
                    error.downcast_ref(),
                    Some(ClientError::Refused { status: StatusCode::FORBIDDEN, .. })
                ) =>
            {
                Ok(as_it_is)
            }
            Err(error) => Err(error),
        }
    }

    async fn usual(&self) -> anyhow::Result<Agent> {
        if let Some(id) = &self.usual_agent
            && let Some(agent) = self.with_id(id).await?
        {
            return Ok(agent);
        }
        let mut agents = self.some_agents().await?;
        match agents.len() {
            0 => bail!("there is no agent yet; make one with `roost agents create --name NAME`"),
            1 => Ok(agents.remove(0)),
            _ => bail!("there are several agents, so name one; {}", known(&agents)),
        }
    }

    async fn with_id(&self, id: &str) -> Result<Option<Agent>, ClientError> {
        if id.parse::<AgentId>().is_err() {
            return Ok(None);
        }
        match self.get(&["agents", id], &[]).await {
            Ok(answer) => Ok(read(&answer["data"])),
            Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the newest agents: enough to tell a person what there is.
    async fn some_agents(&self) -> Result<Vec<Agent>, ClientError> {
        let limit = (SHOWN + 1).to_string();
        let answer = self.get(&["agents"], &[("limit", &limit)]).await?;
        let agents = answer["data"].as_array().ok_or_else(|| self.nonsense("its list of agents is none"))?;
        Ok(agents.iter().filter_map(read).collect())
    }
}

fn read(value: &Value) -> Option<Agent> {
    Some(Agent { id: value["id"].as_str()?.to_owned(), name: value["name"].as_str()?.to_owned() })
}

/// Picks by id, then by name, then by name in any case.
fn choose(agents: &[Agent], named: &str) -> anyhow::Result<Option<Agent>> {
    if let Some(agent) = agents.iter().find(|agent| agent.id == named) {
        return Ok(Some(agent.clone()));
    }
    let exact: Vec<_> = agents.iter().filter(|agent| agent.name == named).collect();
    let lower = named.to_lowercase();
    let found = if exact.is_empty() {
        agents.iter().filter(|agent| agent.name.to_lowercase() == lower).collect()
    } else {
        exact
    };
    match found[..] {
        [] => Ok(None),
        [agent] => Ok(Some(agent.clone())),
        _ => {
            let ids: Vec<_> = found.iter().map(|agent| agent.id.as_str()).collect();
            bail!("several agents are called {named:?}; name one by its id: {}", ids.join(", "))
        }
    }
}

fn known(agents: &[Agent]) -> String {
    let names: Vec<_> = agents.iter().take(SHOWN).map(|agent| crate::output::one_line(&agent.name)).collect();
    let more = if agents.len() > SHOWN { ", …" } else { "" };
    match names[..] {
        [] => "there are none yet: make one with `roost agents create --name NAME`".to_owned(),
        _ => format!("there are: {}{more} (roost agents list)", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(id: &str, name: &str) -> Agent {
        Agent { id: id.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn an_agent_is_found_by_id_then_name_then_name_in_any_case() {
        let agents = [agent("1", "Robin"), agent("2", "robin"), agent("3", "Wren"), agent("4", "1")];
        let id = |named: &str| choose(&agents, named).expect("one or none").map(|agent| agent.id);
        assert_eq!(id("1").as_deref(), Some("1"), "an id wins over a name");
        assert_eq!(id("robin").as_deref(), Some("2"));
        assert_eq!(id("WREN").as_deref(), Some("3"));
        assert_eq!(id("hello"), None);
        let error = choose(&agents, "ROBIN").expect_err("two of them").to_string();
        assert!(error.contains("1, 2"), "{error}");
    }
}
