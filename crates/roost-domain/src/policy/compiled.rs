use std::collections::HashMap;

use globset::{Glob, GlobMatcher, GlobSet, GlobSetBuilder};
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
    /// Sets of globs, with the place of each. A set that is too large does not compile, so there are several.
    sets: Vec<(GlobSet, Vec<usize>)>,
    /// Globs that no set would take; they are tried one by one.
    single: Vec<(GlobMatcher, usize)>,
}

/// Globs in one set.
const SET: usize = 100;

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
                let mut values = look_up(parameters, &parameter.name).into_iter();
                let test = values.find_map(|value| parameter.constraint.first_broken(value, Every::Entry))?;
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
            let values = look_up(parameters, &parameter.name);
            let mut held = values.iter().map(|value| Constraint::holds(&parameter.constraint, value, every));
            match every {
                Every::Entry => !values.is_empty() && held.all(|holds| holds),
                Every::AnyEntry => held.any(|holds| holds),
            }
        })
    }
}

/// Finds a parameter by its name, and by the path that its name spells with dots: one must not hide the other.
fn look_up<'v>(parameters: &'v Value, name: &str) -> Vec<&'v Value> {
    let literal = parameters.get(name);
    let path = name.contains('.').then(|| name.split('.').try_fold(parameters, |value, key| value.get(key)));
    literal.into_iter().chain(path.flatten()).filter(|value| !value.is_null()).collect()
}

impl Index {
    fn new<'p>(patterns: impl Iterator<Item = &'p ToolPattern>) -> Self {
        let mut literal: HashMap<String, Vec<usize>> = HashMap::new();
        let mut globs: Vec<(&Glob, usize)> = Vec::new();
        for (place, pattern) in patterns.enumerate() {
            match pattern.glob() {
                Some(glob) => globs.push((glob, place)),
                None => literal.entry(pattern.as_str().to_owned()).or_default().push(place),
            }
        }
        let (mut sets, mut single) = (Vec::new(), Vec::new());
        for chunk in globs.chunks(SET) {
            let mut builder = GlobSetBuilder::new();
            for (glob, _) in chunk {
                builder.add((*glob).clone());
            }
            match builder.build() {
                Ok(set) => sets.push((set, chunk.iter().map(|(_, place)| *place).collect())),
                Err(_) => single.extend(chunk.iter().map(|(glob, place)| (glob.compile_matcher(), *place))),
            }
        }
        Self { literal, sets, single }
    }

    fn find(&self, tool: &str) -> Vec<usize> {
        let mut found = self.literal.get(tool).cloned().unwrap_or_default();
        for (set, places) in &self.sets {
            found.extend(set.matches(tool).into_iter().map(|index| places[index]));
        }
        found.extend(self.single.iter().filter(|(glob, _)| glob.is_match(tool)).map(|(_, place)| *place));
        found
    }
}
