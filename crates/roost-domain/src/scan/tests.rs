use super::*;

fn finding(severity: Severity, file: &str, line: u32) -> Finding {
    Finding {
        rule: "RULE".to_owned(),
        category: Category::InsecureOutput,
        severity,
        description: String::new(),
        file: Some(file.to_owned()),
        line,
        snippet: String::new(),
        fix: String::new(),
        cwe: None,
    }
}

fn report(severities: &[Severity]) -> Report {
    Report::new(severities.iter().map(|severity| finding(*severity, "a.py", 1)).collect(), 1)
}

#[test]
fn the_score_is_a_hundred_less_what_each_finding_costs() {
    use Severity::{Critical, High, Info, Low, Medium};
    for (severities, score, risk) in [
        (&[][..], 100, RiskLevel::Safe),
        (&[Info], 100, RiskLevel::Low),
        (&[Low], 97, RiskLevel::Low),
        (&[Medium, Medium], 84, RiskLevel::Low),
        (&[High, Low, Low], 79, RiskLevel::Moderate),
        (&[Critical, High], 60, RiskLevel::Moderate),
        (&[Critical, Medium, Medium], 59, RiskLevel::High),
        (&[High, High, High, High], 40, RiskLevel::High),
        (&[Critical, Critical, Medium, Low], 39, RiskLevel::Critical),
        (&[Critical; 4], 0, RiskLevel::Critical),
        (&[Critical; 40], 0, RiskLevel::Critical),
    ] {
        let report = report(severities);
        assert_eq!((report.score().get(), report.risk()), (score, risk), "{severities:?}");
    }
}

#[test]
fn the_worst_comes_first_then_by_file_and_line() {
    let report = Report::new(
        vec![
            finding(Severity::Low, "a.py", 1),
            finding(Severity::High, "b.py", 9),
            finding(Severity::High, "b.py", 2),
            finding(Severity::High, "a.py", 3),
        ],
        2,
    );
    let order: Vec<_> = report.findings.iter().map(|one| (one.file.as_deref(), one.line)).collect();
    assert_eq!(order, [(Some("a.py"), 3), (Some("b.py"), 2), (Some("b.py"), 9), (Some("a.py"), 1)]);
    assert_eq!(report.worst(), Some(Severity::High));
    assert_eq!(Report::new(Vec::new(), 0).worst(), None);
}

#[test]
fn names_are_read_as_they_are_written() {
    for one in Severity::ALL {
        assert_eq!(one.name().parse(), Ok(one));
        assert_eq!(one.name().to_lowercase().parse(), Ok(one));
    }
    for one in RiskLevel::ALL {
        assert_eq!(one.name().parse(), Ok(one));
    }
    for one in Framework::ALL {
        assert_eq!(one.name().parse(), Ok(one));
    }
    for one in Category::ALL {
        assert_eq!(one.owasp().parse(), Ok(one));
        assert!(one.type_name().starts_with(one.owasp()));
    }
    let error = "terrible".parse::<Severity>().expect_err("no such severity");
    assert_eq!(error.to_string(), "\"terrible\" is none of INFO, LOW, MEDIUM, HIGH, CRITICAL");
}
