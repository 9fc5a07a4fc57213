//! What holds when permissions are inherited.

use super::{Access, Compute, Network, Permissions};
use crate::files::FileRules;
use crate::network::{Host, HostRule, within_both};
use crate::policy::ToolPattern;

/// The permissions that hold for a subject: its own, under those it inherits.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effective {
    layers: Vec<Layer>,
}

#[derive(Debug, Clone, PartialEq)]
struct Layer {
    /// Whose permissions they are, as denials name them.
    of: String,
    permissions: Permissions,
}

/// Why something is not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Stable: `tool_blocked`, `tool_not_permitted`, `path_denied`, `path_not_permitted`, `host_denied`,
    /// `host_not_permitted`.
    pub code: &'static str,
    /// A sentence that names what is not permitted and by whose permissions.
    pub why: String,
    /// The smallest change that would permit it, as a sentence.
    pub grant: String,
}

impl Effective {
    /// Puts layers together, each with whose it is, the outermost first.
    pub fn new(layers: impl IntoIterator<Item = (String, Permissions)>) -> Self {
        let layer = |(of, permissions)| Layer { of, permissions };
        Self { layers: layers.into_iter().map(layer).collect() }
    }

    /// Tells whether nobody has said anything.
    pub const fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Tells whether the tool is listed as allowed by some layer.
    pub fn lists_tool(&self, tool: &str) -> bool {
        self.layers.iter().any(|layer| any(&layer.permissions.tools.allow, tool).is_some())
    }

    /// Checks a tool.
    ///
    /// # Errors
    ///
    /// The [`Denial`] of the outermost layer that does not permit it; blocks come before missing entries.
    pub fn tool(&self, tool: &str) -> Result<(), Denial> {
        for Layer { of, permissions } in &self.layers {
            if let Some(pattern) = any(&permissions.tools.block, tool) {
                return Err(Denial {
                    code: "tool_blocked",
                    why: format!("The permissions of {of} block the tool {tool} ({pattern})"),
                    grant: format!("Take {:?} out of tools.block of {of} to permit it", pattern.as_str()),
                });
            }
        }
        for Layer { of, permissions } in &self.layers {
            let allow = &permissions.tools.allow;
            if !allow.is_empty() && any(allow, tool).is_none() {
                return Err(Denial {
                    code: "tool_not_permitted",
                    why: format!("The permissions of {of} do not list the tool {tool}"),
                    grant: format!("Add {tool:?} to tools.allow of {of} to permit it"),
                });
            }
        }
        Ok(())
    }

    /// Checks access to a path of the workspace.
    ///
    /// # Errors
    ///
    /// The [`Denial`] of the outermost layer that does not permit it.
    pub fn path(&self, path: &str, access: Access) -> Result<(), Denial> {
        for Layer { of, permissions } in &self.layers {
            let list = if access == Access::Read { "data.read" } else { "data.write" };
            match permissions.data.check(path, access) {
                Ok(()) => {}
                Err(Some(rule)) => {
                    let rule = rule.to_string();
                    return Err(Denial {
                        code: "path_denied",
                        why: format!("The permissions of {of} deny {path:?} ({rule})"),
                        grant: format!("Take {rule:?} out of data.deny of {of} to permit it"),
                    });
                }
                Err(None) => {
                    return Err(Denial {
                        code: "path_not_permitted",
                        why: format!("The permissions of {of} do not list {path:?} in {list}"),
                        grant: format!("Add {path:?} to {list} of {of} to permit it"),
                    });
                }
            }
        }
        Ok(())
    }

    /// Checks a connection to a host.
    ///
    /// # Errors
    ///
    /// The [`Denial`] of the outermost layer that does not permit it.
    pub fn host(&self, host: &Host, port: u16) -> Result<(), Denial> {
        for Layer { of, permissions } in &self.layers {
            let network = &permissions.network;
            let denies = |rule: &&HostRule| rule.matches(host, port) && !rule.is_any();
            if let Some(rule) = network.deny.iter().find(denies) {
                return Err(Denial {
                    code: "host_denied",
                    why: format!("The permissions of {of} deny connections to {host} ({rule})"),
                    grant: format!("Take {:?} out of network.deny of {of} to permit it", rule.to_string()),
                });
            }
            let listed = network.allow.iter().any(|rule| rule.matches(host, port));
            if network.is_confined() && !listed {
                return Err(Denial {
                    code: "host_not_permitted",
                    why: format!("The permissions of {of} do not list {host}"),
                    grant: format!("Add {:?} to network.allow of {of} to permit it", host.to_string()),
                });
            }
        }
        Ok(())
    }

    /// Returns the hosts that are denied, and, if connections are confined, those that are left, which may be
    /// none.
    pub fn hosts(&self) -> (Vec<HostRule>, Option<Vec<HostRule>>) {
        let mut deny = Vec::new();
        let mut confine: Option<Vec<HostRule>> = None;
        for network in self.layers.iter().map(|layer| &layer.permissions.network) {
            deny.extend(network.deny.iter().filter(|rule| !rule.is_any()).cloned());
            if network.is_confined() {
                confine = Some(match confine {
                    None => network.allow.clone(),
                    Some(before) => within_both(&before, &network.allow),
                });
            }
        }
        (deny, confine)
    }

    /// Returns the files' rules of every layer.
    pub fn files(&self) -> FileRules {
        FileRules::merge(self.layers.iter().map(|layer| layer.permissions.data.in_workspace()))
    }

    /// Returns the smallest limits.
    pub fn compute(&self) -> Compute {
        let least = |limit: fn(&Compute) -> Option<u64>| {
            self.layers.iter().filter_map(|layer| limit(&layer.permissions.compute)).min()
        };
        let runtime = self.layers.iter().filter_map(|layer| layer.permissions.compute.max_runtime).min();
        Compute {
            max_tokens_per_run: least(|compute| compute.max_tokens_per_run),
            max_tool_calls_per_run: least(|compute| compute.max_tool_calls_per_run),
            max_runtime: runtime,
        }
    }
}

impl Network {
    /// Tells whether only listed hosts are left.
    pub fn is_confined(&self) -> bool {
        self.block_outbound || !self.allow.is_empty() || self.deny.iter().any(HostRule::is_any)
    }
}

fn any<'p>(patterns: &'p [ToolPattern], tool: &str) -> Option<&'p ToolPattern> {
    patterns.iter().find(|pattern| pattern.matches(tool))
}
