//! Secrets are bound to where they were given for: when a service turns out to be elsewhere, nothing that was given
//! before is shown there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::connection::{Connection, Status};
use roost_domain::id::AccountId;
use roost_domain::integration::{Integration, IntegrationName, UrlTemplate};
use roost_domain::page::Limit;
use roost_ports::store::Writer;
use url::Url;

use super::with_client_fields;
use crate::{Core, Error};

/// How many connections are looked at in one go.
const PAGE: u32 = 200;

/// Where a service's secrets go: the origins of what is asked with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    token: Option<String>,
    revoke: Option<String>,
    base: Option<String>,
}

impl Places {
    /// Returns where secrets go. `described` is what the service's document says that paths begin with.
    pub(crate) fn of(
        integration: &Integration,
        described: Option<&str>,
        fields: &BTreeMap<String, String>,
    ) -> Self {
        let at = |template: &UrlTemplate| origin(&filled(template, fields));
        let oauth = integration.oauth();
        Self {
            token: oauth.and_then(|oauth| at(&oauth.token)),
            revoke: oauth.and_then(|oauth| oauth.revoke.as_ref()).and_then(at),
            base: match &integration.base {
                Some(base) => at(base),
                None => described.and_then(origin),
            },
        }
    }
}

fn origin(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.origin().ascii_serialization())
}

/// Fills a template, with the same word in every blank that has no value, so that two templates can be compared.
fn filled(template: &UrlTemplate, fields: &BTreeMap<String, String>) -> String {
    let mut all: BTreeMap<String, String> =
        template.names().into_iter().map(|name| (name.to_owned(), "blank".to_owned())).collect();
    all.extend(fields.clone());
    // A value that cannot stand there is no value; the text with its blanks is then compared.
    template.fill(&all).unwrap_or_else(|_| template.as_str().to_owned())
}

impl Core {
    /// Takes the secret from the account's client at a service that is elsewhere now.
    pub(crate) fn drop_client_secret(
        writer: &mut dyn Writer,
        account: AccountId,
        at: &IntegrationName,
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Some(mut client) = writer.oauth_client(account, at)?.filter(|client| client.secret.is_some()) {
            client.secret = None;
            client.updated_at = now;
            writer.put_oauth_client(account, at, &client)?;
        }
        Ok(())
    }

    /// Ends those of an account's connections to a service of which `has_moved` says so, by the fields they were made
    /// with and those that hold for them now: a person has to connect them again.
    pub(crate) fn end_moved(
        &self,
        writer: &mut dyn Writer,
        account: AccountId,
        to: &IntegrationName,
        why: &str,
        now: Timestamp,
        has_moved: impl Fn(&BTreeMap<String, String>, &BTreeMap<String, String>) -> bool,
    ) -> Result<(), Error> {
        let client = writer.oauth_client(account, to)?;
        let mut moved: Vec<Connection> = Vec::new();
        let mut after = None;
        loop {
            let page = writer.connections(account, after, Limit::clamped(PAGE, PAGE))?;
            moved.extend(page.rows.into_iter().filter(|one| {
                let current = with_client_fields(&one.fields, client.as_ref());
                one.integration == *to && one.status == Status::Active && has_moved(&one.fields, &current)
            }));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for connection in moved {
            self.refuse(writer, connection, why, now)?;
        }
        Ok(())
    }
}
