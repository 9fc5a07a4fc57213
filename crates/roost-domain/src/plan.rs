//! Plans: what an account may use.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

use crate::unit::MicroUsd;

/// What an account may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name in the configuration: lower-case letters, digits, dashes and underscores.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How much of what is counted at any moment or by the month; `None` is without limit of the plan's.
    pub limits: Limits,
    /// What it includes.
    pub features: BTreeSet<Feature>,
    /// How much of what is counted by the day.
    pub allowance: Allowance,
}

/// How much a plan allows of what is counted at any moment or by the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Agents of one account.
    pub max_agents: Option<u64>,
    /// Skills of one agent.
    pub max_skills_per_agent: Option<u64>,
    /// What an account may spend in a calendar month, in UTC, on models that it asks itself, outside of its agents.
    pub direct_models: Option<MicroUsd>,
}

/// What a plan may include.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// The account's keys work.
    ApiAccess,
    /// Swarms can be made.
    Swarms,
}

impl Feature {
    /// Every feature, by name.
    pub const ALL: [Self; 2] = [Self::ApiAccess, Self::Swarms];

    /// Returns its name in the configuration and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiAccess => "api_access",
            Self::Swarms => "swarms",
        }
    }
}

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(text: &str) -> Result<Self, UnknownFeature> {
        Self::ALL
            .into_iter()
            .find(|feature| feature.name() == text)
            .ok_or_else(|| UnknownFeature(text.to_owned()))
    }
}

/// A feature nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a feature of plans; use api_access or swarms")]
pub struct UnknownFeature(pub String);

impl Plan {
    /// Tells whether the plan includes something.
    pub fn includes(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}

/// A plan that is there without any configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltinPlan {
    /// The smallest.
    Free,
    /// For teams.
    Pro,
    /// Without limits.
    Enterprise,
}

impl BuiltinPlan {
    /// Every built-in plan, smallest first.
    pub const ALL: [Self; 3] = [Self::Free, Self::Pro, Self::Enterprise];

    /// Returns its name in the configuration and on the wire.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }

    /// Returns what it is. The bounds on agents and skills of `pro` are those of the sample in Agento's documents.
    pub fn plan(self) -> Plan {
        let (name, max_agents, max_skills_per_agent, features) = match self {
            Self::Free => ("Free", Some(3), Some(5), vec![Feature::ApiAccess]),
            Self::Pro => ("Pro", Some(10), Some(20), Feature::ALL.to_vec()),
            Self::Enterprise => ("Enterprise", None, None, Feature::ALL.to_vec()),
        };
        Plan {
            id: self.id().to_owned(),
            name: name.to_owned(),
            limits: Limits { max_agents, max_skills_per_agent, direct_models: None },
            features: features.into_iter().collect(),
            allowance: self.allowance(),
        }
    }

    /// Returns what it allows by the day. **Source:** AgentCop's API reference, rate limits, sandboxes and retention.
    pub const fn allowance(self) -> Allowance {
        const DAY: u64 = 24 * 60 * 60;
        match self {
            Self::Free => Allowance {
                scans: Some(100),
                evaluations: Some(1_000),
                approvals: Some(500),
                sandboxes: Some(3),
                scan_retention: Some(Duration::from_secs(90 * DAY)),
            },
            Self::Pro => Allowance {
                scans: Some(10_000),
                evaluations: Some(100_000),
                approvals: Some(50_000),
                sandboxes: None,
                scan_retention: None,
            },
            Self::Enterprise => Allowance {
                scans: None,
                evaluations: None,
                approvals: None,
                sandboxes: None,
                scan_retention: None,
            },
        }
    }
}

impl FromStr for BuiltinPlan {
    type Err = UnknownPlan;

    fn from_str(text: &str) -> Result<Self, UnknownPlan> {
        Self::ALL.into_iter().find(|plan| plan.id() == text).ok_or_else(|| UnknownPlan(text.to_owned()))
    }
}

/// A plan that is not built in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a built-in plan; use free, pro or enterprise")]
pub struct UnknownPlan(pub String);

/// Every plan that accounts can have, and the one of those that have none of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    all: Vec<Plan>,
    usual: usize,
}

impl Plans {
    /// Puts plans together. Those that are built in and not among them are added.
    ///
    /// # Errors
    ///
    /// [`NoSuchPlan`] if none is called `usual`.
    pub fn new(plans: Vec<Plan>, usual: &str) -> Result<Self, NoSuchPlan> {
        let mut all = plans;
        for builtin in BuiltinPlan::ALL {
            if all.iter().all(|plan| plan.id != builtin.id()) {
                all.push(builtin.plan());
            }
        }
        match all.iter().position(|plan| plan.id == usual) {
            Some(usual) => Ok(Self { all, usual }),
            None => Err(NoSuchPlan { id: usual.to_owned(), known: ids(&all) }),
        }
    }

    /// Returns the built-in plans, with one of them for accounts that have none of their own.
    pub fn builtin(usual: BuiltinPlan) -> Self {
        let index = BuiltinPlan::ALL.iter().position(|plan| *plan == usual).unwrap_or_default();
        Self { all: BuiltinPlan::ALL.map(BuiltinPlan::plan).to_vec(), usual: index }
    }

    /// Returns the plan of an account that chose `id`: the usual one where it chose none, or one that is no longer
    /// there.
    pub fn of(&self, id: Option<&str>) -> &Plan {
        id.and_then(|id| self.all.iter().find(|plan| plan.id == id)).unwrap_or(&self.all[self.usual])
    }

    /// Returns the plan with this name.
    ///
    /// # Errors
    ///
    /// [`NoSuchPlan`] says which there are.
    pub fn named(&self, id: &str) -> Result<&Plan, NoSuchPlan> {
        let found = self.all.iter().find(|plan| plan.id == id);
        found.ok_or_else(|| NoSuchPlan { id: id.to_owned(), known: ids(&self.all) })
    }

    /// Returns every plan.
    pub fn all(&self) -> &[Plan] {
        &self.all
    }
}

fn ids(plans: &[Plan]) -> String {
    plans.iter().map(|plan| plan.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// A plan that neither is built in nor stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no plan {id:?}; there are {known}")]
pub struct NoSuchPlan {
    /// What was asked for.
    pub id: String,
    /// Which there are.
    pub known: String,
}

/// What a plan allows; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Scans by one key in any 24 hours.
    pub scans: Option<u64>,
    /// Evaluations by the gate for one key in any 24 hours.
    pub evaluations: Option<u64>,
    /// Approvals asked for by one key in any 24 hours.
    pub approvals: Option<u64>,
    /// Sandboxes of one account at once.
    pub sandboxes: Option<u32>,
    /// How long results of scans are kept.
    pub scan_retention: Option<Duration>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metered {
    /// A scan.
    Scan,
    /// An evaluation by the gate.
    Evaluation,
    /// An approval that was asked for.
    Approval,
}

impl Metered {
    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Evaluation => "evaluation",
            Self::Approval => "approval",
        }
    }
}

impl Allowance {
    /// Returns how much of something a key may use in any 24 hours.
    pub const fn of(&self, what: Metered) -> Option<u64> {
        match what {
            Metered::Scan => self.scans,
            Metered::Evaluation => self.evaluations,
            Metered::Approval => self.approvals,
        }
    }
}
