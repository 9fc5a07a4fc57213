use std::sync::Arc;

use proptest::prelude::*;
use roost_domain::conversation::{Message, StopReason, ToolChoice, Wishes};
use roost_domain::model::Usage;
use roost_domain::unit::Tokens;
use roost_ports::model::Error;
use serde_json::{Value, json};

use super::signatures::{FOREIGN, Signatures, place};
use super::*;
use crate::testing::{call, conversation, hello, read, result, same_however_cut, story};

const FUNCTION_CALLS: &str = include_str!("fixtures/function_calls.sse");

fn decoder() -> decode::Decoder {
    decode::Decoder::new("seed", Tokens(11), None)
}

fn request(
    model: &str,
    conversation: &roost_domain::conversation::Conversation,
    known: &Signatures,
) -> Value {
    serde_json::to_value(encode::request(model, conversation, known)).unwrap()
}

#[test]
fn a_request_holds_the_story_in_the_vendors_form() {
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!(request("gemini-3.8-flash", &story(), &Signatures::default())) });
}

#[tokio::test]
async fn text_calls_and_usage_are_read_and_thoughts_are_not_text() {
    let (texts, answer) = read(FUNCTION_CALLS, decoder()).await;
    let answer = answer.unwrap();
    assert_eq!(texts, ["Grüße, ", "世界 🦀"]);
    assert_eq!(
        answer.calls,
        [
            call("call_seed_0", "check_flight", json!({"flight": "AA100"})),
            call("call_seed_1", "now", json!({})),
            call("fc_9", "check_flight", json!({"flight": "BB2"})),
        ]
    );
    assert_eq!(answer.stop, StopReason::ToolUse);
    let usage =
        Usage { input: Tokens(80), cached: Tokens(40), cache_written: Tokens(0), output: Tokens(320) };
    assert_eq!(answer.usage, usage);
}

#[tokio::test]
async fn signatures_come_back_with_the_calls_they_came_with() {
    let known = Arc::new(Signatures::default());
    let at = place("gemini-3.8-flash", &hello());
    let decoder = decode::Decoder::new("seed", Tokens(0), Some((known.clone(), at)));
    let answer = read(FUNCTION_CALLS, decoder).await.1.unwrap();

    // The server gives the calls names of its own before they are sent back.
    let mut messages = hello().messages;
    let mut renamed = answer.calls.clone();
    for (number, call) in renamed.iter_mut().enumerate() {
        call.id = roost_domain::tool::ToolCallId::from_text(format!("call_3_{number}"));
    }
    messages.push(Message::Assistant { text: answer.text, calls: renamed });
    messages.extend((0..3).map(|number| result(&format!("call_3_{number}"), "x", "fine", false)));
    let next = conversation(messages);

    let signature =
        |request: &Value, part: usize| request["contents"][1]["parts"][part]["thoughtSignature"].clone();
    let same = request("gemini-3.8-flash", &next, &known);
    assert_eq!([signature(&same, 1), signature(&same, 2)], [json!("c2lnbmF0dXJlLUE="), Value::Null]);

    let after_restart = request("gemini-3.8-flash", &next, &Signatures::default());
    assert_eq!(signature(&after_restart, 1), json!(FOREIGN));
    let older_model = request("gemini-2.5-pro", &next, &known);
    assert_eq!(signature(&older_model, 1), Value::Null);
}

#[test]
fn signatures_are_bounded() {
    let known = Signatures::default();
    let at = |n: usize| place("m", &conversation(vec![Message::User(n.to_string())]));
    for n in 0..5_000 {
        known.keep(at(n), vec![Some("x".into())]);
    }
    assert_eq!((known.find(at(0)), known.find(at(4_999))), (None, Some(vec![Some("x".into())])));
}

#[tokio::test]
async fn every_finish_reason_has_a_meaning() {
    for (reason, stop) in [
        ("STOP", StopReason::EndTurn),
        ("MAX_TOKENS", StopReason::MaxOutput),
        ("SAFETY", StopReason::Refused),
        ("RECITATION", StopReason::Refused),
        ("SOMETHING_NEW", StopReason::Refused),
    ] {
        let body = format!("data: {{\"candidates\":[{{\"finishReason\":\"{reason}\"}}]}}\r\n\r\n");
        assert_eq!(read(&body, decoder()).await.1.unwrap().stop, stop, "{reason}");
    }
    let blocked = "data: {\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}}\n\n";
    assert_eq!(read(blocked, decoder()).await.1.unwrap().stop, StopReason::Refused);
    let malformed = "data: {\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":\"print(\"}]}\n\n";
    assert!(matches!(read(malformed, decoder()).await.1, Err(Error::Nonsense { .. })));
}

#[tokio::test]
async fn a_stream_cut_before_its_finish_reason_is_broken() {
    for (at, _) in FUNCTION_CALLS.match_indices("data: ").skip(1) {
        let (_, answer) = read(&FUNCTION_CALLS[..at], decoder()).await;
        assert!(matches!(answer, Err(Error::Broken { .. })), "cut at byte {at}: {answer:?}");
    }
}

#[test]
fn a_wrong_key_and_the_time_to_wait_are_found_in_error_bodies() {
    let wrong_key = json!({"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}});
    assert_eq!(decode::error_body(400, &wrong_key).unwrap().status, 401);
    let limited = json!([{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]}}]);
    let limited = decode::error_body(429, &limited).unwrap();
    assert_eq!(limited.retry_after, Some(std::time::Duration::from_millis(34_500)));
}

#[test]
fn wishes_are_written_in_the_vendors_words_and_left_out_where_there_are_none() {
    let talk = story();
    let written = |wishes: &Wishes| {
        let mut request = encode::request("m", &talk, &Signatures::default());
        encode::wish(&mut request, wishes);
        serde_json::to_value(request).unwrap()
    };
    let (plain, wished) = (written(&Wishes::default()), written(&crate::testing::wishes()));
    let config = &wished["generationConfig"];
    for (key, value) in [
        ("temperature", json!(0.5)),
        ("topP", json!(0.25)),
        ("stopSequences", json!(["END"])),
        ("responseMimeType", json!("application/json")),
        ("responseJsonSchema", json!({"type": "object"})),
    ] {
        assert_eq!((plain["generationConfig"].get(key), &config[key]), (None, &value), "{key}");
    }
    assert_eq!(plain.get("toolConfig"), None);
    let calling = &wished["toolConfig"]["functionCallingConfig"];
    assert_eq!(calling, &json!({"mode": "ANY", "allowedFunctionNames": ["shell"]}));
    for (choice, mode) in [(ToolChoice::None, "NONE"), (ToolChoice::Required, "ANY")] {
        let wished = written(&Wishes { choice, ..Wishes::default() });
        assert_eq!(wished["toolConfig"]["functionCallingConfig"], json!({"mode": mode}));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_answer_is_the_same_however_the_network_cuts_it(places in prop::collection::vec(any::<u16>(), 0..12)) {
        same_however_cut(FUNCTION_CALLS, &places, decoder);
    }
}
