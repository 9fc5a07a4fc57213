use std::collections::HashMap;

use globset::{GlobSet, GlobSetBuilder};
use serde_json::Value;

use super::{Constraint, Every, Policy, Rule, Ruling, Test, ToolPattern};

/// A policy that is ready to be asked. Asking looks at the rules whose tool fits and at no other.
#[derive(Debug)]
pub struct Compiled {
    policy: Policy,
    rules: Index,
    constraints: Index,
}

/// Finds the patterns that a tool's name fits.
#[derive(Debug)]
struct Index {
    literal: HashMap<String, Vec<usize>>,
    globs: GlobSet,
    /// The place of each glob of the set.
    places: Vec<usize>,
}

/// What a policy says about a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<'p> {
    /// What becomes of it.
    pub ruling: Ruling,
    /// What decided.
    pub by: By<'p>,
}

/// What of a policy decided.
#[derive(Debug, Clone, PartialEq)]
pub enum By<'p> {
    /// A rule.
    Rule(&'p Rule),
    /// A constraint that the call breaks.
    Constraint {
        /// The tools that it is about.
        tool: &'p ToolPattern,
        /// The parameter.
        parameter: &'p str,
        /// What it would have to be.
        test: &'p Test,
    },
    /// No rule is about the call.
    Default,
}

impl Compiled {
    /// Makes a policy ready.
    pub fn new(policy: Policy) -> Self {
        let rules = Index::new(policy.rules.iter().map(|rule| &rule.tool));
        let constraints = Index::new(policy.constraints.iter().map(|one| &one.tool));
        Self { policy, rules, constraints }
    }

    /// Returns the policy.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Says what becomes of a call. `parameters` is an object; anything else is as good as an empty one.
    pub fn judge(&self, tool: &str, parameters: &Value) -> Judged<'_> {
        let mut fitting = self.rules.find(tool);
        // Rules stand in order of precedence: block, ask, allow.
        fitting.sort_unstable();
        let mut fitting = fitting
            .into_iter()
            .map(|place| &self.policy.rules[place])
            .filter(|rule| rule.applies(parameters))
            .peekable();
        if let Some(rule) = fitting.peek()
            && rule.ruling == Ruling::Block
        {
            return Judged { ruling: Ruling::Block, by: By::Rule(rule) };
        }
        if let Some(by) = self.broken(tool, parameters) {
            return Judged { ruling: Ruling::Block, by };
        }
        match fitting.next() {
            Some(rule) => Judged { ruling: rule.ruling, by: By::Rule(rule) },
            None => Judged { ruling: self.policy.default, by: By::Default },
        }
    }

    fn broken(&self, tool: &str, parameters: &Value) -> Option<By<'_>> {
        self.constraints.find(tool).into_iter().find_map(|place| {
            let constraints = &self.policy.constraints[place];
            constraints.parameters.iter().find_map(|parameter| {
                let value = look_up(parameters, &parameter.name)?;
                let test = parameter.constraint.first_broken(value, Every::Entry)?;
                Some(By::Constraint { tool: &constraints.tool, parameter: &parameter.name, test })
            })
        })
    }
}

impl Rule {
    fn applies(&self, parameters: &Value) -> bool {
        // Leave is given where everything is as it should be; a refusal, where anything is as it should not.
        let every = if self.ruling == Ruling::Allow { Every::Entry } else { Every::AnyEntry };
        self.when.iter().all(|parameter| {
            let holds = |value: &Value| Constraint::holds(&parameter.constraint, value, every);
            look_up(parameters, &parameter.name).is_some_and(holds)
        })
    }
}

/// Finds a parameter by its name, or by the path that its name spells with dots.
fn look_up<'v>(parameters: &'v Value, name: &str) -> Option<&'v Value> {
    let found =
        parameters.get(name).or_else(|| name.split('.').try_fold(parameters, |value, key| value.get(key)));
    found.filter(|value| !value.is_null())
}

impl Index {
    fn new<'p>(patterns: impl Iterator<Item = &'p ToolPattern>) -> Self {
        let mut literal: HashMap<String, Vec<usize>> = HashMap::new();
        let mut globs = GlobSetBuilder::new();
        let mut places = Vec::new();
        for (place, pattern) in patterns.enumerate() {
            match pattern.glob() {
                Some(glob) => {
                    globs.add(glob.clone());
                    places.push(place);
                }
                None => literal.entry(pattern.as_str().to_owned()).or_default().push(place),
            }
        }
        // Each glob of it compiled alone, so together they only fail by size, which the number of rules bounds.
        let globs = globs.build().unwrap_or_else(|_| GlobSet::empty());
        Self { literal, globs, places }
    }

    fn find(&self, tool: &str) -> Vec<usize> {
        let mut found = self.literal.get(tool).cloned().unwrap_or_default();
        found.extend(self.globs.matches(tool).into_iter().map(|index| self.places[index]));
        found
    }
}
