use jiff::SignedDuration;
use roost_domain::agent::Agent;
use roost_domain::id::{AgentId, RunId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::run::Status;
use roost_domain::secret::Secret;
use roost_domain::trigger::{Fire, Outcome, Standing};
use roost_domain::workflow::TriggerKind;
use roost_ports::store::{Reader, TriggerSecrets, Writer};
use serde_json::{Map, Value, json};

use super::{Firing, Triggers, begin, event_of_time, hindrance, is_armed, ready, secret, status_of};
use crate::agents::own;
use crate::{Core, Ctx, Error, Kind};

/// How long the secret before is taken too, so that senders can change theirs in the meantime.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// How many fires a view shows.
const FIRES: Limit = Limit::clamped(20, 20);

/// A trigger as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerView {
    /// How it stands.
    pub standing: Standing,
    /// Whether it fires: its agent is armed and up.
    pub is_armed: bool,
    /// Where messages for it are posted to, as a path of this server: `/hooks/…`. Whoever knows it can, where nothing has
    /// to be signed, begin runs.
    pub path: Option<String>,
    /// How the run stands that it last began.
    pub last_status: Option<Status>,
    /// The last times that it fired by the clock, or should have, newest first, at most 20.
    pub fires: Vec<Fire>,
}

/// The URL of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerUrl {
    /// Whose trigger.
    pub agent: AgentId,
    /// What it is called.
    pub trigger: String,
    /// Where messages for it are posted to. Whoever knows it can, where nothing has to be signed, begin runs.
    pub url: String,
}

/// What to change of how a trigger is reached.
pub struct RotateTrigger {
    /// Whether it gets another URL. The one before leads nowhere from then on.
    pub url: bool,
    /// What messages are signed with. The secret before is taken for 24 hours more.
    pub secret: NewSecret,
}

/// What messages to a trigger are signed with from now on.
pub enum NewSecret {
    /// What they were.
    Keep,
    /// A secret that is made now.
    Make,
    /// One that the sender has made: 8 to 200 visible ASCII characters.
    Given(Secret),
}

