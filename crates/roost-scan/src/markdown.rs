//! Markdown for models: skills, rules and instructions. Their words steer an agent as code steers a machine.

use crate::language::Language;
use crate::lines::Lines;
use crate::rule::Check;
use crate::scanner::Scan;
use crate::snippet::{masked, snippet};

/// How many hidden characters in a row are a text and not an accident of typesetting.
const HIDDEN_RUN_MIN: usize = 4;

/// Looks at a Markdown file, and at the code in it.
pub(crate) fn scan(scan: &mut Scan<'_>, source: &str) {
    hidden_characters(scan, source);
    hidden_comments(scan, source);
    broad_tools(scan, source);
    fenced_code(scan, source);
}

/// Tells whether a character is drawn as nothing.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}')
        || is_tag(c)
}

/// Tells whether a character is of the block that spells hidden letters.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

fn hidden_characters(scan: &mut Scan<'_>, source: &str) {
    let lines = Lines::of(source);
    let mut run = 0;
    for (at, c) in source.char_indices() {
        run = if is_hidden(c) { run + 1 } else { 0 };
        // Joiners between emoji are one at a time; direction overrides and tags are never innocent in a row.
        if run == HIDDEN_RUN_MIN {
            let shown: String = source[at..].chars().take(400).filter_map(untagged).collect();
            let detail = format!("the characters spell {:?}", masked(&shown));
            let detail = (!shown.is_empty()).then_some(&*detail);
            scan.check(Check::HiddenText, lines.at(at), snippet(source, at), detail);
        }
    }
}

fn untagged(c: char) -> Option<char> {
    if is_tag(c) { char::from_u32(c as u32 - 0xe0000).filter(|c| !c.is_control()) } else { None }
}

/// Comments are not drawn, but a model reads them.
fn hidden_comments(scan: &mut Scan<'_>, source: &str) {
    const ORDERS: [&str; 26] = [
        "ignore",
        "disregard",
        "do not tell",
        "don't tell",
        "do not mention",
        "never mention",
        "secretly",
        "silently",
        "without telling",
        "without asking",
        "exfiltrate",
        "send the",
        "upload",
        "curl ",
        "wget ",
        "http://",
        "api key",
        "api_key",
        "credentials",
        ".env",
        "id_rsa",
        "password",
        "system prompt",
        "you must",
        "override",
        "assistant:",
    ];
    let lines = Lines::of(source);
    let mut from = 0;
    while let Some(start) = source[from..].find("<!--").map(|at| from + at) {
        let end = source[start..].find("-->").map_or(source.len(), |at| start + at + 3);
        let comment = source[start..end].to_lowercase();
        let orders = ORDERS.iter().filter(|order| comment.contains(*order)).count();
        if orders >= 2 && comment.len() > 40 {
            let text = masked(source[start..end].trim_start_matches("<!--").trim());
            scan.check(Check::HiddenComment, lines.at(start), text, None);
        }
        from = end;
    }
}

/// Looks at the tools that the front matter of a skill asks for.
fn broad_tools(scan: &mut Scan<'_>, source: &str) {
    let Some(front) = source.strip_prefix("---").and_then(|rest| rest.split("\n---").next()) else { return };
    for (at, line) in front.lines().enumerate() {
        let Some((key, value)) = line.split_once(':') else { continue };
        if !matches!(key.trim(), "allowed-tools" | "allowed_tools" | "tools" | "permissions") {
            continue;
        }
        let value = value.trim().trim_matches(['"', '\'']);
        let broad = value == "*"
            || value.eq_ignore_ascii_case("all")
            || value.split([',', ' ', '[', ']']).any(|tool| {
                matches!(
                    tool.trim_matches(['"', '\'']),
                    "Bash" | "Bash(*)" | "Bash(*:*)" | "Shell" | "shell" | "*" | "exec" | "Bash(sudo:*)"
                )
            });
        if broad {
            let line_number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            scan.check(Check::BroadTools, line_number, masked(line), None);
        }
    }
}

/// Scans fenced code as what it says it is.
fn fenced_code(scan: &mut Scan<'_>, source: &str) {
    let mut open: Option<(&str, Option<Language>, u32)> = None;
    let mut code = String::new();
    for (at, line) in source.lines().enumerate() {
        let trimmed = line.trim_start();
        let fence = ["```", "~~~"].into_iter().find(|fence| trimmed.starts_with(fence));
        match (open, fence) {
            (None, Some(fence)) => {
                let name = trimmed.trim_start_matches(['`', '~']).split([' ', '{', ',']).next().unwrap_or("");
                open = Some((fence, Language::named(name), u32::try_from(at + 1).unwrap_or(u32::MAX)));
                code.clear();
            }
            (Some((opened, language, start)), Some(fence)) if fence == opened => {
                if let Some(language) = language {
                    scan.piece(language, &code, start, 1);
                }
                open = None;
            }
            (Some(_), _) => {
                code.push_str(line.strip_prefix("$ ").unwrap_or(line));
                code.push('\n');
            }
            (None, None) => {}
        }
    }
    if let Some((_, Some(language), start)) = open {
        scan.piece(language, &code, start, 1);
    }
}

#[cfg(test)]
mod tests;
