use std::collections::BTreeMap;

use roost_domain::agent::{Agent, Arming, Failure, Region, RuntimeKind, Settings, State};
use roost_domain::document::{DocumentName, MAX_BYTES, Mark};
use roost_domain::event::{Body, Journal};
use roost_domain::id::{AccountId, AgentId, SwarmId};
use roost_domain::key::Scope;
use roost_domain::machine::Size;
use roost_domain::model::ModelName;
use roost_domain::page::Limit;
use roost_domain::secret::Secret;
use roost_domain::session::{Channel, Peer, Session};
use roost_ports::store::{AgentFilter, NewVersion, Reader, Writer};

use super::{AgentView, Agents};
use crate::documents::author_of;
use crate::secrets::check_secret;
use crate::turns::{provider_secret, secret_place};
use crate::{Core, Ctx, Error, Kind};

/// An agent to be made.
pub struct CreateAgent {
    /// 1 to 100 characters.
    pub name: String,
    /// At most 2,000 characters.
    pub description: String,
    /// Without one, the usual model of the provider whose key is given, or the server's default.
    pub model: Option<ModelName>,
    /// Whose loop it runs.
    pub runtime: RuntimeKind,
    /// How big its machine is.
    pub size: Size,
    /// Which pool of hosts it lives in.
    pub region: Region,
    /// The swarm it is in.
    pub swarm: Option<SwarmId>,
    /// A picture, as a URL of at most 2,000 characters.
    pub avatar_url: Option<String>,
    /// At most 10, of 1 to 50 characters each.
    pub tags: Vec<String>,
    /// See [`Settings`] for the keys that Roost acts on.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// SOUL.md
    pub soul: Option<String>,
    /// IDENTITY.md; without one, it is written from the name.
    pub identity: Option<String>,
    /// WORKFLOW.md
    pub workflow: Option<String>,
    /// Names in lower case with underscores: `anthropic_api_key`.
    pub secrets: BTreeMap<String, Secret>,
}

impl Agents<'_> {
    /// Makes an agent and starts it; its machine starts when a tool first needs it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; its code is `unknown_model`, `model_key_missing` or `region_without_hosts`
    /// where that is what is wrong. `QuotaExceeded` if the account has as many agents as it may have. Nothing is made then.
    pub async fn create(&self, ctx: &Ctx, new: CreateAgent) -> Result<AgentView, Error> {
        Ok(self.create_with(ctx, new, |_, _| Ok(())).await?.0)
    }

    /// Makes an agent, and in the same transaction what belongs to it.
    pub(crate) async fn create_with<T: Send + 'static>(
        &self,
        ctx: &Ctx,
        new: CreateAgent,
        furnish: impl FnOnce(&mut dyn Writer, &Agent) -> Result<T, Error> + Send + 'static,
    ) -> Result<(AgentView, T), Error> {
        ctx.require(Scope::AgentsWrite)?;
        check(&new)?;
        self.0.settings.regions.check(new.region)?;
        self.0.check_runtime(new.runtime)?;
        let shared = self.shared_secrets(ctx, new.swarm).await?;
        let model = self.model_for(&new, &shared)?;
        let agent = Agent {
            id: self.0.ports.random.id::<AgentId>(ctx.now),
            account: ctx.account(),
            name: new.name.trim().to_owned(),
            description: new.description,
            model,
            size: new.size,
            region: new.region,
            swarm: new.swarm,
            avatar_url: new.avatar_url,
            tags: new.tags,
            config: new.config,
            runtime: new.runtime,
            arming: Arming::Off,
            state: new.runtime.first_state(),
            needs_restart: false,
            last_failure: None,
            created_at: ctx.now,
            started_at: Some(ctx.now),
            stopped_at: None,
        };
        let agent = self.0.settings.regions.placed(agent);
        let identity = new.identity.unwrap_or_else(|| format!("# IDENTITY.md\n\n- **Name:** {}", agent.name));
        let documents = [
            (DocumentName::Soul, new.soul),
            (DocumentName::Identity, Some(identity)),
            (DocumentName::Workflow, new.workflow),
        ];
        let sealed: Vec<_> = new
            .secrets
            .iter()
            .map(|(name, secret)| {
                let place = secret_place(&agent, name);
                (name.clone(), self.0.ports.vault.seal(agent.account, &place, secret))
            })
            .collect();
        let (core, now, author) = (self.0.clone(), ctx.now, author_of(ctx));
        let create = move |writer: &mut dyn Writer| {
            within_quota(&core, writer, &agent)?;
            check_swarm(writer, agent.account, agent.swarm)?;
            writer.insert_agent(&agent)?;
            writer.insert_session(&journal_of(&agent))?;
            for (name, content) in documents {
                if content.is_some() {
                    let mark = Mark { author: author.clone(), note: None, at: now };
                    writer.put_document(agent.id, &NewVersion { name, content, mark })?;
                }
            }
            for (name, sealed) in &sealed {
                writer.put_secret(agent.id, name, sealed, now)?;
            }
            let mut entries = vec![Body::Journal(Journal::Created)];
            // A hosted runtime has started when it is up.
            let told = !agent.runtime.is_hosted() || agent.state == State::Error;
            entries.extend(told.then(|| Body::Journal(began(&agent))));
            writer.append_events(agent.id, agent.id.journal(), now, entries)?;
            writer.refresh_documents(agent.id)?;
            let furnished = furnish(writer, &agent)?;
            Ok::<_, Error>((AgentView::read(writer, agent)?, furnished))
        };
        let made = self.0.ports.store.write(create).await?;
        self.0.provisioning.notify_one();
        Ok(made)
    }

    /// Returns the names of the secrets that an agent finds in its swarm.
    async fn shared_secrets(&self, ctx: &Ctx, swarm: Option<SwarmId>) -> Result<Vec<String>, Error> {
        let Some(swarm) = swarm else { return Ok(Vec::new()) };
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            check_swarm(reader, account, Some(swarm))?;
            Ok(reader.swarm_secret_names(swarm)?)
        };
        self.0.ports.store.read(read).await
    }

    /// `shared` are the names of the secrets that the agent finds in its swarm.
    fn model_for(&self, new: &CreateAgent, shared: &[String]) -> Result<ModelName, Error> {
        let models = &self.0.ports.models;
        let by_key = || {
            let names = new.secrets.keys().chain(shared);
            let providers = names.filter_map(|name| name.strip_suffix("_api_key"));
            providers.filter_map(|provider| models.default_model(provider)).next()
        };
        let model = new.model.clone().or_else(by_key).or_else(|| self.0.settings.default_model.clone());
        let Some(model) = model else {
            return Err(Error::new(
                Kind::InvalidInput,
                "model_key_missing",
                "secrets must hold a key for a model provider (anthropicApiKey, openaiApiKey or googleApiKey), \
                 since this server has no default model",
            ));
        };
        models.describe(&model)?;
        let key = provider_secret(model.provider());
        if models.has_own_access(&model) || new.secrets.contains_key(&key) || shared.contains(&key) {
            return Ok(model);
        }
        Err(Error::new(
            Kind::InvalidInput,
            "model_key_missing",
            format!("there is no key for {model}: give one in secrets, or start the server with one"),
        ))
    }
}

