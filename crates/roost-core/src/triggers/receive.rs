//! Messages from outside come in at a trigger's URL.

use jiff::Timestamp;
use roost_domain::id::{RunId, TriggerId};
use roost_domain::secret::Secret;
use roost_domain::trigger::{Fire, Outcome, Standing};
use roost_domain::workflow::TriggerKind;
use roost_ports::store::{MessageHash, Reader, TriggerSecrets, Writer};
use serde_json::Value;

use super::event::{Challenge, challenge, event};
use super::signature::{Names, unsigned_names, verify};
use super::waited::is_waited_for;
use super::{Firing, HookRequest, Ready, Triggers, begin, hindrance, is_armed, problem, ready, secret};
use crate::{Core, Error, Kind};

/// What a message came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A run began.
    Begun(RunId),
    /// It has come before, and began this run then.
    Repeated(RunId),
    /// It tells of something else than the trigger waits for, so nothing began.
    Ignored,
    /// It asks whether somebody is there.
    Question(Challenge),
}

/// A trigger at whose URL something came.
struct Found {
    standing: Standing,
    /// The secrets that are taken now.
    secrets: Vec<Secret>,
    now: Timestamp,
}

/// A message that may begin a run.
struct Message {
    event: Value,
    names: Names,
}

impl Triggers<'_> {
    /// Takes a message that came to a trigger's URL: begins a run, once for each message, or answers a service that asks
    /// whether somebody is there.
    ///
    /// # Errors
    ///
    /// `NotFound` if no trigger has such a URL; `RateLimited`; `Unauthenticated` with the code `invalid_signature`;
    /// `InvalidState` with the code `trigger_not_armed` or `agent_not_running`; `InvalidInput` for a body that is not
    /// what it says it is; whatever beginning a run comes to. No run begins then.
    pub async fn receive(&self, request: HookRequest) -> Result<Received, Error> {
        let Found { standing, secrets, now } = self.find(&request.token).await?;
        let is_signed = match standing.trigger.kind {
            TriggerKind::Webhook { signed } => signed,
            TriggerKind::Manual
            | TriggerKind::Cron { .. }
            | TriggerKind::Integration { .. }
            | TriggerKind::Continuous { .. } => true,
        };
        let verified = if is_signed { verify(&request, &secrets, now) } else { Ok(unsigned_names(&request)) };
        if let Some(answer) = challenge(&request, &secrets, verified.is_ok()) {
            return Ok(Received::Question(answer));
        }
        let names = match verified {
            Ok(names) => names,
            Err(unsigned) => {
                return Err(Error::new(Kind::Unauthenticated, "invalid_signature", unsigned.to_string()));
            }
        };
        let mut event = event(&request)?;
        if let TriggerKind::Integration { event: wanted, filter, .. } = &standing.trigger.kind
            && !is_waited_for(&request, &event["body"], wanted, filter.as_ref())
        {
            return Ok(Received::Ignored);
        }
        event["trigger"] = standing.trigger.name.as_str().into();
        self.take(standing, Message { event, names }, now).await
    }

    /// Answers a service that asks with a `GET` whether somebody is there; `None` if that is not what it asks.
    ///
    /// # Errors
    ///
    /// `NotFound` if no trigger has such a URL; `RateLimited`.
    pub async fn question(&self, request: HookRequest) -> Result<Option<Challenge>, Error> {
        let found = self.find(&request.token).await?;
        Ok(challenge(&request, &found.secrets, false))
    }

    /// Finds the trigger of a URL and counts the call.
    async fn find(&self, token: &Secret) -> Result<Found, Error> {
        let hash = self.0.ports.vault.key_hash(token);
        let look = move |reader: &dyn Reader| {
            let Some(standing) = reader.trigger_at(&hash)? else { return Ok::<_, Error>(None) };
            let secrets = reader.trigger_secrets(standing.id)?;
            Ok(secrets.map(|secrets| (standing, secrets)))
        };
        let nobody =
            || Error::new(Kind::NotFound, "not_found", "no trigger has this URL; it may have been changed");
        let (standing, secrets) = self.0.ports.store.read(look).await?.ok_or_else(nobody)?;
        let (now, limit) = (self.0.now(), self.0.settings.hook_requests_per_minute);
        self.0.rates.take(standing.id, now, limit).map_err(|wait| {
            let message = format!(
                "this URL takes {limit} requests a minute; the header Retry-After says when to ask again"
            );
            Error::new(Kind::RateLimited, "rate_limited", message).retry_after(wait)
        })?;
        let secrets = open(self.0, &standing, secrets, now)?;
        Ok(Found { standing, secrets, now })
    }

    async fn take(&self, standing: Standing, message: Message, now: Timestamp) -> Result<Received, Error> {
        let (core, id) = (self.0.clone(), standing.id);
        let ready = ready(self.0, &standing, message.event).await;
        let names = message.names;
        let take = move |writer: &mut dyn Writer| {
            if let Some(run) = run_before(writer, id, &names)? {
                return Ok(Received::Repeated(run));
            }
            begin_run(&core, writer, &standing, (ready, names), now).map(Received::Begun)
        };
        let taken = self.0.ports.store.write(take).await;
        if let Ok(Received::Begun(run)) = &taken {
            self.0.run_went_on(*run);
        }
        if let Err(error) = &taken
            && error.kind() != Kind::Unavailable
        {
            let problem = problem(error);
            let note = move |writer: &mut dyn Writer| {
                let Some(mut standing) = writer.trigger(id)? else { return Ok(()) };
                standing.note(Fire { due_at: now, at: now, outcome: Outcome::NotBegun(problem) });
                Ok::<_, Error>(writer.update_trigger(&standing)?)
            };
            self.0.ports.store.write(note).await?;
        }
        taken
    }
}

