use roost_domain::scan::{Category, Severity};

use super::*;

const V1: &str = include_str!("../../../fixtures/report/v1.json");

#[test]
fn what_was_written_once_is_read_for_ever() {
    let report = decode(V1).unwrap();
    assert_eq!((report.files_scanned, report.findings.len()), (2, 2));
    let first = &report.findings[0];
    assert_eq!(
        (first.category, first.severity, first.cwe),
        (Category::InsecureOutput, Severity::Critical, Some(95))
    );
    assert_eq!(report.findings[1].file, None);
    assert_eq!(encode(&report).unwrap(), V1.trim());
}

#[test]
fn what_cannot_be_read_says_why() {
    assert!(decode(&V1.replace("\"v\":1", "\"v\":2")).unwrap_err().contains("version 2"));
    assert!(decode(&V1.replace("LLM02", "LLM77")).unwrap_err().starts_with("owasp: "));
}
