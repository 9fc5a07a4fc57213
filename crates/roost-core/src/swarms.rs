//! Swarms: groups of agents that share knowledge, memory and permissions.

use std::collections::BTreeMap;

use roost_domain::agent::Agent;
use roost_domain::id::SwarmId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::plan::Feature;
use roost_domain::secret::Secret;
use roost_domain::swarm::{Swarm, slug};
use roost_ports::store::{AgentFilter, Reader, Writer};

use crate::{Core, Ctx, Error, Kind, accounts};

/// The use cases of swarms.
pub struct Swarms<'a>(pub(crate) &'a Core);

/// How many swarms an account may have.
const MOST: usize = 1_000;

/// How many secrets a swarm may have.
const MOST_SECRETS: usize = 100;

/// A swarm to be made.
#[derive(Debug, Clone)]
pub struct CreateSwarm {
    /// 1 to 100 characters.
    pub name: String,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// At most 100 characters.
    pub icon: Option<String>,
}

/// What to change of a swarm; `None` leaves it, `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct UpdateSwarm {
    /// 1 to 100 characters. The slug stays.
    pub name: Option<String>,
    /// At most 2,000 characters.
    pub description: Option<Option<String>>,
    /// At most 100 characters.
    pub icon: Option<Option<String>>,
}

/// A swarm with how many agents are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmView {
    /// The swarm.
    pub swarm: Swarm,
    /// Its agents.
    pub agents: u64,
}

/// A swarm with its agents, newest first, at most 1,000 of them.
#[derive(Debug, Clone, PartialEq)]
pub struct SwarmDetails {
    /// The swarm.
    pub view: SwarmView,
    /// Its agents.
    pub agents: Vec<Agent>,
    /// The names of its secrets, sorted.
    pub secrets: Vec<String>,
}

impl Swarms<'_> {
    /// Makes a swarm.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `QuotaExceeded` with the code `too_many_swarms`; `Forbidden` with the code
    /// `plan_feature_missing` if the account's plan has no swarms.
    pub async fn create(&self, ctx: &Ctx, new: CreateSwarm) -> Result<SwarmView, Error> {
        ctx.require(Scope::SwarmsWrite)?;
        check_name(&new.name)?;
        check_description(new.description.as_deref())?;
        check_icon(new.icon.as_deref())?;
        let swarm = Swarm {
            id: self.0.ports.random.id::<SwarmId>(ctx.now),
            account: ctx.account(),
            slug: String::new(),
            name: new.name.trim().to_owned(),
            description: new.description,
            icon: new.icon,
            created_at: ctx.now,
            updated_at: ctx.now,
        };
        let core = self.0.clone();
        let create = move |writer: &mut dyn Writer| {
            accounts::require(&core.account_plan(writer, swarm.account)?, Feature::Swarms)?;
            if writer.swarms(swarm.account)?.len() >= MOST {
                let message = format!("the account has {MOST} swarms, as many as it may; delete one");
                return Err(Error::new(Kind::QuotaExceeded, "too_many_swarms", message));
            }
            let swarm = Swarm { slug: free_slug(writer, &swarm)?, ..swarm };
            writer.insert_swarm(&swarm)?;
            Ok(SwarmView { swarm, agents: 0 })
        };
        self.0.ports.store.write(create).await
    }

    /// Returns the account's swarms, newest first, all of them.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<SwarmView>, Error> {
        ctx.require(Scope::SwarmsRead)?;
        let account = ctx.account();
        let view = |(swarm, agents)| SwarmView { swarm, agents };
        let read = move |reader: &dyn Reader| {
            Ok::<_, Error>(reader.swarms(account)?.into_iter().map(view).collect())
        };
        self.0.ports.store.read(read).await
    }

    /// Returns one swarm with its agents.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, ctx: &Ctx, id: SwarmId) -> Result<SwarmDetails, Error> {
        ctx.require(Scope::SwarmsRead)?;
        let ctx = ctx.clone();
        self.0.ports.store.read(move |reader: &dyn Reader| details(reader, own(reader, &ctx, id)?)).await
    }

    /// Changes a swarm.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field. Nothing is changed then.
    pub async fn update(&self, ctx: &Ctx, id: SwarmId, change: UpdateSwarm) -> Result<SwarmView, Error> {
        ctx.require(Scope::SwarmsWrite)?;
        change.name.as_deref().map_or(Ok(()), check_name)?;
        check_description(change.description.as_ref().and_then(Option::as_deref))?;
        check_icon(change.icon.as_ref().and_then(Option::as_deref))?;
        let ctx = ctx.clone();
        let update = move |writer: &mut dyn Writer| {
            let before = own(writer, &ctx, id)?;
            let swarm = Swarm {
                name: change.name.map_or(before.name, |name| name.trim().to_owned()),
                description: change.description.unwrap_or(before.description),
                icon: change.icon.unwrap_or(before.icon),
                updated_at: ctx.now,
                ..before
            };
            writer.update_swarm(&swarm)?;
            Ok(details(writer, swarm)?.view)
        };
        self.0.ports.store.write(update).await
    }

    /// Deletes a swarm with its secrets. Its agents stay and are in no swarm.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn delete(&self, ctx: &Ctx, id: SwarmId) -> Result<(), Error> {
        ctx.require(Scope::SwarmsWrite)?;
        let ctx = ctx.clone();
        let delete = move |writer: &mut dyn Writer| {
            own(writer, &ctx, id)?;
            writer.delete_swarm(ctx.account(), id)?;
            Ok(())
        };
        self.0.ports.store.write(delete).await
    }

    /// Sets and removes secrets that the agents of a swarm share: keys for models, which an agent uses that has none of
    /// its own. Returns the names there are then.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field. Nothing is changed then.
    pub async fn put_secrets(
        &self,
        ctx: &Ctx,
        id: SwarmId,
        set: BTreeMap<String, Secret>,
        delete: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        ctx.require(Scope::SwarmsWrite)?;
        for (name, secret) in &set {
            if secret.expose().trim().is_empty() || secret.expose().len() > 10_000 {
                return Err(Error::invalid(&format!("secrets.{name}"), "must have 1 to 10,000 characters"));
            }
            if delete.contains(name) {
                return Err(Error::invalid(&format!("secrets.{name}"), "is also in deleteSecrets"));
            }
        }
        let seal = |(name, secret): (&String, &Secret)| {
            let sealed = self.0.ports.vault.seal(ctx.account(), &secret_place(id, name), secret);
            (name.clone(), sealed)
        };
        let sealed: Vec<_> = set.iter().map(seal).collect();
        let ctx = ctx.clone();
        let put = move |writer: &mut dyn Writer| {
            own(writer, &ctx, id)?;
            for name in &delete {
                writer.delete_swarm_secret(id, name)?;
            }
            for (name, sealed) in &sealed {
                writer.put_swarm_secret(id, name, sealed, ctx.now)?;
            }
            let names = writer.swarm_secret_names(id)?;
            if names.len() > MOST_SECRETS {
                return Err(Error::invalid("secrets", format!("a swarm has at most {MOST_SECRETS} secrets")));
            }
            Ok(names)
        };
        self.0.ports.store.write(put).await
    }
}

