//! Integrations: which services there are, the account's own ones, its OAuth clients there, and what can be asked of
//! them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::id::AccountId;
use roost_domain::integration::{Integration, IntegrationName};
use roost_domain::key::Scope;
use roost_domain::secret::Secret;
use roost_ports::store::{KeptClient, KeptDescription, Reader, Writer};

use crate::connections::Places;
use crate::{Core, Ctx, Error, Kind};

mod call;
mod describe;
mod list;
mod poll;

pub(crate) use call::{CALL_OPERATION, ServiceCall, described, may_be_service_call, tools_of};
pub(crate) use describe::find;
pub use describe::{DescribeService, Described, DocumentSource, FoundOperation};
pub use list::ListIntegrations;
pub use poll::{Item, Poll};

/// The use cases of integrations.
pub struct Integrations<'a>(pub(crate) &'a Core);

/// How many integrations of its own an account may have.
const MOST: usize = 200;

/// An integration with what the account has made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrationView {
    /// The integration.
    pub integration: Integration,
    /// Whether it is the account's own, and not one of the catalog.
    pub own: bool,
    /// The account's OAuth client there.
    pub client: Option<ClientView>,
    /// What the account knows of its interface.
    pub description: Option<KeptDescription>,
    /// Where the service has to be told to send people back to.
    pub redirect: String,
}

/// An OAuth client, but for its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientView {
    /// Its id.
    pub client_id: String,
    /// Whether it has a secret.
    pub has_secret: bool,
    /// What it asks for, where that is not what the service's entry says.
    pub scopes: Option<Vec<String>>,
    /// What the service's templates are filled with.
    pub fields: BTreeMap<String, String>,
}

/// An OAuth client to be set.
pub struct PutClient {
    /// Its id, 1 to 500 characters.
    pub client_id: String,
    /// Its secret; a public client has none. `None` of one that is there keeps what it has.
    pub secret: Option<Secret>,
    /// What it asks for; `None` is what the service's entry says.
    pub scopes: Option<Vec<String>>,
    /// What the service's templates are filled with.
    pub fields: BTreeMap<String, String>,
}

impl Integrations<'_> {
    /// Returns one integration.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, ctx: &Ctx, name: &str) -> Result<IntegrationView, Error> {
        ctx.require(Scope::AgentsRead)?;
        let (core, account, name) = (self.0.clone(), ctx.account(), parsed(name)?);
        self.0.ports.store.read(move |reader| core.integration_view(reader, account, &name)).await
    }

    /// Adds an integration of the account's own, or changes it. Where it is elsewhere than before, the secret of the
    /// account's client is forgotten and connections have to be made again: they were given for another place. It may not be called like one of the catalog.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `AlreadyExists` with the code `integration_in_catalog`; `QuotaExceeded`.
    pub async fn put_own(&self, ctx: &Ctx, integration: Integration) -> Result<IntegrationView, Error> {
        ctx.require(Scope::AgentsWrite)?;
        integration.check().map_err(|(path, problem)| Error::invalid(&path, problem))?;
        if self.0.in_catalog(&integration.name).is_some() {
            let message = format!(
                "the catalog has {} already; give yours another name, or set a client for that one",
                integration.name
            );
            return Err(Error::new(Kind::AlreadyExists, "integration_in_catalog", message));
        }
        let (core, account, now) = (self.0.clone(), ctx.account(), ctx.now);
        let put = move |writer: &mut dyn Writer| {
            let all = writer.own_integrations(account)?;
            if all.len() >= MOST && all.iter().all(|one| one.name != integration.name) {
                let message = format!("an account may have {MOST} integrations of its own; delete some");
                return Err(Error::new(Kind::QuotaExceeded, "too_many_integrations", message));
            }
            core.bind_own(writer, account, &integration, now)?;
            writer.put_own_integration(account, &integration, now)?;
            core.integration_view(writer, account, &integration.name)
        };
        self.0.ports.store.write(put).await
    }

    /// Removes an integration of the account's own with its client and its description. Connections to it expire: they
    /// stay until they are revoked, and can be used no more, not even if there is one of that name again.
    ///
    /// # Errors
    ///
    /// `NotFound`; one of the catalog is none of the account's own.
    pub async fn delete_own(&self, ctx: &Ctx, name: &str) -> Result<(), Error> {
        ctx.require(Scope::AgentsWrite)?;
        let (core, account, name, now) = (self.0.clone(), ctx.account(), parsed(name)?, ctx.now);
        let delete = move |writer: &mut dyn Writer| {
            if !writer.delete_own_integration(account, &name)? {
                return Err(Error::not_found("integration of your own", &name));
            }
            writer.delete_oauth_client(account, &name)?;
            writer.delete_api_description(account, &name)?;
            core.end_moved(writer, account, &name, "the integration was deleted", now, |_, _| true)
        };
        self.0.ports.store.write(delete).await
    }

    /// Sets the account's OAuth client at a service. Where its fields lead elsewhere than before, a secret that is not
    /// given again is forgotten, and connections have to be made again.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field.
    pub async fn put_client(
        &self,
        ctx: &Ctx,
        name: &str,
        client: PutClient,
    ) -> Result<IntegrationView, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let name = parsed(name)?;
        if client.client_id.trim().is_empty() || client.client_id.chars().count() > 500 {
            return Err(Error::invalid("clientId", "must have 1 to 500 characters"));
        }
        if client
            .secret
            .as_ref()
            .is_some_and(|secret| !(1..=2_000).contains(&secret.expose().chars().count()))
        {
            return Err(Error::invalid("clientSecret", "must have 1 to 2,000 characters"));
        }
        check_scopes(client.scopes.as_deref().unwrap_or_default())?;
        check_fields(&client.fields)?;
        let (core, account, now) = (self.0.clone(), ctx.account(), ctx.now);
        let sealed =
            client.secret.as_ref().map(|secret| core.ports.vault.seal(account, &client_place(&name), secret));
        let put = move |writer: &mut dyn Writer| {
            let integration = core.integration(writer, account, &name)?;
            if integration.oauth().is_none() {
                let problem = format!("is for services with OAuth; {name} takes a key. Connect it with one");
                return Err(Error::invalid("clientId", problem));
            }
            let before = writer.oauth_client(account, &name)?;
            let places = |fields: &BTreeMap<String, String>| Places::of(&integration, None, fields);
            let now_at = places(&client.fields);
            let same = before
                .filter(|before| before.client_id == client.client_id && places(&before.fields) == now_at);
            let kept = KeptClient {
                secret: sealed.or(same.and_then(|before| before.secret)),
                client_id: client.client_id,
                scopes: client.scopes,
                fields: client.fields,
                updated_at: now,
            };
            writer.put_oauth_client(account, &name, &kept)?;
            let why = format!("the account's client at {} leads elsewhere now", integration.title);
            core.end_moved(writer, account, &name, &why, now, |made_with, current| {
                places(made_with) != places(current)
            })?;
            core.integration_view(writer, account, &name)
        };
        self.0.ports.store.write(put).await
    }

    /// Removes the account's OAuth client at a service. Connections that were made with it can be renewed no more.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn delete_client(&self, ctx: &Ctx, name: &str) -> Result<(), Error> {
        ctx.require(Scope::AgentsWrite)?;
        let (account, name) = (ctx.account(), parsed(name)?);
        let delete = move |writer: &mut dyn Writer| {
            let there = writer.delete_oauth_client(account, &name)?;
            if there { Ok(()) } else { Err(Error::not_found("OAuth client at", &name)) }
        };
        self.0.ports.store.write(delete).await
    }
}

