//! Secrets: set and removed, never read; bound to where an agent's requests may carry them, and given out for exactly
//! those.

use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::effect::Action;
use roost_domain::event::Journal;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_domain::secret::{Binding, METHODS, Secret};
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_ports::store::{Reader, SecretEntry, SecretUse, Turn, Writer};
use roost_ports::tool::Injections;

use crate::agents::own;
use crate::turns::{held_secret, provider_secret, secret_place};
use crate::{Core, Ctx, Error, Kind, log};

/// The use cases of agents' secrets.
pub struct Secrets<'a>(pub(crate) &'a Core);

/// The most secrets of one agent.
const MOST: usize = 100;

/// A shorter value could not be told from other text of an answer, from which it is taken out.
const SHORTEST_BOUND: usize = 8;

/// What to change of an agent's secrets.
pub struct PutSecrets {
    /// By name: lower-case letters, digits and underscores.
    pub set: BTreeMap<String, Secret>,
    /// The names of those to remove; a name that is none is passed over.
    pub delete: Vec<String>,
}

/// What changing secrets came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretsChanged {
    /// Whether anything was set or removed.
    pub updated: bool,
    /// Whether something waits for the agent's next restart.
    pub needs_restart: bool,
    /// Whose key the agent's model calls use now.
    pub model_key: ModelKey,
}

/// Whose key an agent's model calls use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKey {
    /// Its own.
    Own,
    /// Its swarm's.
    Swarm,
    /// The server's, or none is needed.
    Server,
    /// There is none, so it cannot answer.
    Missing,
}

impl ModelKey {
    /// Returns its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Swarm => "swarm",
            Self::Server => "server",
            Self::Missing => "missing",
        }
    }
}

impl Secrets<'_> {
    /// Sets and removes secrets, all of it or nothing. A new value keeps the binding that the secret has. Model calls
    /// use a new key from the next one on.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field; `QuotaExceeded` with the code `too_many_secrets`.
    pub async fn put(&self, ctx: &Ctx, id: AgentId, put: PutSecrets) -> Result<SecretsChanged, Error> {
        ctx.require(Scope::AgentsWrite)?;
        check(&put)?;
        let (core, caller) = (self.0.clone(), ctx.clone());
        let change = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, id)?;
            let mut changed = Vec::new();
            for name in put.delete {
                if writer.delete_secret(id, &name)? {
                    changed.push(name);
                }
            }
            for (name, secret) in put.set {
                let sealed = core.ports.vault.seal(agent.account, &secret_place(&agent, &name), &secret);
                writer.put_secret(id, &name, &sealed, caller.now)?;
                changed.push(name);
            }
            if writer.secret_names(id)?.len() > MOST {
                let message = format!("an agent may have {MOST} secrets; remove some");
                return Err(Error::new(Kind::QuotaExceeded, "too_many_secrets", message));
            }
            let agent = if changed.is_empty() { agent } else { agent.changed() };
            if !changed.is_empty() {
                writer.update_agent(&agent)?;
                let what = format!("secrets ({})", changed.join(", "));
                log::journal(writer, id, caller.now, Journal::Changed { what })?;
            }
            let model_key = core.model_key(writer, &agent)?;
            let (updated, needs_restart) = (!changed.is_empty(), agent.needs_restart);
            Ok::<_, Error>(SecretsChanged { updated, needs_restart, model_key })
        };
        let changed = self.0.ports.store.write(change).await?;
        self.0.hub.tick(id.journal());
        Ok(changed)
    }

    /// Returns what may be known of an agent's secrets, by name: never their values.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn list(&self, ctx: &Ctx, id: AgentId) -> Result<Vec<SecretEntry>, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, id)?;
            Ok(reader.secret_entries(id)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Binds a secret to where the agent's requests may carry it, or takes its binding away. Takes effect at once.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the secret; `InvalidInput` names the field.
    pub async fn bind(
        &self,
        ctx: &Ctx,
        id: AgentId,
        name: String,
        binding: Option<Binding>,
    ) -> Result<(), Error> {
        ctx.require(Scope::AgentsWrite)?;
        let binding = binding.map(checked).transpose()?;
        let (core, caller) = (self.0.clone(), ctx.clone());
        let bind = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, id)?;
            let Some(sealed) = writer.secret(id, &name)? else {
                return Err(Error::not_found("secret", name));
            };
            let place = secret_place(&agent, &name);
            if binding.is_some()
                && core.ports.vault.open(agent.account, &place, &sealed)?.expose().len() < SHORTEST_BOUND
            {
                let problem = format!("has fewer than {SHORTEST_BOUND} characters and cannot be bound");
                return Err(Error::invalid("secret", problem));
            }
            writer.bind_secret(id, &name, binding.as_ref())?;
            let what = match &binding {
                Some(binding) => format!("secret {name}, bound to {binding}"),
                None => format!("secret {name}, bound to nothing"),
            };
            log::journal(writer, id, caller.now, Journal::Changed { what })
        };
        self.0.ports.store.write(bind).await?;
        self.0.hub.tick(id.journal());
        Ok(())
    }

    /// Returns the uses of a secret, the latest first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, or for a secret that neither is there nor was ever used.
    pub async fn uses(
        &self,
        ctx: &Ctx,
        id: AgentId,
        name: String,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<SecretUse, u64>, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, id)?;
            let page = reader.secret_uses(id, &name, before, limit)?;
            if page.total == 0 && reader.secret_holder(id, &name)?.is_none() {
                return Err(Error::not_found("secret", name));
            }
            Ok(page)
        };
        self.0.ports.store.read(read).await
    }
}

