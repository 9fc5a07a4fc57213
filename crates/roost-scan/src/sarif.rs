//! Reports as SARIF, which code hosts and editors read.
//!
//! **Source:** Static Analysis Results Interchange Format 2.1.0, OASIS standard,
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use roost_domain::scan::{Finding, Report, Severity};
use serde_json::{Value, json};

use crate::rule::{Rule, rules};

/// Where the schema lives.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes a report as a SARIF log with one run. Rules that found something are described in it.
pub fn log(report: &Report, version: &str) -> Value {
    let used: Vec<&Rule> =
        rules().iter().filter(|rule| report.findings.iter().any(|finding| finding.rule == rule.id)).collect();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(finding, &used)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "roost scan",
                "semanticVersion": version,
                "rules": used.iter().map(|rule| described(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "trustScore": report.score().get(),
                "riskLevel": report.risk().name(),
                "filesScanned": report.files_scanned,
            },
        }],
    })
}

fn described(rule: &Rule) -> Value {
    let mut tags = vec!["security".to_owned(), rule.category.owasp().to_owned()];
    tags.extend(rule.cwe.map(|cwe| format!("external/cwe/cwe-{cwe}")));
    json!({
        "id": rule.id,
        "name": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.rationale },
        "help": { "text": rule.fix },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": tags, "security-severity": weight(rule.severity), "precision": "high" },
    })
}

fn result(finding: &Finding, used: &[&Rule]) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": format!("{} {}", finding.description, finding.fix) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(finding.file.as_deref().unwrap_or("snippet")) },
            "region": { "startLine": finding.line.max(1), "snippet": { "text": finding.snippet } },
        } }],
    });
    if let Some(index) = used.iter().position(|rule| rule.id == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    result
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// Returns the number that code hosts sort by, 0 to 10.
const fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

/// Writes a path as a relative reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests;
