//! Links that a person opens to connect an agent: signed, for a time, without a key.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::connection::{MissingReason, Status};
use roost_domain::id::AgentId;
use roost_domain::integration::{Integration, IntegrationName};
use roost_domain::key::Scope;
use roost_domain::secret::Secret;
use roost_ports::store::{Reader, Writer};

use super::start::{Asked, Started};
use super::{Connections, Proof, browser, key};
use crate::agents::own;
use crate::integrations::check_fields;
use crate::{Core, Ctx, Error, Kind};

/// How long a link can be opened.
const LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What the signature is about, so that it is good for nothing else.
const PURPOSE: &str = "roost connection link 1";

/// Where a person connects an agent to a service that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionUrl {
    /// The service's name.
    pub integration: String,
    /// The service, as people call it.
    pub title: String,
    /// Why it is needed.
    pub reason: MissingReason,
    /// The link; `None` where nobody knows such a service.
    pub url: Option<String>,
    /// Until when it can be opened.
    pub expires_at: Timestamp,
}

/// What a person sees who opens a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// The agent's name.
    pub agent_name: String,
    /// The service, as people call it.
    pub title: String,
    /// Where its interface is explained.
    pub documentation: Option<String>,
    /// Whether a key is asked for, and not leave by OAuth.
    pub by_key: bool,
    /// What else has to be known: names, and what each means.
    pub fields: Vec<(String, String)>,
    /// Whether the agent is connected already.
    pub connected: bool,
}

impl Connections<'_> {
    /// Returns where a person connects an agent to what it needs and lacks; nothing if it lacks nothing.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn urls(&self, ctx: &Ctx, id: AgentId) -> Result<Vec<ConnectionUrl>, Error> {
        // A link connects an agent, which nobody may who may only look.
        ctx.require(Scope::AgentsWrite)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let read = move |reader: &dyn Reader| {
            let agent = own(reader, &ctx, id)?;
            core.connection_urls(reader, &agent, ctx.now)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns where a person connects an agent to one service, whether it needs that or not.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn url(&self, ctx: &Ctx, id: AgentId, integration: &str) -> Result<Started, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let name = crate::integrations::parsed(integration)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let read = move |reader: &dyn Reader| {
            let agent = own(reader, &ctx, id)?;
            core.integration(reader, agent.account, &name)?;
            let expires_at = ctx.now + LASTS;
            Ok(Started { url: core.connect_url(agent.id, &name, expires_at), expires_at })
        };
        self.0.ports.store.read(read).await
    }

    /// Returns what a person sees who opens a link.
    ///
    /// # Errors
    ///
    /// `NotFound` with the code `link_invalid`; `Conflict` with `link_expired`.
    pub async fn open(&self, token: &str) -> Result<LinkView, Error> {
        let (core, opened) = (self.0.clone(), self.0.opened(token)?);
        let read = move |reader: &dyn Reader| {
            let (agent, integration) = core.meant(reader, &opened)?;
            let client = reader.oauth_client(agent.account, &integration.name)?;
            let known = client.map(|client| client.fields).unwrap_or_default();
            let fields = integration.missing_fields(&known);
            let fields =
                fields.into_iter().map(|(name, meaning)| (name.to_owned(), meaning.to_owned())).collect();
            let connection = reader.connection_to(agent.id, &integration.name)?;
            Ok::<_, Error>(LinkView {
                agent_name: agent.name,
                by_key: integration.oauth().is_none(),
                title: integration.title,
                documentation: integration.documentation,
                fields,
                connected: connection.is_some_and(|one| one.status == Status::Active),
            })
        };
        self.0.ports.store.read(read).await
    }

    /// Begins a connection by OAuth for whoever opened a link.
    ///
    /// # Errors
    ///
    /// Those of [`Connections::open`] and [`Connections::start`]; `Conflict` with the code `already_connected`.
    pub async fn follow(&self, token: &str, fields: BTreeMap<String, String>) -> Result<Begun, Error> {
        check_fields(&fields)?;
        let (core, opened, now) = (self.0.clone(), self.0.opened(token)?, self.0.now());
        let begin = move |writer: &mut dyn Writer| {
            let (agent, integration) = core.meant(writer, &opened)?;
            let fields = core.asked_fields(writer, &agent, &integration, fields)?;
            let asked = Asked { scopes: None, fields, in_browser: true };
            let (started, state) = core.begin_authorization(writer, &agent, &integration, asked, now)?;
            Ok(Begun { started, proof: browser::proof_of(&state, &core.settings.public_url) })
        };
        self.0.ports.store.write(begin).await
    }

    /// Connects with the key of whoever opened a link.
    ///
    /// # Errors
    ///
    /// Those of [`Connections::open`] and [`Connections::put_key`]; `Conflict` with the code `already_connected`;
    /// `InvalidInput` where the service has OAuth: a
    /// link asks nobody for a token that they would have to copy.
    pub async fn follow_with_key(
        &self,
        token: &str,
        key: Secret,
        fields: BTreeMap<String, String>,
    ) -> Result<Followed, Error> {
        key::check(&key, &fields)?;
        let (core, opened, now) = (self.0.clone(), self.0.opened(token)?, self.0.now());
        let write = move |writer: &mut dyn Writer| {
            let (agent, integration) = core.meant(writer, &opened)?;
            if integration.oauth().is_some() {
                return Err(Error::invalid("key", "is not asked for; this service gives leave itself"));
            }
            let fields = core.asked_fields(writer, &agent, &integration, fields)?;
            core.keep_key(writer, &agent, &integration, key, &fields, now)?;
            let ready = core.connections().missing_of(writer, &agent)?.is_empty();
            Ok((agent.id, Followed { agent_name: agent.name, title: integration.title, ready }))
        };
        let (agent, followed) = self.0.ports.store.write(write).await?;
        self.0.hub.tick(agent.journal());
        Ok(followed)
    }
}

