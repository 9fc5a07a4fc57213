//! Files by path, wherever the agent runs.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use super::Access;
use crate::files::{FileRules, PathRule};

/// Which files.
///
/// Paths are those of the machine that the agent runs in; for an agent that is hosted here, relative ones are in
/// its workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Data {
    /// These may be read, and no others but those in `write`; empty is any.
    pub read: Vec<PathGlob>,
    /// These may be written, and no others; empty is any.
    pub write: Vec<PathGlob>,
    /// Never these.
    pub deny: Vec<PathGlob>,
}

/// Files by a glob: `reports/*.csv`, `/data/**`, `**/*.pem`. `*` stays within a directory, `**` does not; what
/// names a directory covers what is below it.
#[derive(Debug, Clone)]
pub struct PathGlob {
    text: String,
    matcher: GlobMatcher,
    /// Whether it covers what is below what it matches.
    tree: bool,
}

/// A text that is no glob over paths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPathGlob {
    /// It is empty, too long or no text for a path.
    #[error(
        "must be a path or a glob such as reports/** of 1 to 1,000 bytes, without control characters and .."
    )]
    Form,
    /// The glob is broken.
    #[error("is no glob: {0}")]
    Glob(String),
}

/// Which rule stands against a path; `None` where it is in no list.
pub(super) type Against<'d> = Option<&'d PathGlob>;

impl Data {
    /// Checks access to a path.
    pub(super) fn check(&self, path: &str, access: Access) -> Result<(), Against<'_>> {
        let path = normal(path);
        // A relative path of a hosted agent is below /workspace, which a glob may mean without naming it.
        let absolute = (!path.starts_with('/')).then(|| format!("/workspace/{path}"));
        let denies = |glob: &&PathGlob| {
            glob.covers_or_above(&path) || absolute.as_ref().is_some_and(|path| glob.covers_or_above(path))
        };
        if let Some(glob) = self.deny.iter().find(denies) {
            return Err(Some(glob));
        }
        let in_list = |list: &[PathGlob]| list.iter().any(|glob| glob.covers(&path));
        let listed = match access {
            Access::Read => self.read.is_empty() || in_list(&self.read) || in_list(&self.write),
            Access::Write => self.write.is_empty() || in_list(&self.write),
        };
        if listed { Ok(()) } else { Err(None) }
    }

    /// Returns the rules for a workspace: what is said about paths elsewhere means nothing there, so a list that
    /// names no path of the workspace leaves none.
    pub(super) fn in_workspace(&self) -> FileRules {
        let rules =
            |list: &[PathGlob]| -> Vec<PathRule> { list.iter().filter_map(PathGlob::of_workspace).collect() };
        let listed = |list: &[PathGlob]| match rules(list) {
            none if none.is_empty() && !list.is_empty() => NOTHING.parse().into_iter().collect(),
            some => some,
        };
        let (read, write, deny) = (listed(&self.read), listed(&self.write), rules(&self.deny));
        FileRules { read, write, deny, within: Vec::new() }
    }
}

/// A rule that covers no file anybody has.
const NOTHING: &str = ".no-path-of-the-workspace-is-listed";

impl PathGlob {
    /// Returns what it means in a workspace; `None` where it is about paths elsewhere.
    fn of_workspace(&self) -> Option<PathRule> {
        let inner = in_workspace(&self.text);
        let inner = match inner.strip_prefix('/') {
            None => inner,
            // `/*/secret` can mean the workspace's too.
            Some(rest) => {
                let (first, below) = rest.split_once('/').unwrap_or((rest, "**"));
                let first = GlobBuilder::new(first).literal_separator(true).build().ok()?;
                if !first.compile_matcher().is_match("workspace") {
                    return None;
                }
                below.to_owned()
            }
        };
        // silent-ok: both kinds of rules are of one grammar; what one takes the other takes.
        inner.parse().ok()
    }

    fn covers(&self, path: &str) -> bool {
        if self.tree { self.covers_or_above(path) } else { self.matcher.is_match(path) }
    }

    fn covers_or_above(&self, path: &str) -> bool {
        let above = std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above));
        above.filter(|path| !path.is_empty()).any(|path| self.matcher.is_match(path))
    }
}

/// Takes `.` and empty parts out of a glob, and the name of the workspace from its beginning; a glob that begins with
/// `/**` is about the workspace too.
fn in_workspace(text: &str) -> String {
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    match (text.starts_with('/'), parts.as_slice()) {
        (_, []) => "**".to_owned(),
        (true, ["workspace"]) => "**".to_owned(),
        (true, ["workspace", rest @ ..]) => rest.join("/"),
        (true, ["**", ..]) => parts.join("/"),
        (true, parts) => format!("/{}", parts.join("/")),
        (false, parts) => parts.join("/"),
    }
}

/// Takes `.`, `..` and empty parts out of a path; a `..` at the top stays out of everything that is listed.
fn normal(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            name => parts.push(name),
        }
    }
    let text = parts.join("/");
    match (absolute, text.as_str()) {
        // The workspace's own absolute name and its relative one are the same.
        (true, "workspace") => ".".to_owned(),
        (true, text) => match text.strip_prefix("workspace/") {
            Some(inner) => inner.to_owned(),
            None => format!("/{text}"),
        },
        (false, "") => ".".to_owned(),
        (false, _) => text,
    }
}

impl FromStr for PathGlob {
    type Err = InvalidPathGlob;

    fn from_str(text: &str) -> Result<Self, InvalidPathGlob> {
        let form = (1..=1_000).contains(&text.len()) && !text.chars().any(char::is_control);
        if !form || text.split('/').any(|part| part == "..") {
            return Err(InvalidPathGlob::Form);
        }
        // An alternative that spans directories could be in the workspace and out of it at once.
        if text.split(['{', '}']).skip(1).step_by(2).any(|inner| inner.contains('/')) {
            return Err(InvalidPathGlob::Form);
        }
        let inner = in_workspace(text);
        let (base, tree) = match inner.strip_suffix("/**") {
            Some(base) => (base, true),
            None => (inner.as_str(), !inner.contains(['*', '?', '[', '{', '\\'])),
        };
        let base = if base.is_empty() || base == "/" { "**" } else { base };
        let glob = GlobBuilder::new(base).literal_separator(true).backslash_escape(true).build();
        let matcher =
            glob.map_err(|error| InvalidPathGlob::Glob(error.kind().to_string()))?.compile_matcher();
        Ok(Self { text: text.to_owned(), matcher, tree })
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for PathGlob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PathGlob {}
