//! The one decision before every effect.
//!
//! [`decide`] is pure: the effect, the rules that hold now, and out comes a [`Permit`], a question for a person
//! or a refusal. Ports that act take a `&Permit`, and nothing outside this crate can make one, so code that
//! acts without having asked does not compile.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::effect::{Action, Cause, Effect, EffectHash};
use crate::guard::{Guard, Opinion, Touch};
use crate::id::AgentId;
use crate::network::{Host, NetworkRules};
use crate::permissions::Access;
use crate::policy::Ruling;
use crate::scan::{Finding, Severity};
use crate::skill::{FOLDER, SkillId, SkillPath};
use crate::taint::{self, Taint};
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

/// Gives the gate itself leave to read a file of an agent's workspace, to see what a command would run before it
/// decides about the command. What is read goes to the scanner and to nobody else.
pub fn inspect(agent: AgentId, path: &str) -> Permit {
    let action = Action::ReadFiles { path: path.to_owned() };
    Permit { agent, action, hash: EffectHash([0; 32]) }
}

/// What Roost itself does in an agent's machine so that the files of its skills are there: three fixed acts within one
/// folder of the workspace, and none that says more.
#[derive(Debug, Clone, Copy)]
pub enum Equip<'a> {
    /// Removes the folder with what was in it.
    Clear,
    /// Writes one file of a skill into it.
    File(&'a SkillId, &'a SkillPath),
    /// Makes its scripts runnable and all of it read-only.
    Seal,
}

/// Gives Roost itself leave to put the files of an agent's skills into its machine. What they are was decided when the
/// skill was installed.
pub fn equip(agent: AgentId, act: Equip<'_>) -> Permit {
    let action = match act {
        Equip::Clear => Action::RunCommand {
            command: format!("[ -L {FOLDER} ] || chmod -R u+w {FOLDER} 2>/dev/null; rm -rf {FOLDER}"),
        },
        Equip::File(skill, path) => Action::WriteFile { path: format!("{FOLDER}/{skill}/{path}") },
        Equip::Seal => Action::RunCommand {
            command: format!(
                "find {FOLDER} -path '*/scripts/*' -type f -exec chmod a+x {{}} + && chmod -R a-w {FOLDER}"
            ),
        },
    };
    Permit { agent, action, hash: EffectHash([0; 32]) }
}

/// Tells whether processes in an agent's machine can connect to any host at all.
pub fn reaches_hosts(profile: Profile, network: &NetworkRules) -> bool {
    let own = match profile {
        Profile::Open => network.confine.as_ref().is_none_or(|confined| !confined.is_empty()),
        Profile::Standard => network.reaches_any(),
        // Nothing can wait for a person inside a machine.
        Profile::Strict => false,
    };
    own && network.also.iter().all(|bounds| reaches_hosts(bounds.profile, &bounds.network))
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
    /// Where it may connect to, with what its permissions make of that.
    pub network: &'a NetworkRules,
    /// What it may spend in its life; `None` is without limit.
    pub budget: Option<MicroUsd>,
    /// What it has spent and reserved so far.
    pub committed: MicroUsd,
    /// What its account's policies and permissions say.
    pub guard: &'a Guard,
    /// What its turn has used so far.
    pub used: Used,
    /// Text from outside that has come into its session, if any has.
    pub taint: Option<Taint>,
    /// The worst that a scan found in what would run.
    pub found: Option<&'a Finding>,
}

impl<'a> Rules<'a> {
    /// Returns the rules of an agent without a budget, in a turn that has used nothing and read nothing.
    pub fn new(profile: Profile, network: &'a NetworkRules, guard: &'a Guard) -> Self {
        Self {
            profile,
            network,
            budget: None,
            committed: MicroUsd::ZERO,
            guard,
            used: Used::default(),
            taint: None,
            found: None,
        }
    }
}

/// What a turn has used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Tool calls that were begun.
    pub tool_calls: u64,
    /// Tokens read and written.
    pub tokens: u64,
    /// Time since it began, waiting included.
    pub time: Duration,
}