/// Checks that the account may have one more agent.
pub(crate) fn within_quota(core: &Core, reader: &dyn Reader, agent: &Agent) -> Result<(), Error> {
    let max = core.account_plan(reader, agent.account)?.limits.max_agents.unwrap_or(u64::MAX);
    let one = reader.agents(agent.account, &AgentFilter::default(), None, Limit::clamped(1, 1))?;
    if one.total >= max {
        return Err(Error::new(
            Kind::QuotaExceeded,
            "too_many_agents",
            format!("the account has {} agents and may have {max}; delete one first", one.total),
        ));
    }
    Ok(())
}

pub(crate) fn journal_of(agent: &Agent) -> Session {
    Session {
        id: agent.id.journal(),
        account: agent.account,
        agent: agent.id,
        peer: Peer::Agent,
        channel: Channel::Journal,
        name: None,
        started_at: agent.created_at,
    }
}

fn check(new: &CreateAgent) -> Result<(), Error> {
    check_name(&new.name)?;
    check_description(&new.description)?;
    check_avatar(new.avatar_url.as_deref())?;
    check_tags(&new.tags)?;
    for (field, document) in
        [("soulMd", &new.soul), ("identityMd", &new.identity), ("workflowMd", &new.workflow)]
    {
        if document.as_ref().is_some_and(|text| text.len() > MAX_BYTES) {
            return Err(Error::invalid(field, "must have at most 48,000 bytes"));
        }
    }
    new.secrets.iter().try_for_each(|(name, secret)| check_secret(name, secret))?;
    check_config(&new.config)
}

/// Returns what the journal says of an agent that has just begun, or could not.
pub(super) fn began(agent: &Agent) -> Journal {
    match &agent.last_failure {
        Some(Failure { category, message }) if agent.state == State::Error => {
            Journal::Failed { category: *category, message: message.clone() }
        }
        _ => Journal::Started,
    }
}

/// Says that an agent cannot be in a swarm that its account does not have.
pub(super) fn check_swarm(
    reader: &dyn Reader,
    account: AccountId,
    swarm: Option<SwarmId>,
) -> Result<(), Error> {
    match swarm {
        Some(id) if reader.swarm(account, id)?.is_none() => Err(Error::not_found("swarm", id)),
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    match name.trim().chars().count() {
        0 => Err(Error::invalid("name", "is required and must have 1 to 100 characters")),
        1..=100 => Ok(()),
        length => Err(Error::invalid("name", format!("has {length} characters; at most 100 are allowed"))),
    }
}

pub(super) fn check_description(description: &str) -> Result<(), Error> {
    if description.chars().count() > 2_000 {
        return Err(Error::invalid("description", "must have at most 2,000 characters"));
    }
    Ok(())
}

pub(super) fn check_avatar(url: Option<&str>) -> Result<(), Error> {
    match url {
        Some(url) if url.len() > 2_000 || !(url.starts_with("https://") || url.starts_with("http://")) => {
            Err(Error::invalid("avatarUrl", "must be an http or https URL of at most 2,000 characters"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_tags(tags: &[String]) -> Result<(), Error> {
    if tags.len() > 10 {
        return Err(Error::invalid("tags", format!("has {} entries; at most 10 are allowed", tags.len())));
    }
    match tags.iter().position(|tag| !(1..=50).contains(&tag.chars().count())) {
        Some(index) => Err(Error::invalid(&format!("tags[{index}]"), "must have 1 to 50 characters")),
        None => Ok(()),
    }
}

pub(super) fn check_config(config: &serde_json::Map<String, serde_json::Value>) -> Result<(), Error> {
    Settings::read(config)?;
    let size = config.values().map(|value| value.to_string().len()).sum::<usize>();
    if size > 100_000 {
        return Err(Error::invalid("config", format!("has {size} bytes; at most 100,000 are allowed")));
    }
    Ok(())
}
