use roost_domain::scan::Finding;
use roost_http::iso;
use serde::Serialize;
use utoipa::ToSchema;

/// What a scan found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scan {
    /// `scan_…`
    id: String,
    /// 0 to 100; each issue takes something off.
    trust_score: u8,
    /// `SAFE`, which is without any issue, `LOW`, `MODERATE`, `HIGH` or `CRITICAL`
    risk_level: &'static str,
    issues: Vec<ScanIssue>,
    files_scanned: u32,
    took_ms: u64,
    /// The same code, scanned before, gives the same scan.
    created_at: String,
}

/// Something wrong in code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScanIssue {
    /// The rule that found it.
    rule: String,
    /// What it is about.
    r#type: &'static str,
    /// `INFO`, `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`
    severity: &'static str,
    description: String,
    file: Option<String>,
    /// From 1.
    line: u32,
    snippet: String,
    fix: String,
    #[schema(example = "LLM01")]
    owasp: &'static str,
    #[schema(example = "CWE-94")]
    cwe: Option<String>,
}

impl Scan {
    pub(super) fn new(scan: roost_core::Scan) -> Self {
        let report = scan.report;
        Self {
            id: scan.id.to_string(),
            trust_score: report.score().get(),
            risk_level: report.risk().name(),
            files_scanned: report.files_scanned,
            issues: report.findings.into_iter().map(ScanIssue::new).collect(),
            took_ms: scan.took_ms,
            created_at: iso(scan.created_at),
        }
    }
}

impl ScanIssue {
    fn new(finding: Finding) -> Self {
        Self {
            rule: finding.rule,
            r#type: finding.category.type_name(),
            severity: finding.severity.name(),
            description: finding.description,
            file: finding.file,
            line: finding.line,
            snippet: finding.snippet,
            fix: finding.fix,
            owasp: finding.category.owasp(),
            cwe: finding.cwe.map(|cwe| format!("CWE-{cwe}")),
        }
    }
}
