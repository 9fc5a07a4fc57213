//! The scan itself: each file by its kind, then one report.

use std::borrow::Cow;
use std::collections::HashSet;

use roost_domain::scan::{Finding, Framework, Report, Severity};
use roost_ports::scanner::{ArchiveError, Scanner, SourceFile};

use crate::archive;
use crate::flow::{self, Hit};
use crate::language::Language;
use crate::lines::Lines;
use crate::lower::{self, strangeness};
use crate::rule::{Check, Match, rules};
use crate::snippet::snippet;
use crate::unit::Unit;
use crate::{dependencies, manifest, markdown, text};

/// Changes whenever the same code may be judged differently.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-rules.1");

/// How deep code in code is scanned: a command in a script in a skill.
const NESTED_MAX: usize = 3;

/// How much of one file is read; what lies behind is not looked at, and a finding says so.
const FILE_MAX_BYTES: usize = 4 * 1024 * 1024;

/// How many findings of one rule in one file are told.
const PER_RULE_MAX: usize = 50;

/// The scanner.
#[derive(Debug, Clone, Copy, Default)]
pub struct CodeScanner;

impl Scanner for CodeScanner {
    fn version(&self) -> &str {
        VERSION
    }

    fn scan(&self, files: &[SourceFile], framework: Option<Framework>) -> Report {
        let mut findings = Vec::new();
        let mut scanned: u32 = 0;
        for file in files {
            if let Some(found) = scan_file(file, framework) {
                findings.extend(found);
                scanned = scanned.saturating_add(1);
            }
        }
        Report::new(findings, scanned)
    }

    fn unpack(&self, zip: &[u8]) -> Result<Vec<SourceFile>, ArchiveError> {
        archive::unpack(zip)
    }
}

/// Scans one file; `None` if it is of no kind that is read.
fn scan_file(file: &SourceFile, framework: Option<Framework>) -> Option<Vec<Finding>> {
    let cut = file.content.len().min(FILE_MAX_BYTES);
    let text = decoded(&file.content[..cut]);
    let language = if file.path.is_empty() { guessed(&text) } else { Language::of(&file.path, &text)? };
    let mut scan = Scan {
        path: &file.path,
        framework,
        findings: Vec::new(),
        seen: HashSet::new(),
        counts: vec![0; rules().len()],
    };
    scan.piece(language, &text, 0, 0);
    if cut < file.content.len() {
        scan.unreadable("only the first 4 MiB of the file were read");
    }
    Some(without_echoes(scan.findings))
}

/// Leaves out what tells less than another finding on the same line.
fn without_echoes(findings: Vec<Finding>) -> Vec<Finding> {
    let yields = |finding: &Finding| rules().iter().any(|rule| rule.yields && rule.id == finding.rule);
    let spoken: HashSet<u32> = findings
        .iter()
        .filter(|one| !yields(one) && one.severity >= Severity::Medium)
        .map(|one| one.line)
        .collect();
    findings.into_iter().filter(|one| !(spoken.contains(&one.line) && yields(one))).collect()
}

fn decoded(content: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match content {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(content),
    }
}

/// Guesses what a bare snippet is written in: Python if it is Python, else what parses best.
fn guessed(text: &str) -> Language {
    use Language::{Bash, Javascript, Python, Rust, Typescript};
    if let Some(told) = Language::of("", text) {
        return told;
    }
    if text.trim_start().starts_with("---\n") && text.contains("\nname:") {
        return Language::Markdown;
    }
    let mut best = (usize::MAX, Python);
    for language in [Python, Javascript, Typescript, Rust, Bash] {
        let strange = strangeness(language, text);
        if strange == 0 {
            return language;
        }
        if strange < best.0 {
            best = (strange, language);
        }
    }
    best.1
}

