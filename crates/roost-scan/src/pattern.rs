//! Patterns for dotted paths such as `subprocess.*` or `*.execute`, and an index of many of them.

use std::collections::HashMap;

/// A dotted path in which `*` stands for any text, dots too.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        Self { parts: text.split('*').map(str::to_owned).collect() }
    }

    /// Tells whether a whole path is as the pattern says.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|only| only == path);
        };
        let Some(rest) = path.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }

    /// Returns the last segment if it is written out.
    fn tail(&self) -> Option<&str> {
        let last = self.parts.last()?;
        let tail = last.rsplit('.').next()?;
        // With `*` right before it, a segment is only the end of one.
        let whole = self.parts.len() == 1 || last.contains('.');
        (whole && !tail.is_empty()).then_some(tail)
    }
}

/// Many patterns, each with something that belongs to it.
#[derive(Debug)]
pub(crate) struct Index<T> {
    by_tail: HashMap<String, Vec<(Pattern, T)>>,
    others: Vec<(Pattern, T)>,
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self { by_tail: HashMap::new(), others: Vec::new() }
    }
}

impl<T: Copy + PartialEq> Index<T> {
    pub(crate) fn add(&mut self, pattern: &str, value: T) {
        let pattern = Pattern::new(pattern);
        match pattern.tail().map(str::to_owned) {
            Some(tail) => self.by_tail.entry(tail).or_default().push((pattern, value)),
            None => self.others.push((pattern, value)),
        }
    }

    /// Returns what belongs to the patterns that match any of these paths, each once.
    pub(crate) fn find(&self, paths: &[&str]) -> Vec<T> {
        let mut found = Vec::new();
        for path in paths {
            let tail = path.rsplit('.').next().unwrap_or(path);
            let likely = self.by_tail.get(tail).map_or(&[][..], Vec::as_slice);
            for (pattern, value) in likely.iter().chain(&self.others) {
                if !found.contains(value) && pattern.matches(path) {
                    found.push(*value);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