/// A connection that somebody began who opened a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where they go on.
    pub started: Started,
    /// What their browser keeps and shows when the service sends them back.
    pub proof: Proof,
}

/// What following a link came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The agent's name.
    pub agent_name: String,
    /// The service, as people call it.
    pub title: String,
    /// Whether the agent lacks nothing now.
    pub ready: bool,
}

/// What a link says.
struct Opened {
    agent: AgentId,
    integration: IntegrationName,
}

impl Core {
    /// Returns where a person connects an agent to what it needs and lacks.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub(crate) fn connection_urls(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        now: Timestamp,
    ) -> Result<Vec<ConnectionUrl>, Error> {
        let expires_at = now + LASTS;
        let mut urls = Vec::new();
        for missing in self.connections().missing_of(reader, agent)? {
            let name = missing.integration.parse::<IntegrationName>().ok();
            let own = match &name {
                Some(name) => reader.own_integration(agent.account, name)?,
                None => None,
            };
            let known = name.as_ref().and_then(|name| self.in_catalog(name)).or(own.as_ref());
            urls.push(ConnectionUrl {
                title: known.map_or_else(|| missing.integration.clone(), |known| known.title.clone()),
                url: known.map(|known| self.connect_url(agent.id, &known.name, expires_at)),
                integration: missing.integration,
                reason: missing.reason,
                expires_at,
            });
        }
        Ok(urls)
    }

    /// Returns where a person connects an agent to a service, whether there is such a service or not.
    pub(crate) fn connection_link(&self, agent: AgentId, to: &IntegrationName, now: Timestamp) -> String {
        self.connect_url(agent, to, now + LASTS)
    }

    fn connect_url(&self, agent: AgentId, to: &IntegrationName, expires_at: Timestamp) -> String {
        let payload = format!("{agent} {to} {}", expires_at.as_second());
        let token =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(self.signed(&payload)));
        format!("{}/connect/{token}", self.settings.public_url.trim_end_matches('/'))
    }

    fn signed(&self, payload: &str) -> [u8; 32] {
        self.ports.vault.key_hash(&Secret::new(format!("{PURPOSE}\n{payload}"))).0
    }

    fn opened(&self, token: &str) -> Result<Opened, Error> {
        let invalid = || {
            Error::new(Kind::NotFound, "link_invalid", "this link is none of this server's; ask for another")
        };
        let (payload, signature) =
            token.split_once('.').filter(|_| token.len() <= 500).ok_or_else(invalid)?;
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid());
        let payload = String::from_utf8(decoded(payload)?).map_err(|_| invalid())?;
        let (signature, wanted) = (decoded(signature)?, self.signed(&payload));
        // In a time that says nothing about where they differ.
        let differs = wanted.iter().zip(&signature).fold(0, |differs, (one, other)| differs | (one ^ other));
        if signature.len() != wanted.len() || differs != 0 {
            return Err(invalid());
        }
        let parts: Vec<&str> = payload.split(' ').collect();
        let [agent, integration, expires_at] = parts[..] else { return Err(invalid()) };
        let expires_at: i64 = expires_at.parse().map_err(|_| invalid())?;
        if self.now().as_second() >= expires_at {
            let message = "this link is too old; ask for another";
            return Err(Error::new(Kind::Conflict, "link_expired", message));
        }
        Ok(Opened {
            agent: agent.parse().map_err(|_| invalid())?,
            integration: integration.parse().map_err(|_| invalid())?,
        })
    }

    /// Returns those fields of whoever opened a link that they were asked for: what the account's client says is not
    /// theirs to change. An agent that was connected meanwhile stays as it is.
    fn asked_fields(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        integration: &Integration,
        fields: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Error> {
        not_connected_yet(reader, agent, integration)?;
        let client = reader.oauth_client(agent.account, &integration.name)?;
        let known = client.map(|client| client.fields).unwrap_or_default();
        let asked = integration.missing_fields(&known);
        Ok(fields.into_iter().filter(|(name, _)| asked.iter().any(|(one, _)| one == name)).collect())
    }

    fn meant(&self, reader: &dyn Reader, opened: &Opened) -> Result<(Agent, Integration), Error> {
        let gone =
            || Error::new(Kind::NotFound, "link_invalid", "what this link was for is gone; ask for another");
        let agent = reader.agent_of_any_account(opened.agent)?.ok_or_else(gone)?;
        let integration = match self.in_catalog(&opened.integration) {
            Some(known) => Some(known.clone()),
            None => reader.own_integration(agent.account, &opened.integration)?,
        };
        Ok((agent, integration.ok_or_else(gone)?))
    }
}

/// Links connect what is not connected. What is, only somebody with a key replaces.
pub(super) fn not_connected_yet(
    reader: &dyn Reader,
    agent: &Agent,
    integration: &Integration,
) -> Result<(), Error> {
    let there = reader.connection_to(agent.id, &integration.name)?;
    if there.is_some_and(|one| one.status == Status::Active) {
        let message = format!(
            "{} is connected to {} already; nothing was changed. Whoever manages the agent can revoke that first",
            agent.name, integration.title
        );
        return Err(Error::new(Kind::Conflict, "already_connected", message));
    }
    Ok(())
}
