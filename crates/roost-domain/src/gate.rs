//! The one decision before every effect.
//!
//! [`decide`] is pure: the effect, the rules that hold now, and out comes a [`Permit`], a question for a person
//! or a refusal. Ports that act take a `&Permit`, and nothing outside this crate can make one, so code that
//! acts without having asked does not compile.

use std::fmt;
use std::str::FromStr;

use crate::effect::{Action, Effect, EffectHash};
use crate::id::AgentId;
use crate::network::{Host, NetworkRules};
use crate::unit::MicroUsd;

/// Leave to do one exact effect, once.
///
/// Not `Clone`: it is given to the port that acts and dropped after the act.
#[derive(Debug)]
pub struct Permit {
    agent: AgentId,
    action: Action,
    hash: EffectHash,
}

impl Permit {
    pub(crate) fn grant(effect: &Effect) -> Self {
        Self { agent: effect.agent, action: effect.action.clone(), hash: effect.hash() }
    }

    /// Returns who may act.
    pub const fn agent(&self) -> AgentId {
        self.agent
    }

    /// Returns what may be done.
    pub const fn action(&self) -> &Action {
        &self.action
    }

    /// Returns the hash of the exact effect.
    pub const fn hash(&self) -> EffectHash {
        self.hash
    }
}

/// How much an agent may do without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Everything within its budget.
    Open,
    /// Its own machine, workspace and peer; unlisted hosts and spending beyond the budget after approval.
    Standard,
    /// Reading its own workspace and asking its peer; commands, changes and listed hosts after approval;
    /// unlisted hosts and spending beyond the budget not at all.
    Strict,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Open, Self::Standard, Self::Strict];

    /// Returns its name in configurations and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Standard => "standard",
            Self::Strict => "strict",
        }
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.name() == text)
            .ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}

/// A policy profile nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a policy profile; use open, standard or strict")]
pub struct UnknownProfile(pub String);

/// What holds for an agent at the moment of a decision.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Its policy profile.
    pub profile: Profile,
    /// Where it may connect to.
    pub network: &'a NetworkRules,
    /// What it may spend in its life; `None` is without limit.
    pub budget: Option<MicroUsd>,
    /// What it has spent and reserved so far.
    pub committed: MicroUsd,
}

/// The outcome of a decision.
#[derive(Debug)]
pub enum Decision {
    /// Do it.
    Allowed(Permit),
    /// Ask a person.
    NeedsApproval(Reason),
    /// Do not.
    Blocked(Reason),
}

/// Why an effect is not simply allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The rule that decided: `host_not_listed`, `host_denied`, `host_not_in_confinement`,
    /// `budget_exceeded`, `command`, `change`, `network`.
    pub rule: &'static str,
    /// A sentence that names what is not allowed.
    pub why: String,
    /// The smallest change that would allow it, as a sentence.
    pub grant: String,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.why, self.grant)
    }
}

/// Decides about one effect.
///
/// Precedence: what is blocked stays blocked; what needs approval is never silently allowed.
pub fn decide(effect: &Effect, rules: &Rules<'_>) -> Decision {
    let verdict = match &effect.action {
        Action::CallModel { worst_case, .. } => spending(*worst_case, rules),
        Action::SendHttp { host, port, .. } => connecting(host, *port, rules),
        Action::RunCommand { .. } => own_machine("command", "Commands", rules.profile),
        Action::WriteFile { .. } => own_machine("change", "Changes to files", rules.profile),
        Action::ReadFiles { .. } | Action::AskPeer => Verdict::Allow,
    };
    match verdict {
        Verdict::Allow => Decision::Allowed(Permit::grant(effect)),
        Verdict::Ask(reason) => Decision::NeedsApproval(reason),
        Verdict::Block(reason) => Decision::Blocked(reason),
    }
}

/// Decides whether a process in the agent's machine may connect to a host.
///
/// Nothing can wait for a person here, so what would need approval is refused as well; the reason names the
/// grant.
///
/// # Errors
///
/// The [`Reason`] for the refusal.
pub fn decide_connection(
    profile: Profile,
    network: &NetworkRules,
    host: &Host,
    port: u16,
) -> Result<(), Reason> {
    if let Some(reason) = never(network, host, port) {
        return Err(reason);
    }
    match profile {
        Profile::Open => Ok(()),
        Profile::Standard | Profile::Strict if !network.lists(host, port) => Err(host_not_listed(host)),
        Profile::Standard => Ok(()),
        Profile::Strict => Err(connections_need_approval(host)),
    }
}

enum Verdict {
    Allow,
    Ask(Reason),
    Block(Reason),
}

fn spending(worst_case: MicroUsd, rules: &Rules<'_>) -> Verdict {
    let Some(budget) = rules.budget else { return Verdict::Allow };
    if worst_case == MicroUsd::ZERO || rules.committed.saturating_add(worst_case) <= budget {
        return Verdict::Allow;
    }
    let reason = Reason {
        rule: "budget_exceeded",
        why: format!(
            "The next model call may cost {worst_case}, and {} of the agent's budget of {budget} is used",
            rules.committed
        ),
        grant: "Raise config.budgetUsd to let it go on".to_owned(),
    };
    match rules.profile {
        Profile::Standard => Verdict::Ask(reason),
        Profile::Open | Profile::Strict => Verdict::Block(reason),
    }
}

fn connecting(host: &Host, port: u16, rules: &Rules<'_>) -> Verdict {
    if let Some(reason) = never(rules.network, host, port) {
        return Verdict::Block(reason);
    }
    let listed = rules.network.lists(host, port);
    match rules.profile {
        Profile::Open => Verdict::Allow,
        Profile::Standard if listed => Verdict::Allow,
        Profile::Standard => Verdict::Ask(host_not_listed(host)),
        Profile::Strict if listed => Verdict::Ask(connections_need_approval(host)),
        Profile::Strict => Verdict::Block(host_not_listed(host)),
    }
}

/// Returns why a host may not be reached under any profile and by no approval.
fn never(network: &NetworkRules, host: &Host, port: u16) -> Option<Reason> {
    if let Some(rule) = network.denies(host, port) {
        return Some(Reason {
            rule: "host_denied",
            why: format!("Connections to {host} are denied by \"{rule}\""),
            grant: format!("Take \"{rule}\" out of the denied hosts to allow it"),
        });
    }
    network.confines_away(host, port).then(|| Reason {
        rule: "host_not_in_confinement",
        why: format!("The agent is confined to certain hosts, and {host} is not among them"),
        grant: format!("Add {host:?} to the hosts it is confined to", host = host.to_string()),
    })
}

fn connections_need_approval(host: &Host) -> Reason {
    Reason {
        rule: "network",
        why: format!("Connections need approval under the policy profile strict, also to {host}"),
        grant: "Set config.policy to standard to allow connections to listed hosts".to_owned(),
    }
}

fn host_not_listed(host: &Host) -> Reason {
    Reason {
        rule: "host_not_listed",
        why: format!("The agent may not connect to {host} by itself"),
        grant: format!("Add {host:?} to config.network.allow to allow it", host = host.to_string()),
    }
}

fn own_machine(rule: &'static str, what: &str, profile: Profile) -> Verdict {
    match profile {
        Profile::Open | Profile::Standard => Verdict::Allow,
        Profile::Strict => Verdict::Ask(Reason {
            rule,
            why: format!("{what} need approval under the policy profile strict"),
            grant: "Set config.policy to standard to allow them".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
