//! Scans a corpus and, with labels, says for each rule what was right, what was a false alarm and what was missed.
//!
//! `corpus DIR` prints the findings, one a line: `rule<TAB>file:line<TAB>severity<TAB>snippet`.
//! `corpus DIR LABELS` prints a table. A line of LABELS is `file:line<TAB>+RULE` for what must be found (several rules
//! with `|` between them if any of them will do) or `file:line<TAB>-RULE` for a finding that is a false alarm; other
//! findings at a labelled line of the same rule count as right, and findings without a label are counted apart.

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use roost_domain::scan::Finding;
use roost_ports::scanner::{Scanner as _, SourceFile};
use roost_scan::CodeScanner;

#[derive(Default)]
struct Tally {
    right: u32,
    false_alarms: u32,
    missed: u32,
    unlabelled: u32,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let Some(root) = args.next().map(PathBuf::from) else { return };
    let mut files = Vec::new();
    read_all(&root, &root, &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let bytes: usize = files.iter().map(|file| file.content.len()).sum();
    let start = Instant::now();
    let report = CodeScanner.scan(&files, None);
    let seconds = start.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    match args.next() {
        None => {
            for found in &report.findings {
                let file = found.file.as_deref().unwrap_or("");
                let line =
                    format!("{}\t{file}:{}\t{}\t{}\n", found.rule, found.line, found.severity, found.snippet);
                if out.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        }
        Some(labels) => {
            let labels = std::fs::read_to_string(labels).expect("the labels can be read");
            out.write_all(table(&report.findings, &labels).as_bytes()).expect("the table can be written");
        }
    }
    let megabytes = bytes as f64 / 1e6;
    let speed =
        format!("{} files, {megabytes:.1} MB, {:.1} MB/s\n", report.files_scanned, megabytes / seconds);
    std::io::stderr().write_all(speed.as_bytes()).expect("the speed can be written");
}

fn read_all(root: &Path, directory: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(root, &path, files);
        } else if let Ok(content) = std::fs::read(&path) {
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push(SourceFile { path, content });
        }
    }
}

fn table(findings: &[Finding], labels: &str) -> String {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut wrong = HashSet::new();
    let mut right = HashSet::new();
    let place = |finding: &Finding| format!("{}:{}", finding.file.as_deref().unwrap_or(""), finding.line);
    let at: HashSet<(String, &str)> = findings.iter().map(|one| (place(one), one.rule.as_str())).collect();
    for line in labels.lines().filter(|line| !line.starts_with('#')) {
        let Some((place, label)) = line.split_once('\t') else { continue };
        if let Some(rule) = label.strip_prefix('-') {
            wrong.insert((place.to_owned(), rule));
        } else if let Some(rules) = label.strip_prefix('+') {
            let rules: Vec<&str> = rules.split('|').collect();
            right.extend(rules.iter().map(|rule| (place.to_owned(), *rule)));
            if !rules.iter().any(|rule| at.contains(&(place.to_owned(), *rule))) {
                tallies.entry(rules[0].to_owned()).or_default().missed += 1;
            }
        }
    }
    for finding in findings {
        let key = (place(finding), finding.rule.as_str());
        let tally = tallies.entry(finding.rule.clone()).or_default();
        match (right.contains(&key), wrong.contains(&key)) {
            (true, _) => tally.right += 1,
            (false, true) => tally.false_alarms += 1,
            (false, false) => tally.unlabelled += 1,
        }
    }
    let mut text = "| rule | right | false alarms | missed | precision | recall | not labelled |\n|---|---|---|---|---|---|---|\n".to_owned();
    let mut all = Tally::default();
    for (rule, one) in &tallies {
        text.push_str(&row(rule, one));
        all.right += one.right;
        all.false_alarms += one.false_alarms;
        all.missed += one.missed;
        all.unlabelled += one.unlabelled;
    }
    text + &row("all", &all)
}

fn row(rule: &str, one: &Tally) -> String {
    let share = |part: u32, rest: u32| match part + rest {
        0 => "–".to_owned(),
        whole => format!("{:.0} %", f64::from(part) * 100.0 / f64::from(whole)),
    };
    let (precision, recall) = (share(one.right, one.false_alarms), share(one.right, one.missed));
    format!(
        "| {rule} | {} | {} | {} | {precision} | {recall} | {} |\n",
        one.right, one.false_alarms, one.missed, one.unlabelled
    )
}