/// One file that is being scanned.
pub(crate) struct Scan<'p> {
    pub(crate) path: &'p str,
    framework: Option<Framework>,
    findings: Vec<Finding>,
    seen: HashSet<(usize, u32)>,
    counts: Vec<usize>,
}

impl Scan<'_> {
    /// Scans a piece of the file that begins on the line after `line_offset`.
    pub(crate) fn piece(&mut self, language: Language, source: &str, line_offset: u32, nested: usize) {
        if nested == 0 {
            text::scan(self, language, source);
        }
        match language {
            Language::Markdown => markdown::scan(self, source),
            Language::Mcp => manifest::scan(self, source),
            Language::Dependencies => dependencies::scan(self, source),
            Language::Text => {}
            Language::Python
            | Language::Javascript
            | Language::Typescript
            | Language::Tsx
            | Language::Rust
            | Language::Bash => self.code(language, source, line_offset, nested),
        }
    }

    fn code(&mut self, language: Language, source: &str, line_offset: u32, nested: usize) {
        let unit: Unit<'_> = lower::lower(language, source);
        let found = flow::walk(&unit, language, self.framework);
        let lines = Lines::of(source);
        if let Some(at) = unit.broken_at.filter(|_| nested == 0) {
            self.broken(language, source, &lines, at);
        }
        if let Some(at) = unit.gave_up_at {
            self.check(Check::GaveUp, line_offset + lines.at(at), snippet(source, at), None);
        }
        for hit in &found.hits {
            self.hit(hit, source, &lines, line_offset);
        }
        if nested < NESTED_MAX {
            for inner in &found.inner {
                let offset = line_offset + lines.at(inner.start) - 1;
                self.piece(inner.language, &inner.text, offset, nested + 1);
            }
        }
    }

    fn broken(&mut self, language: Language, source: &str, lines: &Lines, at: usize) {
        let is_check = |one: &Match| matches!(one, Match::Check { name: Check::Unparsable });
        let Some(rule) = rules().iter().position(|rule| rule.matches.iter().any(is_check)) else { return };
        let detail = format!(
            "This is no {} that can be parsed; what was not understood was not looked at",
            language.name()
        );
        self.add(rule, lines.at(at), snippet(source, at), Some(&detail));
    }

    fn unreadable(&mut self, why: &str) {
        self.check(Check::Unparsable, 1, String::new(), Some(why));
    }

    fn hit(&mut self, hit: &Hit, source: &str, lines: &Lines, line_offset: u32) {
        let line = line_offset + lines.at(hit.start);
        let origin = hit
            .from
            .map(|(label, at)| format!("{} (line {}) gets here", label.phrase(), line_offset + lines.at(at)));
        self.add(hit.rule, line, snippet(source, hit.start), origin.as_deref());
    }

    /// Adds what a check found, if there is a rule for it.
    pub(crate) fn check(&mut self, check: Check, line: u32, snippet: String, detail: Option<&str>) {
        let is_check = |one: &Match| matches!(one, Match::Check { name } if *name == check);
        if let Some(rule) = rules().iter().position(|rule| rule.matches.iter().any(is_check)) {
            self.add(rule, line, snippet, detail);
        }
    }

    /// Adds a finding, unless the rule already told of that line.
    pub(crate) fn add(&mut self, rule: usize, line: u32, snippet: String, detail: Option<&str>) {
        if self.counts[rule] >= PER_RULE_MAX || !self.seen.insert((rule, line)) {
            return;
        }
        self.counts[rule] += 1;
        let record = &rules()[rule];
        let description = match detail {
            Some(detail) => format!("{}: {detail}.", record.title),
            None => format!("{}.", record.title),
        };
        self.findings.push(Finding {
            rule: record.id.clone(),
            category: record.category,
            severity: record.severity,
            description,
            file: (!self.path.is_empty()).then(|| self.path.to_owned()),
            line,
            snippet,
            fix: record.fix.clone(),
            cwe: record.cwe,
        });
    }
}

#[cfg(test)]
mod tests;
