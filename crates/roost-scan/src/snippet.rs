//! The piece of code that a finding shows: one line, no secrets.

use std::sync::LazyLock;

use regex::Regex;

use crate::rule::{Match, rules};

/// How long a snippet may be, in characters.
const LENGTH_MAX: usize = 160;

/// What is shown in the place of a secret.
const MASK: &str = "***";

static SECRETS: LazyLock<Vec<&'static Regex>> = LazyLock::new(|| {
    let texts = rules().iter().flat_map(|rule| &rule.matches).filter_map(|one| {
        if let Match::Text(text) = one {
            Some(text).filter(|text| text.secret).map(|text| &text.pattern.0)
        } else {
            None
        }
    });
    texts.collect()
});

/// A value that is assigned under the name of a secret.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)((?:api_?key|secret|token|passw(?:or)?d|passwd|pwd|credential|private_?key)[\w\]"']*\s*[:=]\s*(?:[a-z]\w*\()?[rbuf]?["'`]?)([^\s"'`,)]{6,})"#,
    )
    .expect("the expression is tested")
});

/// Returns the line of a text in which a place begins, cut to what can be read at a glance, secrets masked.
pub(crate) fn snippet(source: &str, start: usize) -> String {
    let start = floor(source, start.min(source.len()));
    let begin = source[..start].rfind('\n').map_or(0, |at| at + 1);
    // A line may be a megabyte long: what lies far before the place is not shown.
    let begin = if start - begin > LENGTH_MAX / 2 { start } else { begin };
    let stop = source[start..].find('\n').map_or(source.len(), |at| start + at);
    let stop = stop.min(floor(source, begin + 4 * LENGTH_MAX)).max(start);
    masked(source[begin..stop].trim())
}

/// Returns a text of one line, masked and cut.
pub(crate) fn masked(text: &str) -> String {
    let text: String =
        text.chars().take(4 * LENGTH_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut text = text;
    for secret in SECRETS.iter() {
        if let std::borrow::Cow::Owned(masked) =
            secret.replace_all(&text, |found: &regex::Captures<'_>| shown(&found[0]))
        {
            text = masked;
        }
    }
    let text = ASSIGNED
        .replace_all(&text, |found: &regex::Captures<'_>| format!("{}{}", &found[1], shown(&found[2])));
    let mut cut: String = text.chars().take(LENGTH_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// Returns what may be shown of a secret: enough to find it, not enough to use it.
fn shown(secret: &str) -> String {
    if secret.contains(['(', '$', '{', '.']) && !secret.starts_with("eyJ") && !secret.starts_with("SG.") {
        return secret.to_owned();
    }
    let start: String = secret.chars().take(if secret.len() >= 16 { 4 } else { 0 }).collect();
    format!("{start}{MASK}")
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests;