/// Returns where the secret of a client stands, to which it is bound.
pub(crate) fn client_place(at: &IntegrationName) -> String {
    format!("oauth-client/{at}")
}

/// Reads a name; one that can be no name is one that there is not.
pub(crate) fn parsed(name: &str) -> Result<IntegrationName, Error> {
    name.parse().map_err(|_| Error::not_found("integration", name.chars().take(80).collect::<String>()))
}

pub(crate) fn check_scopes(scopes: &[String]) -> Result<(), Error> {
    let good = |scope: &String| {
        (1..=300).contains(&scope.len()) && scope.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if scopes.len() > 100 || !scopes.iter().all(good) {
        return Err(Error::invalid(
            "scopes",
            "must be at most 100, of 1 to 300 characters without spaces each",
        ));
    }
    Ok(())
}

pub(crate) fn check_fields(fields: &BTreeMap<String, String>) -> Result<(), Error> {
    if fields.len() > 20 {
        return Err(Error::invalid("fields", "must be at most 20"));
    }
    for (name, value) in fields {
        if let Err(problem) = roost_domain::integration::check_value(value) {
            let name: String = name.chars().take(40).collect();
            return Err(Error::invalid(&format!("fields.{name}"), problem));
        }
    }
    Ok(())
}

impl Core {
    /// Returns one of the catalog.
    pub(crate) fn in_catalog(&self, name: &IntegrationName) -> Option<&Integration> {
        let catalog = self.ports.integrations.catalog();
        let at = catalog.binary_search_by(|one| one.name.cmp(name)).ok()?;
        catalog.get(at)
    }

    /// Returns an integration: one of the catalog, or one of the account's own.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub(crate) fn integration(
        &self,
        reader: &dyn Reader,
        account: AccountId,
        name: &IntegrationName,
    ) -> Result<Integration, Error> {
        match self.in_catalog(name) {
            Some(integration) => Ok(integration.clone()),
            None => {
                reader.own_integration(account, name)?.ok_or_else(|| Error::not_found("integration", name))
            }
        }
    }

    /// Forgets what was given for where an integration of the account's own was until now, if that is elsewhere.
    fn bind_own(
        &self,
        writer: &mut dyn Writer,
        account: AccountId,
        integration: &Integration,
        now: Timestamp,
    ) -> Result<(), Error> {
        let name = &integration.name;
        let before = writer.own_integration(account, name)?;
        let described = writer.api_description(account, name)?.and_then(|known| known.base);
        let has_moved = |made_with: &BTreeMap<String, String>, current: &BTreeMap<String, String>| {
            let place = |of: &Integration, fields: &BTreeMap<String, String>| {
                Places::of(of, described.as_deref(), fields)
            };
            before.as_ref().map(|before| place(before, made_with)) != Some(place(integration, current))
        };
        if let Some(client) = writer.oauth_client(account, name)?
            && has_moved(&client.fields, &client.fields)
        {
            Self::drop_client_secret(writer, account, name, now)?;
        }
        let why = format!("{} is elsewhere now", integration.title);
        self.end_moved(writer, account, name, &why, now, has_moved)
    }

    fn integration_view(
        &self,
        reader: &dyn Reader,
        account: AccountId,
        name: &IntegrationName,
    ) -> Result<IntegrationView, Error> {
        let integration = self.integration(reader, account, name)?;
        let client = reader.oauth_client(account, name)?;
        Ok(IntegrationView {
            own: self.in_catalog(name).is_none(),
            integration,
            client: client.map(|client| ClientView {
                client_id: client.client_id,
                has_secret: client.secret.is_some(),
                scopes: client.scopes,
                fields: client.fields,
            }),
            description: reader.api_description(account, name)?,
            redirect: self.redirect_url(),
        })
    }
}
