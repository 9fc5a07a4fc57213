use roost_domain::conversation::StopReason;
use roost_domain::id::{AccountId, ResponseId};
use roost_domain::model::Usage;
use roost_domain::tool::ToolCallId;
use roost_domain::unit::Tokens;
use serde_json::json;
use uuid::Uuid;

use super::*;

const V1: &str = include_str!("../../../fixtures/response/v1.json");

fn known() -> Vec<(Value, AnsweredBy)> {
    let call =
        ToolCall { id: ToolCallId::from_text("call_1"), tool: "look_up".into(), arguments: json!({"n": 1}) };
    let usage = Usage { input: Tokens(10), cached: Tokens(4), cache_written: Tokens(2), output: Tokens(3) };
    let agent = AnsweredBy::Agent {
        agent: "0190b5a4-2f6e-7cc1-9d2b-8a6c1d2e3f40".parse().unwrap(),
        session: "sess_0190b5a42f6e7cc19d2b8a6c1d2e3f41".parse().unwrap(),
        turn: "turn_0190b5a42f6e7cc19d2b8a6c1d2e3f42".parse().unwrap(),
        after: Offset(7),
    };
    let model = AnsweredBy::Model {
        model: "openai/gpt-5.5".parse().unwrap(),
        said: vec![Message::User("Hi".into())],
        answer: Answer { text: String::new(), calls: vec![call], stop: StopReason::ToolUse, usage },
    };
    vec![(json!({"instructions": "Be brief."}), agent), (json!({}), model)]
}

#[test]
fn what_the_first_version_wrote_is_read_for_ever_and_still_written() {
    let records: Vec<Value> = serde_json::from_str(V1).unwrap();
    let read: Vec<_> = records.iter().map(|record| decode(&record.to_string()).unwrap()).collect();
    assert_eq!(read, known());
    for ((asked, by), record) in known().into_iter().zip(&records) {
        let response = Response {
            id: ResponseId::from_uuid(Uuid::nil()),
            account: AccountId::from_uuid(Uuid::nil()),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            asked,
            by,
        };
        let written: Value = serde_json::from_str(&encode(&response).unwrap()).unwrap();
        assert_eq!(&written, record);
    }
}

#[test]
fn a_record_of_a_newer_version_is_named() {
    let problem = decode(r#"{"v":2}"#).unwrap_err().to_string();
    assert_eq!(problem, "version 2 of the record is not known, only 1 is");
}
