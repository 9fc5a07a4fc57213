//! Finds the addresses a request may connect to.

use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use roost_domain::network::{Host, NetworkRules};

use super::Target;
use crate::workspace::Failed;

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

/// Resolves a target once and returns those of its addresses that the rules permit.
///
/// # Errors
///
/// [`Failed`] if it has no address, or none that is permitted; then the grant is named.
pub(super) async fn permitted(
    resolver: &dyn Resolver,
    target: &Target,
    rules: &NetworkRules,
) -> Result<Vec<SocketAddr>, Failed> {
    let Target { host, port, .. } = target;
    let found = match host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => resolver
            .resolve(name)
            .await
            .map_err(|error| Failed(format!("the name {host} cannot be resolved: {error}")))?,
    };
    let Some(first) = found.first() else {
        return Err(Failed(format!("the name {host} has no address")));
    };
    let permitted: Vec<_> = found
        .iter()
        .filter(|address| rules.permits_address(host, *port, **address))
        .map(|address| SocketAddr::new(*address, *port))
        .collect();
    if permitted.is_empty() {
        let place = match host {
            Host::Name(_) => format!("{host} resolves to {first}, which"),
            Host::Address(_) => host.to_string(),
        };
        return Err(Failed(format!(
            "the connection was refused: {place} is not a public address. Add {:?} to config.network.allowPrivate \
             to allow it",
            host.to_string()
        )));
    }
    Ok(permitted)
}
