//! What a scan found: `{"v":1,"files":3,"findings":[{"rule":"PY012","owasp":"LLM02",…}]}`.

use roost_domain::scan::{Finding, Report};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct ReportV1 {
    v: u32,
    files: u32,
    findings: Vec<FindingV1>,
}

#[derive(Serialize, Deserialize)]
struct FindingV1 {
    rule: String,
    owasp: String,
    severity: String,
    description: String,
    file: Option<String>,
    line: u32,
    snippet: String,
    fix: String,
    cwe: Option<u16>,
}

/// Writes a report.
pub(crate) fn encode(report: &Report) -> Result<String, serde_json::Error> {
    let finding = |finding: &Finding| FindingV1 {
        rule: finding.rule.clone(),
        owasp: finding.category.owasp().to_owned(),
        severity: finding.severity.name().to_owned(),
        description: finding.description.clone(),
        file: finding.file.clone(),
        line: finding.line,
        snippet: finding.snippet.clone(),
        fix: finding.fix.clone(),
        cwe: finding.cwe,
    };
    let findings = report.findings.iter().map(finding).collect();
    serde_json::to_string(&ReportV1 { v: VERSION, files: report.files_scanned, findings })
}

/// Reads a report of any version there ever was.
pub(crate) fn decode(text: &str) -> Result<Report, String> {
    let report: ReportV1 = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if report.v != VERSION {
        return Err(format!("version {} of the record is not known, only {VERSION} is", report.v));
    }
    let finding = |finding: FindingV1| {
        Ok(Finding {
            rule: finding.rule,
            category: finding.owasp.parse().map_err(|error| format!("owasp: {error}"))?,
            severity: finding.severity.parse().map_err(|error| format!("severity: {error}"))?,
            description: finding.description,
            file: finding.file,
            line: finding.line,
            snippet: finding.snippet,
            fix: finding.fix,
            cwe: finding.cwe,
        })
    };
    let findings = report.findings.into_iter().map(finding).collect::<Result<_, String>>()?;
    Ok(Report::new(findings, report.files))
}

#[cfg(test)]
mod tests;
