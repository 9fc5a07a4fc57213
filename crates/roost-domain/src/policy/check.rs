//! What a policy says that its author can hardly mean.

use super::{Policy, Rule, Ruling, ToolPattern};

/// Something about a policy that its author should look at. The policy works all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing it is.
    pub kind: ProblemKind,
    /// Where it stands: `allow[2]`.
    pub path: String,
    /// What it is, in a sentence.
    pub message: String,
}

/// What can be odd about a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// A rule that can never decide.
    Unreachable,
    /// Two lists that say different things about the same tools.
    Contradiction,
    /// A tool that does not exist.
    UnknownTool,
}

impl ProblemKind {
    /// Returns its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Contradiction => "contradiction",
            Self::UnknownTool => "unknown_tool",
        }
    }
}

/// The most problems that are named; a policy with more has them for one reason.
const MOST: usize = 100;

/// Looks for rules that can never decide, for contradictions, and, where the tools of the subject are known, for
/// tools that do not exist. At most 100 problems, in the order of the document's lists.
pub fn check(policy: &Policy, tools: Option<&[String]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let last_word = |rule: &&Rule| rule.when.is_empty();
    // Literal rules are looked up, so that a long policy is not compared with itself rule by rule.
    let mut literal = std::collections::HashMap::new();
    let mut globs: Vec<&Rule> = Vec::new();
    for rule in &policy.rules {
        if problems.len() >= MOST {
            return problems;
        }
        let above = literal
            .get(rule.tool.as_str())
            .copied()
            .or_else(|| globs.iter().copied().find(|above| above.tool.covers(&rule.tool)));
        if let Some(above) = above {
            problems.push(overruled(rule, above));
        }
        if let Some(tools) = tools
            && !tools.iter().any(|tool| rule.tool.matches(tool))
        {
            problems.push(unknown(&path(rule), &rule.tool));
        }
        if last_word(&rule) {
            if rule.tool.is_literal() {
                literal.entry(rule.tool.as_str()).or_insert(rule);
            } else {
                globs.push(rule);
            }
        }
    }
    for constraints in &policy.constraints {
        let path = format!("constraints.{}", constraints.tool);
        if let Some(tools) = tools
            && !tools.iter().any(|tool| constraints.tool.matches(tool))
        {
            problems.push(unknown(&path, &constraints.tool));
        }
        let let_through = |rule: &Rule| {
            rule.ruling != Ruling::Block
                && (rule.tool.covers(&constraints.tool) || constraints.tool.covers(&rule.tool))
        };
        if policy.default == Ruling::Block && !policy.rules.iter().any(let_through) {
            let message =
                format!("{} is blocked anyway, so its constraints decide nothing", constraints.tool);
            problems.push(Problem { kind: ProblemKind::Unreachable, path, message });
        }
    }
    problems.truncate(MOST);
    problems
}

fn path(rule: &Rule) -> String {
    format!("{}[{}]", rule.ruling, rule.index)
}

fn overruled(rule: &Rule, above: &Rule) -> Problem {
    let contradicts = rule.ruling != above.ruling && rule.tool == above.tool && rule.when.is_empty();
    let kind = if contradicts { ProblemKind::Contradiction } else { ProblemKind::Unreachable };
    let message = format!("{} never decides: {} ({}) comes before it", rule.tool, path(above), above.tool);
    Problem { kind, path: path(rule), message }
}

fn unknown(path: &str, tool: &ToolPattern) -> Problem {
    let message = if tool.is_literal() {
        format!("the agent has no tool {tool}")
    } else {
        format!("the agent has no tool that {tool} matches")
    };
    Problem { kind: ProblemKind::UnknownTool, path: path.to_owned(), message }
}
