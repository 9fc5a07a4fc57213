//! Where connections may go: host rules, and the addresses that are refused unless listed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::gate::Profile;

/// Where one agent may connect to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkRules {
    /// Hosts it may reach without asking.
    pub allow: Vec<HostRule>,
    /// Hosts it may reach even where they resolve to private, loopback, link-local or metadata addresses.
    /// A host listed here needs no entry in `allow`.
    pub allow_private: Vec<HostRule>,
    /// Hosts it may never reach, whatever else allows them.
    pub deny: Vec<HostRule>,
    /// The only hosts it may reach at all, under every policy profile; `None` confines it to nothing in particular.
    /// A host listed here needs no entry in `allow`.
    pub confine: Option<Vec<HostRule>>,
    /// What must allow a connection besides: the rules of agents for whom this one works.
    pub also: Vec<Bounds>,
}

/// Rules that must allow a connection besides an agent's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// How freely it may connect.
    pub profile: Profile,
    /// Where to.
    pub network: NetworkRules,
}

impl Bounds {
    /// Tells whether they keep nothing from anybody.
    pub fn are_none(&self) -> bool {
        let NetworkRules { allow: _, allow_private: _, deny, confine, also } = &self.network;
        self.profile == Profile::Open && deny.is_empty() && confine.is_none() && also.is_empty()
    }
}

impl NetworkRules {
    /// Tells whether a host is listed in one of the lists that allow.
    pub fn lists(&self, host: &Host, port: u16) -> bool {
        let confined = self.confine.iter().flatten();
        self.allow.iter().chain(&self.allow_private).chain(confined).any(|rule| rule.matches(host, port))
    }

    /// Tells whether there is a listed host that may be reached, so that a process can connect to anything at all.
    pub fn reaches_any(&self) -> bool {
        match &self.confine {
            Some(confined) => !confined.is_empty(),
            None => !self.allow.is_empty() || !self.allow_private.is_empty(),
        }
    }

    /// Returns the rule that refuses a host for good.
    pub fn denies(&self, host: &Host, port: u16) -> Option<&HostRule> {
        self.deny.iter().find(|rule| rule.matches(host, port))
    }

    /// Tells whether a host is outside what the agent is confined to.
    pub fn confines_away(&self, host: &Host, port: u16) -> bool {
        self.confine.as_ref().is_some_and(|only| !only.iter().any(|rule| rule.matches(host, port)))
    }

    /// Tells whether a host may not be reached, whatever else allows it.
    pub fn forbids(&self, host: &Host, port: u16) -> bool {
        self.denies(host, port).is_some() || self.confines_away(host, port)
    }

    /// Tells whether a connection to `host` may end at `address`.
    pub fn permits_address(&self, host: &Host, port: u16, address: IpAddr) -> bool {
        let itself = Host::Address(address.to_canonical());
        let denied = self.deny.iter().any(|rule| rule.matches(&itself, port));
        let here = is_public(address) || self.allow_private.iter().any(|rule| rule.matches(host, port));
        let also = |bounds: &Bounds| bounds.network.permits_address(host, port, address);
        !denied && here && self.also.iter().all(also)
    }
}

/// A host as a client names it: a DNS name in lower case without a trailing dot, or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = InvalidHost;

    /// Reads a host name or an address, an IPv6 one with or without brackets.
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            // An IPv4 address wrapped in an IPv6 one is the same place.
            return Ok(Self::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        // A last label of digits only would be read as an IPv4 address by some resolvers.
        let last_is_number = name
            .rsplit('.')
            .next()
            .is_none_or(|label| label.starts_with("0x") || label.bytes().all(|b| b.is_ascii_digit()));
        if name.len() <= 253 && name.split('.').all(label_ok) && !last_is_number {
            Ok(Self::Name(name))
        } else {
            Err(InvalidHost(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
        }
    }
}

/// A text that is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name or an address")]
pub struct InvalidHost(pub String);

/// One host, or all hosts below a domain, on one port or on all.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostRule {
    pattern: Pattern,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Any,
    Exactly(Host),
    Below(String),
}

impl HostRule {
    /// Tells whether the rule covers a host and port.
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        self.pattern.matches(host)
    }

    /// Tells whether it is about every host, on every port.
    pub fn is_any(&self) -> bool {
        self.pattern == Pattern::Any && self.port.is_none()
    }

    /// Returns the rule for what both rules cover; `None` where that is nothing.
    pub fn within(&self, other: &Self) -> Option<Self> {
        let pattern = if other.pattern.covers(&self.pattern) {
            self.pattern.clone()
        } else if self.pattern.covers(&other.pattern) {
            other.pattern.clone()
        } else {
            return None;
        };
        let port = match (self.port, other.port) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other),
        };
        Some(Self { pattern, port })
    }
}

impl Pattern {
    fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Exactly(rule), host) => rule == host,
            (Self::Below(domain), Host::Name(name)) => is_below(name, domain),
            (Self::Below(_), Host::Address(_)) => false,
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) => false,
            (pattern, Self::Exactly(host)) => pattern.matches(host),
            (Self::Below(domain), Self::Below(other)) => domain == other || is_below(other, domain),
            (Self::Exactly(_), Self::Below(_)) => false,
        }
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

impl FromStr for HostRule {
    type Err = InvalidHostRule;

    /// Reads `example.com`, `*.example.com` (hosts below it, not itself), `*`, `10.0.0.5` or `[::1]`, each
    /// with `:port` after it if wanted.
    fn from_str(text: &str) -> Result<Self, InvalidHostRule> {
        let invalid = || InvalidHostRule(text.chars().take(80).collect());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') && (!host.contains(':') || host.ends_with(']')) => {
                (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(invalid)?))
            }
            _ => (text, None),
        };
        let pattern = if host == "*" {
            Pattern::Any
        } else if let Some(domain) = host.strip_prefix("*.") {
            match domain.parse().map_err(|_| invalid())? {
                Host::Name(domain) => Pattern::Below(domain),
                Host::Address(_) => return Err(invalid()),
            }
        } else {
            Pattern::Exactly(host.parse().map_err(|_| invalid())?)
        };
        Ok(Self { pattern, port })
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Pattern::Any => f.write_str("*")?,
            Pattern::Exactly(host) => write!(f, "{host}")?,
            Pattern::Below(domain) => write!(f, "*.{domain}")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// A text that is no host rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host; write example.com, *.example.com, an address or *, each with :port if wanted")]
pub struct InvalidHostRule(pub String);

/// Returns the rules for what both lists cover: of two rules that overlap one lies within the other.
pub fn within_both(one: &[HostRule], other: &[HostRule]) -> Vec<HostRule> {
    let mut shared: Vec<HostRule> = Vec::new();
    for a in one {
        for b in other {
            if let Some(rule) = a.within(b)
                && !shared.contains(&rule)
            {
                shared.push(rule);
            }
        }
    }
    shared
}

/// Tells whether an address is on the public internet.
///
/// Not public: unspecified, loopback, private, shared (100.64/10), link-local (which holds the cloud metadata
/// service), documentation, benchmarking, multicast, reserved; the IPv6 forms of those, and IPv4 addresses
/// wrapped in IPv6 ones (mapped, compatible, 6to4, NAT64), judged by the address inside.
/// **Source:** IANA special-purpose address registries (RFC 6890 and its updates).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    !(a == 0
        || a == 127
        || a == 10
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let inner = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => inner(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        // Teredo, benchmarking, ORCHID and documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests;