/// Returns where a secret of a swarm stands, to which its ciphertext is bound.
pub(crate) fn secret_place(swarm: SwarmId, name: &str) -> String {
    format!("swarm/{swarm}/{name}")
}

fn own(reader: &dyn Reader, ctx: &Ctx, id: SwarmId) -> Result<Swarm, Error> {
    reader.swarm(ctx.account(), id)?.ok_or_else(|| Error::not_found("swarm", id))
}

fn details(reader: &dyn Reader, swarm: Swarm) -> Result<SwarmDetails, Error> {
    let filter = AgentFilter { swarm: Some(swarm.id), ..AgentFilter::default() };
    let agents = reader.agents(swarm.account, &filter, None, Limit::clamped(1_000, 1_000))?;
    let secrets = reader.swarm_secret_names(swarm.id)?;
    Ok(SwarmDetails { view: SwarmView { swarm, agents: agents.total }, agents: agents.rows, secrets })
}

fn free_slug(reader: &dyn Reader, swarm: &Swarm) -> Result<String, Error> {
    // One more than there can be swarms, so one of them is free.
    let attempts = u32::try_from(MOST).unwrap_or(u32::MAX) + 1;
    for attempt in 1..=attempts {
        let slug = slug(&swarm.name, attempt);
        if reader.swarm_by_slug(swarm.account, &slug)?.is_none() {
            return Ok(slug);
        }
    }
    Err(Error::invalid("name", "has been given to too many swarms"))
}

fn check_name(name: &str) -> Result<(), Error> {
    match name.trim().chars().count() {
        0 => Err(Error::invalid("name", "is required and must have 1 to 100 characters")),
        1..=100 => Ok(()),
        length => Err(Error::invalid("name", format!("has {length} characters; at most 100 are allowed"))),
    }
}

fn check_description(description: Option<&str>) -> Result<(), Error> {
    match description.map_or(0, |text| text.chars().count()) {
        0..=2_000 => Ok(()),
        _ => Err(Error::invalid("description", "must have at most 2,000 characters")),
    }
}

fn check_icon(icon: Option<&str>) -> Result<(), Error> {
    match icon.map_or(0, |text| text.chars().count()) {
        0..=100 => Ok(()),
        _ => Err(Error::invalid("icon", "must have at most 100 characters")),
    }
}
