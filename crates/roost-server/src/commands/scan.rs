//! `roost scan`: what is wrong with code, without running it. Needs no server.

use std::fs::{self, File};
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use roost_domain::scan::{Finding, Report, Severity};
use roost_ports::scanner::{Scanner as _, SourceFile};
use roost_scan::{CodeScanner, rules, sarif};
use serde_json::{Value, json};

use crate::cli::{Scan, ScanFormat};
use crate::output;

/// What over the threshold ends with.
const OVER: u8 = 1;

/// What could not be scanned ends with.
const UNABLE: u8 = 2;

/// Directories of others' code, or of none.
const SKIPPED: [&str; 13] = [
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    "venv",
    ".venv",
    "env",
    "__pycache__",
    "site-packages",
    "target",
    "dist",
    "build",
    ".tox",
];

/// The scanner reads no further than this into one file.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024 + 1;

/// How large an archive may be.
const ARCHIVE_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How deep directories may lie in each other.
const DEPTH_MAX: usize = 64;

pub(super) fn run(args: &Scan) -> anyhow::Result<ExitCode> {
    match scan(args) {
        Ok(code) => Ok(code),
        Err(error) if output::is_closed(&error) => Err(error),
        Err(error) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            output::note(format!("error: {}", causes.join("\n  because: ")));
            Ok(ExitCode::from(UNABLE))
        }
    }
}

fn scan(args: &Scan) -> anyhow::Result<ExitCode> {
    let report = report(args)?;
    if report.files_scanned == 0 {
        bail!("there is nothing to scan in {}: no code, skills, manifests or settings", args.path.display());
    }
    match args.format {
        ScanFormat::Text => print(&report)?,
        ScanFormat::Json => output::json(&json(&report))?,
        ScanFormat::Sarif => output::json(&sarif::log(&report, env!("CARGO_PKG_VERSION")))?,
    }
    let over = report.worst().is_some_and(|worst| worst >= args.fail_on);
    let below = args.min_score.is_some_and(|score| report.score().get() < score);
    if over {
        output::note(format!("failed: there are findings of {} or worse", args.fail_on));
    }
    if let Some(score) = args.min_score.filter(|_| below) {
        output::note(format!("failed: the trust score is {}, less than {score}", report.score().get()));
    }
    Ok(if over || below { ExitCode::from(OVER) } else { ExitCode::SUCCESS })
}

fn report(args: &Scan) -> anyhow::Result<Report> {
    let path = &args.path;
    let kind = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if kind.is_dir() {
        return directory(args);
    }
    let is_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    if is_zip {
        if kind.len() > ARCHIVE_MAX_BYTES {
            bail!("{} is larger than {ARCHIVE_MAX_BYTES} bytes", path.display());
        }
        let content = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let files =
            CodeScanner.unpack(&content).with_context(|| format!("{} was not scanned", path.display()))?;
        return Ok(CodeScanner.scan(&files, args.framework));
    }
    let file = source(path, path.to_string_lossy().replace('\\', "/"))?;
    Ok(CodeScanner.scan(&[file], args.framework))
}

/// Scans a directory file by file, so that no more than one is held.
fn directory(args: &Scan) -> anyhow::Result<Report> {
    let paths = walk(&args.path)?;
    let bar = progress(paths.len());
    let (mut findings, mut scanned) = (Vec::new(), 0);
    for path in paths {
        let shown = path.strip_prefix(&args.path).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let report = CodeScanner.scan(&[source(&path, shown)?], args.framework);
        scanned += report.files_scanned;
        findings.extend(report.findings);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Report::new(findings, scanned))
}

fn progress(files: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("scanning {pos}/{len} {wide_bar} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

fn source(path: &Path, shown: String) -> anyhow::Result<SourceFile> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut content = Vec::new();
    file.take(FILE_MAX_BYTES)
        .read_to_end(&mut content)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(SourceFile { path: shown, content })
}

/// Returns the files below a directory, in order. Links are not followed, whatever they point to.
fn walk(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![(root.to_path_buf(), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        let unreadable = || format!("{} cannot be read", directory.display());
        for entry in fs::read_dir(&directory).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let kind = entry.file_type().with_context(unreadable)?;
            if kind.is_dir() {
                let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
                if !skipped && depth < DEPTH_MAX {
                    waiting.push((entry.path(), depth + 1));
                }
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn print(report: &Report) -> std::io::Result<()> {
    for finding in &report.findings {
        let file = finding.file.as_deref().unwrap_or("-");
        let severity = finding.severity;
        output::line(format!("{}:{}  {severity}  {}", output::one_line(file), finding.line, finding.rule))?;
        output::line(format!("  {}", output::one_line(&finding.description)))?;
        if !finding.snippet.is_empty() {
            output::line(format!("    {}", output::one_line(&finding.snippet)))?;
        }
        if let Some(rule) = rules().iter().find(|rule| rule.id == finding.rule) {
            output::line(format!("  why: {}", rule.rationale))?;
        }
        output::line(format!("  fix: {}\n", finding.fix))?;
    }
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = Severity::ALL.iter().rev().map(|severity| (count(*severity), severity));
    let counts =
        counts.filter(|(count, _)| *count > 0).map(|(count, severity)| format!("{count} {severity}"));
    let counts: Vec<String> = counts.collect();
    let found = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    output::line(format!(
        "{} files scanned: {found}. Trust score {} of 100, risk {}.",
        report.files_scanned,
        report.score().get(),
        report.risk()
    ))
}

fn json(report: &Report) -> Value {
    json!({
        "trust_score": report.score().get(),
        "risk_level": report.risk().name(),
        "files_scanned": report.files_scanned,
        "rules_version": CodeScanner.version(),
        "issues": report.findings.iter().map(issue).collect::<Vec<_>>(),
    })
}

fn issue(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "type": finding.category.type_name(),
        "severity": finding.severity.name(),
        "description": finding.description,
        "file": finding.file,
        "line": finding.line,
        "code_snippet": finding.snippet,
        "fix": finding.fix,
        "owasp": finding.category.owasp(),
        "cwe": finding.cwe.map(|cwe| format!("CWE-{cwe}")),
    })
}