/// The outcome of a decision, with why.
#[derive(Debug)]
pub enum Decision {
    /// Do it.
    Allowed(Permit, Opinion),
    /// Ask a person.
    NeedsApproval(Opinion),
    /// Do not.
    Blocked(Opinion),
}

/// Why a connection is refused, or a profile does not simply allow an effect.
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
/// Precedence: what anything blocks is blocked; what anything wants approved is never silently allowed. The
/// opinion is that of the strictest; where several want an approval, it says all their reasons.
pub fn decide(effect: &Effect, rules: &Rules<'_>) -> Decision {
    let opinions = [
        by_records(effect, rules),
        by_compute(effect, rules),
        Some(by_profile(effect, rules)),
        by_taint(effect, rules),
        by_scan(rules),
    ];
    let mut strictest: Option<Opinion> = None;
    for opinion in opinions.into_iter().flatten() {
        strictest = Some(match strictest {
            Some(before) if before.ruling > opinion.ruling => before,
            Some(before) if before.ruling < opinion.ruling => opinion,
            Some(before) if before.ruling == Ruling::RequireApproval => both(before, &opinion),
            Some(before) => before,
            None => opinion,
        });
    }
    let opinion = strictest.unwrap_or_else(|| by_profile(effect, rules));
    match opinion.ruling {
        Ruling::Allow => Decision::Allowed(Permit::grant(effect), opinion),
        Ruling::RequireApproval => Decision::NeedsApproval(opinion),
        Ruling::Block => Decision::Blocked(opinion),
    }
}

/// What the account's records say about a tool. The model is no tool, so no rule about tools keeps an agent from
/// thinking.
fn by_records(effect: &Effect, rules: &Rules<'_>) -> Option<Opinion> {
    let Cause::Tool(call) = &effect.cause else { return None };
    rules.guard.opinion(&call.tool, &call.arguments, &touched(&effect.action))
}

fn touched(action: &Action) -> Vec<Touch> {
    match action {
        Action::ReadFiles { path } => vec![Touch::Path(path.clone(), Access::Read)],
        Action::WriteFile { path } => vec![Touch::Path(path.clone(), Access::Write)],
        Action::SendHttp { host, port, .. } => vec![Touch::Host(host.clone(), *port)],
        // What a command touches, its machine holds to the same rules.
        Action::RunCommand { .. }
        | Action::RunRuntime { .. }
        | Action::CallModel { .. }
        | Action::AskPeer
        | Action::HandOut { .. }
        | Action::ReadDocument { .. }
        | Action::ChangeDocument { .. }
        | Action::ReadSkill { .. }
        | Action::SearchKnowledge { .. }
        | Action::FindOperations { .. }
        | Action::WriteKnowledge { .. }
        | Action::AskAgent { .. } => Vec::new(),
    }
}

fn by_compute(effect: &Effect, rules: &Rules<'_>) -> Option<Opinion> {
    let limits = rules.guard.permissions.compute();
    let used = rules.used;
    let (what, field) = match (limits.max_runtime, limits.max_tokens_per_run, limits.max_tool_calls_per_run) {
        (Some(max), _, _) if used.time > max => {
            (format!("{} s of its {} s", used.time.as_secs(), max.as_secs()), "max_runtime_seconds")
        }
        (_, Some(max), _) if matches!(effect.cause, Cause::Loop) && used.tokens >= max => {
            (format!("{} tokens of its {max}", used.tokens), "max_tokens_per_run")
        }
        (_, _, Some(max)) if matches!(effect.cause, Cause::Tool(_)) && used.tool_calls >= max => {
            (format!("{} tool calls of its {max}", used.tool_calls), "max_tool_calls_per_run")
        }
        _ => return None,
    };
    Some(Opinion {
        ruling: Ruling::Block,
        code: "compute_exceeded",
        why: format!("The turn has used {what}"),
        grant: format!("Raise compute.{field} of the agent's permissions to let it go on"),
        version: rules.guard.version(),
        rule: None,
    })
}

