//! One rule over paths of a workspace.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

/// The longest rule.
const LENGTH_MAX: usize = 1000;
/// What makes a part of a path more than a name.
const WILD: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// A pattern over paths of a workspace: `reports/**`, `/workspace/reports/*.csv`, `**/*.pem`.
///
/// `*` and `?` stay within one part of a path, `**` goes over any number of them, `[ab]` and `{a,b}` name
/// alternatives, `\` takes a sign's meaning away. `reports/**`, `reports/` and a path without such signs cover what
/// is at the path and all below it.
#[derive(Debug, Clone)]
pub struct PathRule {
    text: String,
    /// What the rule's own places are; `None` is the workspace itself.
    base: Option<GlobMatcher>,
    /// Whether it covers what is below those places too.
    tree: bool,
    /// The parts before the first one with a pattern.
    prefix: String,
    /// Whether the base is a plain path.
    plain: bool,
    /// How many parts the base has; `None` where that varies.
    parts: Option<usize>,
}

impl PathRule {
    /// Returns the rule as it is written, relative to the workspace.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the rule covers a path.
    pub fn covers(&self, inner: &str) -> bool {
        if self.tree { self.covers_above(inner) } else { self.is_place(inner) }
    }

    /// Tells whether the rule covers a path or a directory above it.
    pub fn covers_above(&self, inner: &str) -> bool {
        self.base.is_none() || above(inner).any(|path| self.is_place(path))
    }

    /// Tells whether the rule covers all that is or will be below a directory.
    pub fn covers_all_below(&self, inner: &str) -> bool {
        self.tree && self.covers_above(inner)
    }

    /// Tells whether the rule might cover something below a directory. Errs towards yes.
    pub fn may_cover_below(&self, inner: &str) -> bool {
        if self.covers_all_below(inner) {
            return true;
        }
        let is_below = |path: &str, above: &str| {
            above.is_empty()
                || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let deep = if inner.is_empty() { 0 } else { inner.split('/').count() };
        (is_below(&self.prefix, inner) || is_below(inner, &self.prefix))
            && self.parts.is_none_or(|parts| deep < parts)
    }

    /// Returns the directory that the rule names outright: `out` for `out/**`.
    pub fn directory(&self) -> Option<&str> {
        let named = self.text.strip_suffix("/**")?;
        (self.plain && self.tree).then_some(named)
    }

    fn is_place(&self, inner: &str) -> bool {
        match &self.base {
            None => inner.is_empty(),
            Some(base) => base.is_match(inner),
        }
    }
}

/// Returns a path, then the directories above it, without the workspace.
fn above(inner: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(inner), |path| path.rsplit_once('/').map(|(above, _)| above))
        .filter(|path| !path.is_empty())
}

impl FromStr for PathRule {
    type Err = InvalidPathRule;

    fn from_str(text: &str) -> Result<Self, InvalidPathRule> {
        let invalid = |problem: &str| InvalidPathRule {
            text: text.chars().take(80).collect(),
            problem: problem.to_owned(),
        };
        if text.is_empty() || text.len() > LENGTH_MAX || text.contains(['\0', '\n']) {
            return Err(invalid("it must be one line of 1 to 1,000 bytes"));
        }
        let inner = match text.strip_prefix("/workspace") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ if text.starts_with('/') => {
                return Err(invalid("only /workspace and what is below it is there"));
            }
            _ => text,
        };
        let mut parts: Vec<&str> = inner.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.contains(&"..") {
            return Err(invalid("`..` has no place in a rule"));
        }
        let mut tree = inner.ends_with('/') || parts.is_empty();
        while parts.last() == Some(&"**") {
            parts.pop();
            tree = true;
        }
        let wild = |part: &&str| part.contains(WILD);
        let plain = !parts.iter().any(wild);
        let named: Vec<&str> = parts.iter().copied().take_while(|part| !wild(part)).collect();
        let base = parts.join("/");
        let matcher = GlobBuilder::new(&base).literal_separator(true).backslash_escape(true).build();
        let matcher = matcher.map_err(|error| invalid(&error.kind().to_string()))?.compile_matcher();
        // A rule that only names something covers it with all that is below, whichever way it is written; only
        // with `/**` is it known to be a directory.
        let text = match (tree, parts.is_empty()) {
            (_, true) => "**".to_owned(),
            (true, false) => format!("{base}/**"),
            (false, false) => base,
        };
        let varies = parts.iter().any(|part| part.contains("**") || part.contains(['{', '}']));
        Ok(Self {
            text,
            base: (!parts.is_empty()).then_some(matcher),
            tree: tree || plain,
            prefix: named.join("/"),
            plain,
            parts: (!varies).then_some(parts.len()),
        })
    }
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for PathRule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PathRule {}

/// A text that is no path rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a rule over paths of the workspace: {problem}; write reports/**, reports/*.csv or **/*.pem"
)]
pub struct InvalidPathRule {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}