fn check(put: &PutSecrets) -> Result<(), Error> {
    for (name, secret) in &put.set {
        check_secret(name, secret)?;
        if put.delete.contains(name) {
            return Err(Error::invalid("deleteSecrets", format!("names {name}, which secrets sets")));
        }
    }
    if put.delete.len() > MOST {
        return Err(Error::invalid("deleteSecrets", format!("must have at most {MOST} names")));
    }
    Ok(())
}

/// Checks that a value can be that of a secret.
pub(crate) fn check_secret(name: &str, secret: &Secret) -> Result<(), Error> {
    if secret.expose().trim().is_empty() || secret.expose().chars().count() > 10_000 {
        return Err(Error::invalid(&format!("secrets.{name}"), "must have 1 to 10,000 characters"));
    }
    Ok(())
}

fn checked(binding: Binding) -> Result<Binding, Error> {
    if !(1..=20).contains(&binding.hosts.len()) {
        return Err(Error::invalid("hosts", "must name 1 to 20 hosts"));
    }
    if binding.hosts.iter().any(|rule| rule.to_string().split(':').next() == Some("*")) {
        return Err(Error::invalid("hosts", "must name hosts, not every host"));
    }
    match binding.methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
        Some(method) => {
            let problem = format!("has {method:?}; use {}", METHODS.join(", "));
            Err(Error::invalid("methods", problem))
        }
        None if binding.methods.is_empty() => Err(Error::invalid("methods", "must name at least one method")),
        None => Ok(binding),
    }
}

impl Core {
    /// Tells whose key an agent's model calls use.
    pub(crate) fn model_key(&self, reader: &dyn Reader, agent: &Agent) -> Result<ModelKey, Error> {
        let name = provider_secret(agent.model.provider());
        if reader.secret_holder(agent.id, &name)?.is_some() {
            return Ok(ModelKey::Own);
        }
        if let Some(swarm) = agent.swarm
            && reader.swarm_secret(swarm, &name)?.is_some()
        {
            return Ok(ModelKey::Swarm);
        }
        let servers = self.ports.models.has_own_access(&agent.model);
        Ok(if servers { ModelKey::Server } else { ModelKey::Missing })
    }

    /// Gives out the secrets that a call has placeholders of, for exactly the request that it makes; or says in a
    /// sentence for the model why not. Read in the transaction that decides about the call.
    pub(crate) fn give_out(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        call: &ToolCall,
        action: &Action,
    ) -> Result<Result<Injections, String>, Error> {
        let names = self.ports.tools.secrets(call);
        let Action::SendHttp { method, url, host, port, carries: _ } = action else {
            return Ok(Ok(Injections::default()));
        };
        if names.is_empty() {
            return Ok(Ok(Injections::default()));
        }
        let entries = reader.secret_entries(agent.id)?;
        let mut values = Vec::new();
        for name in names {
            let bound = entries.iter().find(|entry| entry.name == name);
            let Some(binding) = bound.and_then(|entry| entry.binding.as_ref()) else {
                return Ok(Err(format!("there is no secret {name} that requests may carry")));
            };
            if !binding.permits(url, host, *port, method) {
                return Ok(Err(format!(
                    "the secret {name} may be carried by {binding}, over https, and not by {method} {host}:{port}"
                )));
            }
            let Some((place, sealed)) = held_secret(reader, agent.id, &name)? else { continue };
            match self.ports.vault.open(agent.account, &place, &sealed) {
                Ok(value) if value.expose().len() >= SHORTEST_BOUND => values.push((name, value)),
                Ok(_) => return Ok(Err(format!("the secret {name} is too short to be carried"))),
                Err(error) => {
                    tracing::error!(agent = %agent.id, %error, "a secret cannot be read");
                    return Ok(Err(format!("the secret {name} cannot be read; it has to be set again")));
                }
            }
        }
        Ok(Ok(Injections::new(host.clone(), *port, method.clone(), values)))
    }
}

/// Takes note of the secrets that a request is about to carry, in the transaction that writes its intent.
pub(crate) fn note_uses(
    writer: &mut dyn Writer,
    turn: &Turn,
    call: &ToolCallId,
    action: &Action,
    secrets: &Injections,
    now: Timestamp,
) -> Result<(), Error> {
    let Action::SendHttp { method, host, port, .. } = action else { return Ok(()) };
    for (name, _) in secrets.values() {
        let used = SecretUse {
            host: format!("{host}:{port}"),
            method: method.clone(),
            status: None,
            session: turn.session,
            turn: turn.id,
            call: call.clone(),
            at: now,
        };
        writer.insert_secret_use(turn.agent, name, &used)?;
    }
    Ok(())
}
