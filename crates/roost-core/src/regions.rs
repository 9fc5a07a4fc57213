//! Regions: pools of hosts that agents live in. Today one server is one host.

use roost_domain::agent::{Agent, Failure, FailureCategory, Region};

use crate::{Error, Kind};

/// Which hosts agents of which region live on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// What this host is called in the pools.
    pub host: String,
    /// The hosts of `eu`.
    pub eu: Vec<String>,
    /// The hosts of `us`.
    pub us: Vec<String>,
}

impl Default for Regions {
    /// One host that has both.
    fn default() -> Self {
        let host = "local".to_owned();
        Self { eu: vec![host.clone()], us: vec![host.clone()], host }
    }
}

impl Regions {
    /// Returns the hosts of a region.
    pub fn hosts(&self, region: Region) -> &[String] {
        match region {
            Region::Eu => &self.eu,
            Region::Us => &self.us,
        }
    }

    /// Tells whether agents of a region live on this host.
    pub fn has_here(&self, region: Region) -> bool {
        self.hosts(region).contains(&self.host)
    }

    /// Checks that a region has hosts at all.
    pub(crate) fn check(&self, region: Region) -> Result<(), Error> {
        if !self.hosts(region).is_empty() {
            return Ok(());
        }
        let with_hosts: Vec<_> = Region::ALL
            .into_iter()
            .filter(|other| !self.hosts(*other).is_empty())
            .map(Region::name)
            .collect();
        let others = match with_hosts[..] {
            [] => "no region has any".to_owned(),
            _ => format!("these have: {}", with_hosts.join(", ")),
        };
        let message = format!("the region {} has no hosts; {others}", region.name());
        Err(Error::new(Kind::InvalidInput, "region_without_hosts", message))
    }

    /// Returns an agent that was about to run, or one in error if its region is not this host's.
    pub(crate) fn placed(&self, agent: Agent) -> Agent {
        if self.has_here(agent.region) {
            return agent;
        }
        let message = format!(
            "agents of the region {} live on {}, not on {}, which is this host",
            agent.region.name(),
            self.hosts(agent.region).join(", "),
            self.host
        );
        agent.fail(Failure { category: FailureCategory::Config, message })
    }
}