/// Returns the run that a message has begun before.
fn run_before(reader: &dyn Reader, id: TriggerId, names: &Names) -> Result<Option<RunId>, Error> {
    let run_of = |name: Option<MessageHash>| match name {
        Some(name) => reader.run_of_message(id, &name),
        None => Ok(None),
    };
    if let Some(run) = run_of(names.id)? {
        return Ok(Some(run));
    }
    let run = run_of(names.signature)?;
    match run.filter(|_| names.id.is_some()) {
        None => Ok(run),
        Some(run) => Err(Error::new(
            Kind::Conflict,
            "already_received",
            format!(
                "a message with the same signature has come under another id and began the run {run}; sign the id and \
                 the time too, as Standard Webhooks do, where the same body means something new"
            ),
        )),
    }
}

fn begin_run(
    core: &Core,
    writer: &mut dyn Writer,
    standing: &Standing,
    (ready, names): (Result<Ready, Error>, Names),
    now: Timestamp,
) -> Result<RunId, Error> {
    let found = writer.trigger(standing.id)?.zip(writer.agent(standing.account, standing.agent)?);
    let Some((mut standing, agent)) = found else {
        return Err(Error::new(
            Kind::NotFound,
            "not_found",
            "no trigger has this URL; it may have been changed",
        ));
    };
    if !is_armed(&agent) {
        let message = "the agent's triggers are off, so nothing begins; turn them on";
        return Err(Error::new(Kind::InvalidState, "trigger_not_armed", message));
    }
    if let Some(problem) = hindrance(&agent) {
        return Err(Error::new(Kind::InvalidState, "agent_not_running", problem.message));
    }
    let run = begin(core, writer, &agent, &standing, Firing { ready: ready?, by: None, now })?;
    if let Some(given) = &names.id {
        writer.insert_message(standing.id, given, run, now)?;
    }
    if let Some(signature) = &names.signature {
        // As long as the secret is good, so is the signature.
        writer.insert_message(standing.id, signature, run, Timestamp::MAX)?;
    }
    standing.note(Fire { due_at: now, at: now, outcome: Outcome::Begun(run) });
    writer.update_trigger(&standing)?;
    Ok(run)
}

/// Opens the secrets that are taken now.
fn open(
    core: &Core,
    standing: &Standing,
    sealed: TriggerSecrets,
    now: Timestamp,
) -> Result<Vec<Secret>, Error> {
    let before = sealed.before.filter(|(_, until)| *until > now).map(|(secret, _)| secret);
    let place = secret::secret_place(standing.id);
    let open = |sealed| Ok(core.ports.vault.open(standing.account, &place, &sealed)?);
    [Some(sealed.secret), before].into_iter().flatten().map(open).collect()
}
