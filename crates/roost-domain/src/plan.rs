//! Plans: how much of what is metered an account's keys may use.

use std::str::FromStr;
use std::time::Duration;

/// A plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plan {
    /// The smallest.
    Free,
    /// For teams.
    Pro,
    /// Without limits.
    Enterprise,
}

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Self; 3] = [Self::Free, Self::Pro, Self::Enterprise];

    /// Returns its name in the configuration and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }

    /// Returns what it allows. **Source:** AgentCop's API reference, rate limits, sandboxes and retention.
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

impl FromStr for Plan {
    type Err = UnknownPlan;

    fn from_str(text: &str) -> Result<Self, UnknownPlan> {
        Self::ALL.into_iter().find(|plan| plan.name() == text).ok_or_else(|| UnknownPlan(text.to_owned()))
    }
}

/// A plan nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a plan; use free, pro or enterprise")]
pub struct UnknownPlan(pub String);

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
