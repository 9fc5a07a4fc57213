//! Machines: the isolated environment of one agent.

use std::str::FromStr;
use std::time::Duration;

use crate::unit::{Bytes, MilliCpus};

/// How big a machine is. The limits are enforced, not labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// 1 vCPU, 2 GiB.
    Small,
    /// 2 vCPU, 4 GiB.
    Medium,
    /// 2 vCPU, 8 GiB.
    Large,
    /// 4 vCPU, 16 GiB.
    Xlarge,
}

impl Size {
    /// Every size, smallest first.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::Xlarge];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Xlarge => "xlarge",
        }
    }

    /// Returns what a machine of this size may use.
    pub const fn limits(self) -> Limits {
        let (cpus, memory_gib) = match self {
            Self::Small => (1, 2),
            Self::Medium => (2, 4),
            Self::Large => (2, 8),
            Self::Xlarge => (4, 16),
        };
        Limits { cpu: MilliCpus::whole(cpus), memory: Bytes::gib(memory_gib), processes: 512 }
    }
}

impl FromStr for Size {
    type Err = UnknownSize;

    fn from_str(text: &str) -> Result<Self, UnknownSize> {
        Self::ALL.into_iter().find(|size| size.name() == text).ok_or_else(|| UnknownSize(text.to_owned()))
    }
}

/// A size nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a machine size; use small, medium, large or xlarge")]
pub struct UnknownSize(pub String);

/// What a machine may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU time.
    pub cpu: MilliCpus,
    /// Memory of all its processes together, page cache included.
    pub memory: Bytes,
    /// Processes and threads alive at once.
    pub processes: u32,
}

/// What a machine uses now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stats {
    /// Memory in use.
    pub memory: Bytes,
    /// Memory it may use.
    pub memory_limit: Bytes,
    /// CPU time used since it started.
    pub cpu: Duration,
    /// Share of one CPU used since the last reading: `0.5` is half a CPU, `2.0` two whole ones.
    pub cpu_share: f64,
    /// Processes alive.
    pub processes: u32,
}

/// What a machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// There is none: never started, or stopped. The workspace may exist.
    Absent,
    /// Up.
    Running,
    /// Up, its processes frozen.
    Frozen,
}

impl Condition {
    /// Returns its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Running => "running",
            Self::Frozen => "frozen",
        }
    }
}

/// One wall around a machine, and whether this host lets it stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name: `namespaces`, `network`, `files`, `seccomp`, `landlock`, `memory`, `cpu`, `processes`, `freezer`.
    pub name: &'static str,
    /// Whether it holds here.
    pub holds: bool,
    /// How (`cgroup v1`), or why not.
    pub detail: String,
}
