use serde_json::json;

use super::*;

fn spec() -> ToolSpec {
    crate::shell::spec()
}

fn problem(spec: &ToolSpec, arguments: &Value) -> String {
    read::<Value>(spec, arguments).unwrap_err().0
}

#[test]
fn every_mistake_is_told_with_the_argument_and_the_right_form() {
    let table = [
        (
            json!({"cmd": "ls"}),
            "shell: there is no argument `cmd`; it takes `command` (a string that is not empty, required), \
             `timeout_s` (a whole number from 1 to 600)",
        ),
        (
            json!({}),
            "shell: `command` is missing; it must be a string that is not empty: The command line, as /bin/sh -c \
             reads it.",
        ),
        (json!({"command": ["ls"]}), "shell: `command` must be a string that is not empty, not a list"),
        (json!({"command": ""}), "shell: `command` must be a string that is not empty, not an empty string"),
        (
            json!({"command": "ls", "timeout_s": "60"}),
            "shell: `timeout_s` must be a whole number from 1 to 600, not a string",
        ),
        (
            json!({"command": "ls", "timeout_s": 601}),
            "shell: `timeout_s` must be a whole number from 1 to 600, not 601",
        ),
        (
            json!({"command": "ls", "timeout_s": 1.5}),
            "shell: `timeout_s` must be a whole number from 1 to 600, not 1.5",
        ),
        (
            json!("ls"),
            "shell: the arguments must be an object, not a string; it takes `command` (a string that is not empty, \
             required), `timeout_s` (a whole number from 1 to 600)",
        ),
    ];
    for (arguments, expected) in table {
        assert_eq!(problem(&spec(), &arguments), expected, "{arguments}");
    }
}

#[test]
fn optional_arguments_may_be_null_and_all_arguments_may_be_left_out() {
    assert!(read::<Value>(&spec(), &json!({"command": "ls", "timeout_s": null})).is_ok());
    assert!(read::<Value>(&crate::list_files::spec(), &Value::Null).is_ok());
}

#[test]
fn a_value_is_never_repeated() {
    let spec = crate::http_request::spec();
    let hidden = "hunter2";
    for arguments in [
        json!({"method": hidden, "url": "https://example.com"}),
        json!({"method": "GET", "url": "https://example.com", "headers": hidden}),
        json!({"method": "GET", "url": "https://example.com", "headers": {"authorization": [hidden]}}),
        json!({"method": "GET", "url": "https://example.com", "body": {"password": hidden}}),
    ] {
        let problem = problem(&spec, &arguments);
        assert!(!problem.contains(hidden), "{problem}");
    }
}
