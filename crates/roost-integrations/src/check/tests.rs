use serde_json::json;

use super::*;

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "owner": {"type": "string"},
            "body": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "labels": {"type": "array", "items": {"type": ["string", "null"]}},
                    "state": {"enum": ["open", "closed"]}
                },
                "required": ["title"]
            }
        },
        "required": ["owner"],
        "additionalProperties": false
    })
}

#[test]
fn each_fault_names_its_place_and_what_would_be_right() {
    assert_eq!(
        check(&schema(), &json!({"owner": "a", "body": {"title": "b", "labels": [null, "c"]}})),
        Ok(())
    );
    let given = json!({"owner": 7, "body": {"labels": ["a", 1], "state": "gone"}, "extra": true});
    let faults: Vec<String> = check(&schema(), &given).unwrap_err().iter().map(ToString::to_string).collect();
    for wanted in [
        "arguments.owner ",
        "arguments.body.labels[1] ",
        "arguments.body.state ",
        "\"title\" is a required",
        "extra",
    ] {
        assert!(faults.iter().any(|fault| fault.contains(wanted)), "{wanted}: {faults:?}");
    }
}
