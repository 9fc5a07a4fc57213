use serde_json::json;

use super::*;

/// What was written by the first version.
const V1: &str = include_str!("../../../fixtures/trigger/v1.json");

fn triggers() -> [Trigger; 5] {
    let trigger = |kind, input| Trigger { name: "start".into(), kind, input };
    [
        trigger(TriggerKind::Manual, None),
        trigger(TriggerKind::Webhook { signed: true }, Some(json!({"title": "{{ event.body.title }}"}))),
        trigger(
            TriggerKind::Cron {
                expression: "0 6 * * MON".into(),
                timezone: "Europe/Berlin".into(),
                missed: MissedFires::All,
            },
            None,
        ),
        trigger(
            TriggerKind::Integration {
                integration: "github".into(),
                event: "issue".into(),
                filter: Some(json!({"label": "bug"})),
                every: Duration::from_secs(300),
            },
            None,
        ),
        trigger(TriggerKind::Continuous { delay: Duration::from_secs(60) }, None),
    ]
}

#[test]
fn what_the_first_version_wrote_is_read_and_written_the_same() {
    let records: Vec<Value> = serde_json::from_str(V1).unwrap();
    assert_eq!(records.len(), triggers().len());
    for (record, trigger) in records.iter().zip(triggers()) {
        assert_eq!(decode("start".into(), &record.to_string()).unwrap(), trigger);
        assert_eq!(serde_json::from_str::<Value>(&encode(&trigger).unwrap()).unwrap(), *record);
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let table = [
        (json!({"v": 2, "kind": "manual"}), "version 2"),
        (json!({"v": 1, "kind": "moon"}), "moon"),
        (
            json!({"v": 1, "kind": "cron", "expression": "* * * * *", "timezone": "UTC", "missed": "some"}),
            "\"some\"",
        ),
    ];
    for (record, expected) in table {
        let error = decode("start".into(), &record.to_string()).unwrap_err().to_string();
        assert!(error.contains(expected), "{record}: {error}");
    }
}

#[test]
fn a_problem_is_read_as_it_was_written() {
    let problem = Problem { code: "agent_in_error".into(), message: "the agent is in \"error\"".into() };
    assert_eq!(decode_problem(&encode_problem(&problem).unwrap()).unwrap(), problem);
}
