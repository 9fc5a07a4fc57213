use roost_ports::scanner::{Scanner as _, SourceFile};

use super::*;
use crate::CodeScanner;

#[test]
fn a_log_has_what_the_standard_asks_for() {
    let files = [("a b/ä.py", "eval(input())\npassword = 'hunter2-Forever!'\n"), ("", "x = (\n")]
        .map(|(path, code)| SourceFile { path: path.to_owned(), content: code.as_bytes().to_vec() });
    let log = log(&CodeScanner.scan(&files, None), "1.2.3");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "roost scan");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert!(results.len() >= 3, "{log:#}");
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string(), "{rule:#}");
        assert!(
            ["error", "warning", "note"]
                .contains(&rule["defaultConfiguration"]["level"].as_str().expect("level"))
        );
    }
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("index")).expect("small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("level")));
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().expect("line") >= 1);
        let uri = place["artifactLocation"]["uri"].as_str().expect("uri");
        assert!(uri == "a%20b/%C3%A4.py" || uri == "snippet", "{uri}");
    }
    let text = log.to_string();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(results.iter().any(|result| result["ruleId"] == "LLM02-EVAL" && result["level"] == "error"));
}

#[test]
fn an_empty_report_is_a_log_without_results() {
    let log = log(&Report::new(Vec::new(), 0), "1.2.3");
    assert_eq!(log["runs"][0]["results"], json!([]));
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"], json!([]));
}
