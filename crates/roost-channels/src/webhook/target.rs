//! Where a message goes, and whether it may go there.

use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use roost_domain::network::{Host, NetworkRules};
use roost_ports::webhooks::SendError;
use url::Url;

/// The longest URL that is sent to.
const URL_MAX: usize = 2_000;

/// Finds the addresses of DNS names.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Returns the addresses of a name, best first; empty if it has none.
    ///
    /// # Errors
    ///
    /// What the name service answered instead.
    ///
    /// # Cancel
    ///
    /// Safe.
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The host's own name service, which also reads `/etc/hosts`.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A URL taken apart.
pub(super) struct Target {
    pub(super) url: Url,
    host: Host,
    port: u16,
}

impl Target {
    pub(super) fn read(text: &str) -> Result<Self, SendError> {
        let bad = |problem: &str| SendError::BadUrl(problem.to_owned());
        if text.len() > URL_MAX {
            return Err(bad("must have at most 2,000 characters"));
        }
        let url = Url::parse(text).map_err(|_| bad("must be a URL such as https://example.com/hook"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("must not hold a user or password; the signature says who sends"));
        }
        if url.fragment().is_some() {
            return Err(bad("must not hold a #fragment, which is never sent"));
        }
        let host = url.host_str().and_then(|host| host.parse().ok());
        let host = host.ok_or_else(|| bad("must name a host, such as https://example.com/hook"))?;
        let port = url.port_or_known_default().ok_or_else(|| bad("must name a port"))?;
        Ok(Self { url, host, port })
    }

    /// Refuses an address that stands in the URL itself and is not permitted. Names are looked up when a message is
    /// sent: what they stand for can change.
    pub(super) fn check(&self, rules: &NetworkRules) -> Result<(), SendError> {
        match self.host {
            Host::Address(address) => self.permitted(&[address], rules).map(|_| ()),
            Host::Name(_) => Ok(()),
        }
    }

    /// Resolves the host once and returns those of its addresses that are permitted.
    pub(super) async fn addresses(
        &self,
        resolver: &dyn Resolver,
        rules: &NetworkRules,
    ) -> Result<Vec<SocketAddr>, SendError> {
        let found = match &self.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => resolver.resolve(name).await.map_err(|error| {
                SendError::NoAnswer(format!("the name {} cannot be resolved: {error}", self.host))
            })?,
        };
        self.permitted(&found, rules)
    }

    fn permitted(&self, found: &[IpAddr], rules: &NetworkRules) -> Result<Vec<SocketAddr>, SendError> {
        let Some(first) = found.first() else {
            return Err(SendError::NoAnswer(format!("the name {} has no address", self.host)));
        };
        let permitted: Vec<_> = found
            .iter()
            .filter(|address| rules.permits_address(&self.host, self.port, **address))
            .map(|address| SocketAddr::new(*address, self.port))
            .collect();
        if permitted.is_empty() {
            let place = match &self.host {
                Host::Name(_) => format!("{} resolves to {first}, which", self.place()),
                Host::Address(_) => self.place(),
            };
            return Err(SendError::NotPublic { place });
        }
        Ok(permitted)
    }

    /// Returns host and port: all of the URL that may be told.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