impl Triggers<'_> {
    /// Returns the triggers of an agent by name, all of them.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn list(&self, ctx: &Ctx, agent: AgentId) -> Result<Vec<TriggerView>, Error> {
        ctx.require(Scope::Schedules)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let read = move |reader: &dyn Reader| {
            let agent = own(reader, &ctx, agent)?;
            let triggers = reader.triggers_of(agent.account, agent.id)?;
            triggers.into_iter().map(|standing| view(&core, reader, &agent, standing)).collect()
        };
        self.0.ports.store.read(read).await
    }

    /// Returns the URLs of the triggers of some agents, by agent and name; none for a caller that may see no triggers.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn urls(&self, ctx: &Ctx, agents: &[AgentId]) -> Result<Vec<TriggerUrl>, Error> {
        if ctx.require(Scope::Schedules).is_err() {
            return Ok(Vec::new());
        }
        let (core, caller, agents) = (self.0.clone(), ctx.clone(), agents.to_vec());
        let read = move |reader: &dyn Reader| {
            let mut urls = Vec::new();
            for agent in agents {
                for standing in reader.triggers_of(caller.account(), agent)? {
                    let Some(path) = path(&core, reader, &standing)? else { continue };
                    let url = format!("{}{path}", core.settings.public_url.trim_end_matches('/'));
                    urls.push(TriggerUrl { agent, trigger: standing.trigger.name, url });
                }
            }
            Ok::<_, Error>(urls)
        };
        self.0.ports.store.read(read).await
    }

    /// Gives a trigger another URL, another secret or both, and returns it with its new secret, which nobody will see
    /// again.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the trigger; `InvalidState` with the code `trigger_has_no_url`; `InvalidInput` names
    /// the field.
    pub async fn rotate(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        name: String,
        rotate: RotateTrigger,
    ) -> Result<(TriggerView, Option<Secret>), Error> {
        ctx.require(Scope::Schedules)?;
        let given = match rotate.secret {
            NewSecret::Keep if !rotate.url => {
                return Err(Error::invalid("the request", "must ask for another url or another secret"));
            }
            NewSecret::Keep => None,
            NewSecret::Make => Some(secret::new_secret(self.0)),
            NewSecret::Given(given) => {
                secret::check(&given)?;
                Some(given)
            }
        };
        let token = rotate.url.then(|| secret::new_token(self.0));
        let (core, caller, new) = (self.0.clone(), ctx.clone(), given.clone());
        let change = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, agent)?;
            let standing = named(writer, &agent, &name)?;
            let Some(mut secrets) = writer.trigger_secrets(standing.id)? else {
                let message = format!("the trigger {name} is no webhook and has no URL");
                return Err(Error::new(Kind::InvalidState, "trigger_has_no_url", message));
            };
            if let Some(new) = new {
                let place = secret::secret_place(standing.id);
                if core.ports.vault.open(standing.account, &place, &secrets.secret)?.expose() != new.expose()
                {
                    // Signatures made with the secret before are good for nothing once that is not taken any more.
                    writer.release_messages(standing.id, caller.now + OVERLAP)?;
                }
                let before = (secrets.secret, caller.now + OVERLAP);
                let sealed = core.ports.vault.seal(standing.account, &place, &new);
                secrets = TriggerSecrets { secret: sealed, before: Some(before), ..secrets };
            }
            if let Some(token) = token {
                let place = secret::token_place(standing.id);
                secrets.token_hash = core.ports.vault.key_hash(&token);
                secrets.token = core.ports.vault.seal(standing.account, &place, &token);
            }
            writer.put_trigger_secrets(standing.id, Some(&secrets))?;
            view(&core, writer, &agent, standing)
        };
        Ok((self.0.ports.store.write(change).await?, given))
    }

    /// Makes a trigger fire now, for a try: also where the agent is not armed. `event` is laid over the event that the
    /// trigger would have.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the trigger; `InvalidState` with the code `agent_not_running`; `Conflict` with the
    /// code `run_under_way` if the one before has to be over first; whatever beginning a run comes to.
    pub async fn fire_now(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        name: String,
        event: Map<String, Value>,
    ) -> Result<RunId, Error> {
        ctx.require(Scope::Schedules)?;
        let (caller, called) = (ctx.clone(), name.clone());
        let look = move |reader: &dyn Reader| named(reader, &own(reader, &caller, agent)?, &called);
        let standing = self.0.ports.store.read(look).await?;
        let mut whole = sample(&standing, ctx);
        whole.extend(event);
        let ready = ready(self.0, &standing, Value::Object(whole)).await;
        let (core, caller) = (self.0.clone(), ctx.clone());
        let fire = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, agent)?;
            let mut standing = named(writer, &agent, &name)?;
            if let Some(problem) = hindrance(&agent) {
                return Err(Error::new(Kind::InvalidState, "agent_not_running", problem.message));
            }
            if let Some(run) = standing.running {
                let message =
                    format!("the run {run} has to be over before the trigger {name} begins another");
                return Err(Error::new(Kind::Conflict, "run_under_way", message));
            }
            let now = caller.now;
            let firing = Firing { ready: ready?, by: Some(caller.who().to_owned()), now };
            let run = begin(&core, writer, &agent, &standing, firing)?;
            standing.note(Fire { due_at: now, at: now, outcome: Outcome::Begun(run) });
            if matches!(standing.trigger.kind, TriggerKind::Continuous { .. }) {
                standing.running = Some(run);
                standing.next_at = None;
            }
            writer.update_trigger(&standing)?;
            Ok(run)
        };
        let run = self.0.ports.store.write(fire).await?;
        self.0.run_went_on(run);
        Ok(run)
    }
}

/// Returns the event of a trigger that fires for a try.
fn sample(standing: &Standing, ctx: &Ctx) -> Map<String, Value> {
    let event = match &standing.trigger.kind {
        TriggerKind::Webhook { .. } => json!({
            "type": "webhook",
            "trigger": standing.trigger.name,
            "method": "POST",
            "query": {},
            "headers": {},
            "body": null,
        }),
        TriggerKind::Manual
        | TriggerKind::Cron { .. }
        | TriggerKind::Integration { .. }
        | TriggerKind::Continuous { .. } => event_of_time(standing, ctx.now, ctx.now),
    };
    event.as_object().cloned().unwrap_or_default()
}

fn named(reader: &dyn Reader, agent: &Agent, name: &str) -> Result<Standing, Error> {
    reader.trigger_named(agent.id, name)?.ok_or_else(|| Error::not_found("trigger", name))
}

fn view(core: &Core, reader: &dyn Reader, agent: &Agent, standing: Standing) -> Result<TriggerView, Error> {
    let path = path(core, reader, &standing)?;
    let last_status = match standing.last.as_ref().map(|last| &last.outcome) {
        Some(Outcome::Begun(run)) => status_of(reader, *run)?,
        Some(Outcome::NotBegun(_)) | None => None,
    };
    let is_armed = is_armed(agent) && hindrance(agent).is_none();
    let fires = reader.trigger_fires(standing.id, FIRES)?;
    Ok(TriggerView { is_armed, path, last_status, fires, standing })
}

/// Returns where messages for a trigger are posted to, as a path of this server, if it has a URL.
fn path(core: &Core, reader: &dyn Reader, standing: &Standing) -> Result<Option<String>, Error> {
    let secrets = reader.trigger_secrets(standing.id)?;
    let place = secret::token_place(standing.id);
    let open = |secrets: TriggerSecrets| core.ports.vault.open(standing.account, &place, &secrets.token);
    Ok(secrets.map(open).transpose()?.map(|token| format!("/hooks/{}", token.expose())))
}
