//! The rules as a page for people; `docs/scanner.md` holds it.

use std::fmt::Write as _;

use crate::rule::{Rule, rules};

/// Writes every rule as Markdown: what it finds, why, what to do, and an example of each kind.
pub fn rules_page() -> String {
    let mut page = String::new();
    for rule in rules() {
        // silent-ok: writing to a string cannot fail
        let _ = write!(page, "{}", entry(rule));
    }
    page
}

fn entry(rule: &Rule) -> String {
    let languages: Vec<&str> = rule.languages.iter().map(|language| language.name()).collect();
    let reads = if languages.is_empty() { "every text".to_owned() } else { languages.join(", ") };
    let only = rule.framework.map(|one| format!(", only with {}", one.name())).unwrap_or_default();
    let cwe = rule.cwe.map(|cwe| format!(", CWE-{cwe}")).unwrap_or_default();
    let positive = block(&rule.example.file, &rule.example.positive);
    let negative = block(&rule.example.file, &rule.example.negative);
    format!(
        "### {}\n\n{}. **{}**, {}{cwe}. Reads {reads}{only}.\n\n{} {}\n\nFound:\n\n{positive}\nLeft alone:\n\n{negative}\n",
        rule.id,
        rule.title,
        rule.severity,
        rule.category.owasp(),
        rule.rationale,
        rule.fix,
    )
}

fn block(file: &str, code: &str) -> String {
    let extension = file.rsplit_once('.').map_or("text", |(_, extension)| extension);
    let short: String = code.chars().take(600).map(shown).collect();
    let cut = if short.len() < code.len() && code.chars().count() > 600 { " …" } else { "" };
    format!("````{extension}\n{}{cut}\n````\n", short.trim_end())
}

/// Returns a visible stand-in for what would not be drawn.
fn shown(c: char) -> char {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}' | '\u{200d}' => {
            '\u{fffd}'
        }
        c => c,
    }
}

#[cfg(test)]
mod tests;
