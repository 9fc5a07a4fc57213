//! The smallest policy that covers what was done.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Ruling;

/// One act that a policy is to cover.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The tool.
    pub tool: String,
    /// Its parameters; `None` where they were not kept.
    pub parameters: Option<Value>,
    /// What became of it: a person may have had to say yes.
    pub ruling: Ruling,
}

/// Names of parameters that say where something goes, for which the values seen make a constraint.
const TELLING: [&str; 9] =
    ["method", "host", "to", "recipient", "channel", "domain", "environment", "repository", "branch"];

/// Values of one parameter up to which they are listed.
const FEW: usize = 10;

/// Returns the document of the smallest policy that lets through what was let through and asks where a person was
/// asked: everything else is blocked. Parameters that say where something goes are held to the values seen, as
/// long as those are few and were always given.
pub fn suggest<'o>(observed: impl IntoIterator<Item = &'o Observed>) -> Value {
    let mut tools: BTreeMap<&str, Tool> = BTreeMap::new();
    for act in observed.into_iter().filter(|act| act.ruling != Ruling::Block) {
        tools.entry(&act.tool).or_default().see(act);
    }
    let list = |ruling| -> Value {
        let of = tools.iter().filter(|(_, tool)| tool.ruling() == ruling);
        of.map(|(name, tool)| tool.rule(name)).collect::<Vec<_>>().into()
    };
    json!({
        "default": Ruling::Block.name(),
        "allow": list(Ruling::Allow),
        "require_approval": list(Ruling::RequireApproval),
        "block": [],
    })
}

#[derive(Default)]
struct Tool {
    calls: usize,
    asked: bool,
    /// What was seen of each telling parameter, as JSON texts, and how often.
    seen: BTreeMap<&'static str, (usize, BTreeSet<String>)>,
}

impl Tool {
    fn see(&mut self, act: &Observed) {
        self.calls += 1;
        self.asked |= act.ruling == Ruling::RequireApproval;
        for name in TELLING {
            let value = act.parameters.as_ref().and_then(|parameters| parameters.get(name));
            if let Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) = value {
                let (times, values) = self.seen.entry(name).or_default();
                *times += 1;
                values.insert(value.to_string());
            }
        }
    }

    const fn ruling(&self) -> Ruling {
        if self.asked { Ruling::RequireApproval } else { Ruling::Allow }
    }

    fn rule(&self, name: &str) -> Value {
        let mut when = Map::new();
        if !self.asked {
            for (parameter, (times, values)) in &self.seen {
                if *times == self.calls && values.len() <= FEW {
                    // silent-ok: each text is a value that was printed just above.
                    let values = values.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
                    when.insert((*parameter).to_owned(), json!({"one_of": values.collect::<Vec<_>>()}));
                }
            }
        }
        // A name with a glob's characters would be read as one.
        let name =
            if name.contains(['*', '?', '[', '{', '\\']) { globset::escape(name) } else { name.to_owned() };
        if when.is_empty() { name.into() } else { json!({"tool": name, "when": when}) }
    }
}
