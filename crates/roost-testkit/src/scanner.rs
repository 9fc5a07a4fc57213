use roost_domain::scan::{Category, Finding, Framework, Report, Severity};
use roost_ports::scanner::{ArchiveError, Scanner, SourceFile};

/// A scanner that finds what a file says of itself: each line `FINDS CRITICAL` (or another severity) is a finding,
/// and so is `DISCLOSES`, of a secret.
#[derive(Debug, Default)]
pub struct TestScanner;

impl Scanner for TestScanner {
    fn version(&self) -> &'static str {
        "test"
    }

    fn scan(&self, files: &[SourceFile], _: Option<Framework>) -> Report {
        let mut findings = Vec::new();
        for file in files {
            let text = String::from_utf8_lossy(&file.content);
            for (line, number) in text.lines().zip(1..) {
                let found =
                    line.split_once("FINDS ").map(|(_, severity)| (Category::InsecureOutput, severity));
                let told = line.contains("DISCLOSES").then_some((Category::SensitiveDisclosure, "HIGH"));
                let Some((category, severity)) = found.or(told) else { continue };
                let word = severity.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
                let Ok(severity) = word.parse::<Severity>() else { continue };
                findings.push(Finding {
                    rule: "TEST".to_owned(),
                    category,
                    severity,
                    description: "It says so".to_owned(),
                    file: Some(file.path.clone()).filter(|path| !path.is_empty()),
                    line: number,
                    snippet: line.to_owned(),
                    fix: "Do not say so".to_owned(),
                    cwe: Some(95),
                });
            }
        }
        Report::new(findings, u32::try_from(files.len()).unwrap_or(u32::MAX))
    }

    fn unpack(&self, _: &[u8]) -> Result<Vec<SourceFile>, ArchiveError> {
        Err(ArchiveError::Unreadable { reason: "the test scanner reads none".to_owned() })
    }
}
