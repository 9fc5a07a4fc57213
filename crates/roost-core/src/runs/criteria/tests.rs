use roost_domain::workflow::{Expression, Retry, StepId, StepKind, Template};
use serde_json::json;

use super::*;

fn step(output: Option<Value>, success: Vec<Criterion>) -> Step {
    Step {
        id: StepId("a".into()),
        name: "a".into(),
        kind: StepKind::GenerateText { prompt: Template(json!("x")), model: None, tools: None },
        inputs: std::collections::BTreeMap::new(),
        output,
        success,
        needs: None,
        retry: Retry::default(),
        timeout: None,
    }
}

fn assertion(text: &str) -> Criterion {
    Criterion::Assert(Expression(text.into()))
}

#[test]
fn criteria_are_looked_at_in_order_until_a_model_has_to_be_asked() {
    let judged = Criterion::Judged(Template(json!("It is kind.")));
    let schema = Criterion::Schema(json!({"type": "object", "required": ["score"]}));
    let step = step(
        None,
        vec![assertion("output.score > input.least"), schema, judged, assertion("output.score < 9")],
    );
    let check =
        |output: Value, from| check(&step, &output, from, Scope::new().with("input", json!({"least": 3})));
    assert_eq!(check(json!({"score": 4}), 0), Verdict::Judge(2));
    assert_eq!(check(json!({"score": 4}), 3), Verdict::Holds);
    assert_eq!(check(json!({"score": 9}), 3), Verdict::Misses("`output.score < 9` is not true".into()));
    assert_eq!(
        check(json!({"score": 3}), 0),
        Verdict::Misses("`output.score > input.least` is not true".into())
    );
    assert!(matches!(check(json!({}), 0), Verdict::Misses(why) if why.contains("not there")));
    assert!(matches!(check(json!({"x": 1}), 1), Verdict::Misses(why) if why.contains("score")));
}

#[test]
fn an_output_keeps_to_the_schema_of_its_step() {
    let step = step(Some(json!({"type": "array", "items": {"type": "integer"}})), Vec::new());
    assert_eq!(check(&step, &json!([1, 2]), 0, Scope::new()), Verdict::Holds);
    assert!(
        matches!(check(&step, &json!([1, "x"]), 0, Scope::new()), Verdict::Misses(why) if why.contains("/1"))
    );
}

#[test]
fn a_schema_is_looked_up_nowhere() {
    let problem = keeps_to(&json!({"$ref": "http://127.0.0.1:1/x.json"}), &json!(1)).unwrap_err();
    assert!(problem.contains("schema is wrong"), "{problem}");
    let problem = keeps_to(&json!({"$ref": "file:///etc/passwd"}), &json!(1)).unwrap_err();
    assert!(problem.contains("schema is wrong"), "{problem}");
}

#[test]
fn a_verdict_is_read_strictly() {
    assert_eq!(verdict(r#"{"passes": true, "reason": "fine"}"#), (true, "fine".into()));
    assert_eq!(verdict("```json\n{\"passes\": false, \"reason\": \"dull\"}\n```"), (false, "dull".into()));
    for unreadable in [
        "",
        "It passes.",
        r#"{"passes": "true", "reason": "x"}"#,
        r#"{"passes": true}"#,
        r#"{"passes": true, "reason": "x", "score": 1}"#,
        r#"[{"passes": true, "reason": "x"}]"#,
        r#"{"passes": true, "reason": "x"} and more"#,
    ] {
        let (passes, reason) = verdict(unreadable);
        assert!(!passes && reason.contains("could not be read"), "{unreadable}");
    }
}
