use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::roost::{Home, Options, text};

fn code(directory: &Path) {
    fs::create_dir_all(directory.join("node_modules/x")).expect("a directory");
    fs::write(directory.join("agent.py"), "code = llm.invoke('x')\nexec(code)\n").expect("written");
    fs::write(directory.join("node_modules/x/a.js"), "eval(req.body.x)\n").expect("written");
    std::os::unix::fs::symlink("/etc", directory.join("link")).expect("a link");
}

#[test]
fn findings_name_file_line_rule_reason_and_remedy() {
    let home = Home::new(Options::default());
    let directory = tempfile::tempdir().expect("a directory");
    code(directory.path());
    let output = home.run(&["scan", directory.path().to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stdout);
    for part in
        ["agent.py:2  CRITICAL  LLM02-EXEC", "why: ", "fix: ", "1 files scanned", "Trust score 75 of 100"]
    {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert!(!printed.contains("node_modules"), "{printed}");
}

#[test]
fn the_exit_code_says_whether_the_threshold_was_passed() {
    let home = Home::new(Options::default());
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("agent.py");
    let path = file.to_str().expect("a path");
    fs::write(&file, "def f(x):\n    return eval(x)\n").expect("written");
    for (args, status) in [
        (&["scan", path][..], 0),
        (&["scan", path, "--fail-on", "medium"], 1),
        (&["scan", path, "--min-score", "93"], 1),
        (&["scan", path, "--min-score", "92"], 0),
        (&["scan", "/nowhere/at/all"], 2),
        (&["scan", path, "--fail-on", "terrible"], 2),
    ] {
        assert_eq!(home.run(args).status.code(), Some(status), "{args:?}");
    }
}

#[test]
fn programs_get_json_and_code_hosts_sarif() {
    let home = Home::new(Options::default());
    let directory = tempfile::tempdir().expect("a directory");
    code(directory.path());
    let run = |format: &str| {
        let output = home.run(&["scan", directory.path().to_str().expect("a path"), "--format", format]);
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let report = run("json");
    assert_eq!((&report["trust_score"], &report["risk_level"]), (&75.into(), &"MODERATE".into()));
    assert_eq!(report["issues"][0]["type"], "LLM02_INSECURE_OUTPUT");
    let log = run("sarif");
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "LLM02-EXEC");
}

#[test]
fn an_archive_that_is_refused_says_why() {
    let home = Home::new(Options::default());
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("x.zip");
    fs::write(&file, "no archive").expect("written");
    let output = home.run(&["scan", file.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no readable zip archive"), "{}", text(&output.stderr));
}
