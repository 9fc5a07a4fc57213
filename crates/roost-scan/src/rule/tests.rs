use std::collections::HashSet;

use roost_ports::scanner::{Scanner as _, SourceFile};

use super::*;
use crate::CodeScanner;

fn finds(rule: &Rule, code: &str) -> bool {
    let file = SourceFile { path: rule.example.file.clone(), content: code.as_bytes().to_vec() };
    let report = CodeScanner.scan(&[file], rule.framework);
    report.findings.iter().any(|finding| finding.rule == rule.id)
}

#[test]
fn each_rule_finds_its_example_and_leaves_the_harmless_one_alone() {
    let mut wrong = Vec::new();
    for rule in rules() {
        if !finds(rule, &rule.example.positive) {
            wrong.push(format!("{} does not find its example", rule.id));
        }
        if finds(rule, &rule.example.negative) {
            wrong.push(format!("{} finds what is harmless", rule.id));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn rules_are_whole_and_their_ids_are_their_own() {
    let mut ids = HashSet::new();
    for rule in rules() {
        assert!(ids.insert(&rule.id), "{} is there twice", rule.id);
        assert!(
            rule.id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
        );
        for text in [&rule.title, &rule.rationale, &rule.fix] {
            assert!(text.len() > 8, "{} says too little", rule.id);
        }
        assert!(!rule.matches.is_empty(), "{} looks for nothing", rule.id);
    }
    for category in Category::ALL {
        assert!(
            rules().iter().any(|rule| rule.category == category),
            "nothing looks for {}",
            category.owasp()
        );
    }
}
