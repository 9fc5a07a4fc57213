use roost_domain::agent::Agent;
use roost_domain::event::Journal;
use roost_domain::id::{AgentId, SwarmId};
use roost_domain::key::Scope;
use roost_domain::machine::Size;
use roost_domain::model::ModelName;
use roost_ports::store::{Reader, Writer};

use super::create::{check_avatar, check_config, check_description, check_name, check_swarm, check_tags};
use super::{AgentView, Agents, own};
use crate::turns::provider_secret;
use crate::{Core, Ctx, Error, Kind, log};

/// What to change of an agent; `None` leaves it.
#[derive(Debug, Clone, Default)]
pub struct UpdateAgent {
    /// 1 to 100 characters.
    pub name: Option<String>,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// Takes effect with the next model call.
    pub model: Option<ModelName>,
    /// Takes effect with the next restart.
    pub size: Option<Size>,
    /// `Some(None)` takes it out of its swarm. The swarm's permissions take effect with the next call, for its machine
    /// with the next restart.
    pub swarm: Option<Option<SwarmId>>,
    /// `Some(None)` removes it.
    pub avatar_url: Option<Option<String>>,
    /// Replaces all tags.
    pub tags: Option<Vec<String>>,
    /// Merged into the configuration, key by key on the first level; a null removes its key.
    pub config: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Agents<'_> {
    /// Changes an agent. What the machine was started with (size, network rules, policy profile) takes effect at
    /// the next restart; `needs_restart` tells.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field. Nothing is changed then.
    pub async fn update(&self, ctx: &Ctx, id: AgentId, change: UpdateAgent) -> Result<AgentView, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let change = self.checked(ctx, change)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let update = move |writer: &mut dyn Writer| {
            let (_, after) = change.write(&core, writer, &ctx, id)?;
            AgentView::read(writer, after)
        };
        let view = self.0.ports.store.write(update).await?;
        self.0.hub.tick(id.journal());
        Ok(view)
    }

    /// Checks what can be checked of a change before the store is asked.
    pub(crate) fn checked(&self, ctx: &Ctx, change: UpdateAgent) -> Result<CheckedUpdate, Error> {
        ctx.require(Scope::AgentsWrite)?;
        check(&change)?;
        if let Some(model) = &change.model {
            self.0.ports.models.describe(model)?;
        }
        Ok(CheckedUpdate(change))
    }
}

/// A change that is right in itself.
pub(crate) struct CheckedUpdate(UpdateAgent);

impl CheckedUpdate {
    /// Changes an agent within a transaction; returns it before and after.
    pub(crate) fn write(
        self,
        core: &Core,
        writer: &mut dyn Writer,
        ctx: &Ctx,
        id: AgentId,
    ) -> Result<(Agent, Agent), Error> {
        let change = self.0;
        let before = own(writer, ctx, id)?;
        check_swarm(writer, before.account, change.swarm.flatten())?;
        let after = change.apply(before.clone())?;
        let known = core.ports.models.has_own_access(&after.model) || has_key(writer, &after)?;
        if after.model != before.model && !known {
            return Err(Error::new(
                Kind::InvalidInput,
                "model_key_missing",
                format!(
                    "there is no key for {}: set one with PUT /v1/agents/{{id}}/secrets first, or start the server with one",
                    after.model
                ),
            ));
        }
        writer.update_agent(&after)?;
        if let Some(what) = difference(&before, &after) {
            log::journal(writer, id, ctx.now, Journal::Changed { what })?;
        }
        Ok((before, after))
    }
}

fn has_key(reader: &dyn Reader, agent: &Agent) -> Result<bool, Error> {
    let name = provider_secret(agent.model.provider());
    let shared = agent.swarm.map(|swarm| reader.swarm_secret(swarm, &name)).transpose()?.flatten();
    Ok(shared.is_some() || reader.secret_holder(agent.id, &name)?.is_some())
}

fn check(change: &UpdateAgent) -> Result<(), Error> {
    change.name.as_deref().map_or(Ok(()), check_name)?;
    change.description.as_deref().map_or(Ok(()), check_description)?;
    check_avatar(change.avatar_url.as_ref().and_then(Option::as_deref))?;
    change.tags.as_deref().map_or(Ok(()), check_tags)
}

impl UpdateAgent {
    fn apply(self, agent: Agent) -> Result<Agent, Error> {
        let mut config = agent.config.clone();
        for (key, value) in self.config.unwrap_or_default() {
            if value.is_null() {
                config.remove(&key);
            } else {
                config.insert(key, value);
            }
        }
        check_config(&config)?;
        let size = self.size.unwrap_or(agent.size);
        let machine_changes = size != agent.size
            || config.get("network") != agent.config.get("network")
            || config.get("policy") != agent.config.get("policy")
            || self.swarm.is_some_and(|swarm| swarm != agent.swarm);
        let needs_restart = agent.needs_restart || (agent.is_up() && machine_changes);
        Ok(Agent {
            name: self.name.map_or(agent.name, |name| name.trim().to_owned()),
            description: self.description.unwrap_or(agent.description),
            model: self.model.unwrap_or(agent.model),
            swarm: self.swarm.unwrap_or(agent.swarm),
            avatar_url: self.avatar_url.unwrap_or(agent.avatar_url),
            tags: self.tags.unwrap_or(agent.tags),
            needs_restart,
            size,
            config,
            ..agent
        })
    }
}

/// Names what changed, never to what.
fn difference(before: &Agent, after: &Agent) -> Option<String> {
    let changed = [
        ("name", before.name != after.name),
        ("description", before.description != after.description),
        ("model", before.model != after.model),
        ("size", before.size != after.size),
        ("swarm", before.swarm != after.swarm),
        ("avatar", before.avatar_url != after.avatar_url),
        ("tags", before.tags != after.tags),
        ("config", before.config != after.config),
    ];
    let names: Vec<_> = changed.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
