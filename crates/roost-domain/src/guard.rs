//! The guard: what an account's records, its policies and permissions, say about one subject's tool calls.
//!
//! It answers for agents that run elsewhere and ask before they act, and it is a part of the one gate that binds
//! agents hosted here ([`crate::gate`]).

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::network::Host;
use crate::permissions::{Access, Denial, Effective};
use crate::policy::{By, Compiled, Judged, Ruling, Version};

mod touch;

pub use touch::touches;

/// What an account's records say about one subject.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Its policy, if it has one.
    pub policy: Option<(Version, Arc<Compiled>)>,
    /// Its permissions, with those it inherits.
    pub permissions: Effective,
    /// Whether its permissions were taken away: then nothing is allowed until it gets new ones.
    pub revoked: bool,
}

/// Something that a tool call touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// A file.
    Path(String, Access),
    /// A host, on a port.
    Host(Host, u16),
    /// Something that names a file or a host, and nobody can tell for sure which.
    Unclear(String),
}

/// What is thought of a tool call, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// What becomes of it.
    pub ruling: Ruling,
    /// What decided; stable, explained in `docs/guard.md`.
    pub code: &'static str,
    /// A sentence that says so.
    pub why: String,
    /// The smallest change that would allow it, as a sentence; empty where it is allowed.
    pub grant: String,
    /// The version of the policy that was asked.
    pub version: Option<Version>,
    /// The rule of the policy that decided, by its place: `block[2]`.
    pub rule: Option<String>,
}

impl fmt::Display for Opinion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        if self.grant.is_empty() { Ok(()) } else { write!(f, ". {}", self.grant) }
    }
}

impl Guard {
    /// Tells whether the account has nothing to say about the subject.
    pub const fn is_empty(&self) -> bool {
        self.policy.is_none() && self.permissions.is_empty() && !self.revoked
    }

    /// Returns the version of the policy.
    pub fn version(&self) -> Option<Version> {
        self.policy.as_ref().map(|(version, _)| *version)
    }

    /// Says what the records say about a call; `None` where they leave it open. Permissions come before the policy:
    /// what they deny stays denied.
    pub fn opinion(&self, tool: &str, parameters: &Value, touches: &[Touch]) -> Option<Opinion> {
        if self.revoked {
            return Some(self.no_policy("The agent's permissions were deleted, so nothing is allowed"));
        }
        if let Err(denial) = self.permissions.tool(tool).and_then(|()| self.touches(touches)) {
            return Some(self.denied(denial));
        }
        if let Some((version, policy)) = &self.policy {
            return Some(by_policy(*version, policy, tool, parameters));
        }
        self.permissions.lists_tool(tool).then(|| Opinion {
            ruling: Ruling::Allow,
            code: "permitted",
            why: format!("{tool} is among the permitted tools, and the agent has no policy"),
            grant: String::new(),
            version: None,
            rule: None,
        })
    }

    /// Says what becomes of a call of an agent that runs elsewhere: what nobody allows is blocked.
    pub fn closed_opinion(&self, tool: &str, parameters: &Value, touches: &[Touch]) -> Opinion {
        self.opinion(tool, parameters, touches).unwrap_or_else(|| {
            if self.is_empty() {
                self.no_policy("There is neither a policy nor permissions for this agent")
            } else {
                Opinion {
                    ruling: Ruling::Block,
                    code: "tool_not_listed",
                    why: format!("{tool} is not among the permitted tools, and the agent has no policy"),
                    grant: format!("Add {tool:?} to tools.allow of its permissions, or give it a policy"),
                    version: None,
                    rule: None,
                }
            }
        })
    }

    fn touches(&self, touches: &[Touch]) -> Result<(), Denial> {
        touches.iter().try_for_each(|touch| match touch {
            Touch::Path(path, access) => self.permissions.path(path, *access),
            Touch::Host(host, port) => self.permissions.host(host, *port),
            Touch::Unclear(what) => self.permissions.unclear(what),
        })
    }

    fn denied(&self, denial: Denial) -> Opinion {
        Opinion {
            ruling: Ruling::Block,
            code: denial.code,
            why: denial.why,
            grant: denial.grant,
            version: self.version(),
            rule: None,
        }
    }

    fn no_policy(&self, why: &str) -> Opinion {
        Opinion {
            ruling: Ruling::Block,
            code: "no_policy_found",
            why: why.to_owned(),
            grant: "Create permissions, or a policy, for this agent".to_owned(),
            version: self.version(),
            rule: None,
        }
    }
}

fn by_policy(version: Version, policy: &Compiled, tool: &str, parameters: &Value) -> Opinion {
    let Judged { ruling, by } = policy.judge(tool, parameters);
    let place = |rule: &crate::policy::Rule| format!("{}[{}]", rule.ruling, rule.index);
    let (code, why, grant, rule) = match &by {
        By::Rule(rule) => {
            let at = place(rule);
            let (code, verb, grant) = match ruling {
                Ruling::Allow => ("allowed_by_rule", "is allowed", String::new()),
                Ruling::RequireApproval => {
                    let grant = format!("Add {tool:?} to allow and take it out of {at}");
                    ("approval_by_rule", "requires human approval", grant)
                }
                Ruling::Block => ("blocked_by_rule", "is blocked", format!("Take {tool:?} out of {at}")),
            };
            let why = format!("{tool} {verb} per policy v{version} ({at}: {})", rule.tool);
            (code, why, grant, Some(at))
        }
        By::Constraint { tool: pattern, parameter, test } => {
            let at = format!("constraints.{pattern}.{parameter}");
            let why = format!("{parameter} of {tool} {} per policy v{version} ({at})", test.demand());
            ("constraint_violated", why, format!("Call it so that it is, or change {at}"), Some(at))
        }
        By::Default => {
            let (code, verb) = match ruling {
                Ruling::Allow => ("allowed_by_default", "is allowed"),
                Ruling::RequireApproval => ("approval_by_default", "requires human approval"),
                Ruling::Block => ("tool_not_listed", "is blocked"),
            };
            let why = format!("{tool} is in no list and {verb} by the default of policy v{version}");
            let grant =
                if ruling == Ruling::Allow { String::new() } else { format!("Add {tool:?} to allow") };
            (code, why, grant, None)
        }
    };
    Opinion { ruling, code, why, grant, version: Some(version), rule }
}

#[cfg(test)]
mod tests;