fn by_profile(effect: &Effect, rules: &Rules<'_>) -> Opinion {
    let verdict = match &effect.action {
        Action::CallModel { worst_case, .. } => spending(*worst_case, rules),
        Action::SendHttp { host, port, .. } => connecting(host, *port, rules),
        Action::RunCommand { .. } => own_machine("command", "Commands", rules.profile),
        Action::RunRuntime { .. } => own_machine("runtime", "Runtimes of others", rules.profile),
        Action::WriteFile { .. } => own_machine("change", "Changes to files", rules.profile),
        Action::ChangeDocument { name } => own_document(name, rules.profile),
        Action::WriteKnowledge { .. } => own_machine("change", "Additions to its knowledge", rules.profile),
        Action::AskAgent { .. } => own_machine("ask_agent", "Tasks for other agents", rules.profile),
        Action::ReadFiles { .. }
        | Action::AskPeer
        | Action::HandOut { .. }
        | Action::ReadDocument { .. }
        | Action::ReadSkill { .. }
        | Action::SearchKnowledge { .. }
        | Action::FindOperations { .. } => Verdict::Allow,
    };
    let version = rules.guard.version();
    let (ruling, reason) = match verdict {
        Verdict::Ask(reason) => (Ruling::RequireApproval, reason),
        Verdict::Block(reason) => (Ruling::Block, reason),
        Verdict::Allow => {
            let why = format!("The policy profile {} allows it", rules.profile.name());
            (Ruling::Allow, Reason { rule: "profile", why, grant: String::new() })
        }
    };
    Opinion { ruling, code: reason.rule, why: reason.why, grant: reason.grant, version, rule: None }
}

fn by_taint(effect: &Effect, rules: &Rules<'_>) -> Option<Opinion> {
    let taint = rules.taint?;
    if rules.profile != Profile::Standard
        || !taint::sends_out(&effect.action, reaches_hosts(rules.profile, rules.network))
    {
        return None;
    }
    let from = match taint {
        Taint::Web => "the web",
        Taint::Command => "a command that connected to the network",
    };
    Some(Opinion {
        ruling: Ruling::RequireApproval,
        code: "tainted",
        why: format!(
            "Text from {from} is in the conversation, and this could carry data out, or it into other conversations"
        ),
        grant: "Begin a new session for it, or set config.policy to open to allow such acts".to_owned(),
        version: rules.guard.version(),
        rule: None,
    })
}

fn by_scan(rules: &Rules<'_>) -> Option<Opinion> {
    let found = rules.found?;
    let policy = rules.guard.policy.as_ref().map(|(_, policy)| policy.policy());
    let limit = policy.map_or(Severity::Critical, |policy| policy.scan_fails_on);
    (found.severity >= limit).then(|| Opinion {
        ruling: Ruling::RequireApproval,
        code: "scan_finding",
        why: format!(
            "A scan of what would run found {} ({}, {} line {}): {}",
            found.severity,
            found.rule,
            found.file.as_deref().unwrap_or("the command"),
            found.line,
            found.description
        ),
        grant: "Mend what was found to run it without asking".to_owned(),
        version: rules.guard.version(),
        rule: None,
    })
}

/// Joins two reasons to ask a person, who should see both.
fn both(first: Opinion, second: &Opinion) -> Opinion {
    let why = format!("{}. {}", first.why, second.why);
    let grant = format!("{}. {}", first.grant, second.grant);
    Opinion { why, grant, ..first }
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
        Profile::Standard | Profile::Strict if !network.lists(host, port) => Err(host_not_listed(host)),
        Profile::Strict => Err(connections_need_approval(host)),
        Profile::Open | Profile::Standard => network
            .also
            .iter()
            .try_for_each(|bounds| decide_connection(bounds.profile, &bounds.network, host, port)),
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

/// What shapes an agent is its people's to change, unless they have let it do as it sees fit.
fn own_document(name: &str, profile: Profile) -> Verdict {
    match profile {
        Profile::Open => Verdict::Allow,
        Profile::Standard | Profile::Strict => Verdict::Ask(Reason {
            rule: "own_document",
            why: format!("The agent wants to change its own {name}"),
            grant: "Set config.policy to open to let it do so without asking".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
