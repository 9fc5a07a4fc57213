use proptest::prelude::*;
use roost_domain::conversation::{StopReason, ToolChoice, Wishes};
use roost_domain::model::Usage;
use roost_domain::unit::Tokens;
use roost_ports::model::Error;
use serde_json::json;

use super::*;
use crate::testing::{call, read, same_however_cut, story};

const TOOL_CALLS: &str = include_str!("fixtures/tool_calls.sse");
const OLLAMA: &str = include_str!("fixtures/ollama.sse");
const OPENROUTER: &str = include_str!("fixtures/openrouter.sse");

fn decoder() -> decode::Decoder {
    decode::Decoder::new("seed", Tokens(11))
}

#[test]
fn a_request_holds_the_story_in_the_vendors_form() {
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!(encode::request("gpt-6.1-sol", &story(), Dialect::OpenAi)) });
}

#[test]
fn compatible_servers_are_given_the_older_cap() {
    let request = serde_json::to_value(encode::request("m", &story(), Dialect::Compatible)).unwrap();
    assert_eq!((&request["max_tokens"], request.get("max_completion_tokens")), (&json!(1_000), None));
}

#[test]
fn models_that_take_tools_only_without_reasoning_are_told_so() {
    let mut talk = story();
    let effort = |model: &str, talk: &_, dialect| {
        let request = serde_json::to_value(encode::request(model, talk, dialect)).unwrap();
        request.get("reasoning_effort").cloned()
    };
    assert_eq!(effort("gpt-5.6-terra", &talk, Dialect::OpenAi), Some(json!("none")));
    assert_eq!(effort("gpt-5.6-terra", &talk, Dialect::Compatible), None);
    assert_eq!(effort("gpt-4.1", &talk, Dialect::OpenAi), None);
    talk.tools.clear();
    assert_eq!(effort("gpt-5.6-terra", &talk, Dialect::OpenAi), None);
}

#[tokio::test]
async fn parallel_calls_are_put_together_by_their_index() {
    let (texts, answer) = read(TOOL_CALLS, decoder()).await;
    let answer = answer.unwrap();
    assert_eq!(texts, ["Checking."]);
    assert_eq!(
        answer.calls,
        [
            call("call_DdmO9pD3xa9XTPNJ32zg2hcA", "get_weather", json!({"location": "Paris, France"})),
            call("call_ABCth6EQ67Azq", "get_weather", json!({"location": "Bogotá, Colombia"})),
        ]
    );
    assert_eq!(answer.stop, StopReason::ToolUse);
    let usage =
        Usage { input: Tokens(1_117), cached: Tokens(1_024), cache_written: Tokens(0), output: Tokens(46) };
    assert_eq!(answer.usage, usage);
}

#[tokio::test]
async fn ollama_sends_whole_calls_all_numbered_alike_and_is_understood() {
    let (_, answer) = read(OLLAMA, decoder()).await;
    let answer = answer.unwrap();
    assert_eq!(
        answer.calls,
        [
            call("call_a1", "shell", json!({"command": "ls"})),
            call("call_b2", "shell", json!({"command": "pwd"}))
        ]
    );
    assert_eq!(answer.usage.output, Tokens(33));
}

#[tokio::test]
async fn calls_without_index_and_id_are_told_apart_by_their_names() {
    let body = concat!(
        r#"data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"a","arguments":"{\"x\":"}}]}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"1}"}}]}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"a","arguments":"{}"}}]}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        "\n\n",
    );
    let answer = read(body, decoder()).await.1.unwrap();
    assert_eq!(
        answer.calls,
        [call("call_seed_0", "a", json!({"x": 1})), call("call_seed_1", "a", json!({}))]
    );
}

#[tokio::test]
async fn openrouter_sends_comments_and_reasoning_and_usage_with_the_last_word() {
    let (texts, answer) = read(OPENROUTER, decoder()).await;
    assert_eq!(texts.concat(), "Grüße 🦀");
    let usage = Usage { input: Tokens(20), cached: Tokens(8), cache_written: Tokens(4), output: Tokens(9) };
    assert_eq!(answer.unwrap().usage, usage);
}

#[tokio::test]
async fn without_usage_it_is_estimated_and_without_done_the_answer_is_whole() {
    let body = concat!(
        r#"data: {"choices":[{"delta":{"content":"12345678"},"finish_reason":null}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{},"finish_reason":"length"}]}"#,
        "\n\n",
    );
    let answer = read(body, decoder()).await.1.unwrap();
    assert_eq!((answer.usage.input, answer.usage.output), (Tokens(11), Tokens(3)));
    assert_eq!(answer.stop, StopReason::MaxOutput);
}

#[tokio::test]
async fn every_finish_reason_has_a_meaning() {
    for (reason, stop) in [
        ("stop", StopReason::EndTurn),
        ("length", StopReason::MaxOutput),
        ("content_filter", StopReason::Refused),
        ("tool_calls", StopReason::EndTurn),
    ] {
        let body = format!("data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\n");
        assert_eq!(read(&body, decoder()).await.1.unwrap().stop, stop, "{reason}");
    }
}

#[tokio::test]
async fn a_stream_cut_before_its_finish_reason_is_broken_even_if_it_says_done() {
    let finish = TOOL_CALLS.find("\"finish_reason\":\"tool_calls\"").unwrap();
    for (at, _) in TOOL_CALLS.match_indices("data: ").filter(|(at, _)| *at < finish).skip(1) {
        let (_, answer) = read(&TOOL_CALLS[..at], decoder()).await;
        assert!(matches!(answer, Err(Error::Broken { .. })), "cut at byte {at}: {answer:?}");
    }
    let (_, answer) =
        read("data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n", decoder()).await;
    assert!(matches!(answer, Err(Error::Broken { .. })), "{answer:?}");
}

#[tokio::test]
async fn an_error_within_the_stream_says_what_the_server_says() {
    for (body, said) in [
        (
            r#"{"id":"x","error":{"code":502,"message":"Upstream is down"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
            "fake failed (HTTP 502): Upstream is down",
        ),
        (
            r#"{"error":{"message":"no memory","type":"server_error","code":null}}"#,
            "fake failed (HTTP 500): no memory",
        ),
        (r#"{"error":"model runner has stopped"}"#, "fake failed (HTTP 500): model runner has stopped"),
    ] {
        let (_, answer) = read(&format!("data: {body}\n\n"), decoder()).await;
        assert_eq!(answer.unwrap_err().to_string(), said);
    }
}

#[test]
fn wishes_are_written_in_the_vendors_words_and_left_out_where_there_are_none() {
    let talk = story();
    let written = |wishes: &Wishes| {
        let mut request = encode::request("m", &talk, Dialect::OpenAi);
        encode::wish(&mut request, wishes);
        serde_json::to_value(request).unwrap()
    };
    let (plain, wished) = (written(&Wishes::default()), written(&crate::testing::wishes()));
    for (key, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.25)),
        ("stop", json!(["END"])),
        ("tool_choice", json!({"type": "function", "function": {"name": "shell"}})),
        (
            "response_format",
            json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": true}}),
        ),
    ] {
        assert_eq!((plain.get(key), &wished[key]), (None, &value), "{key}");
    }
    for (choice, word) in [(ToolChoice::None, "none"), (ToolChoice::Required, "required")] {
        assert_eq!(written(&Wishes { choice, ..Wishes::default() })["tool_choice"], word);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_answer_is_the_same_however_the_network_cuts_it(places in prop::collection::vec(any::<u16>(), 0..12)) {
        for body in [TOOL_CALLS, OLLAMA, OPENROUTER] {
            same_however_cut(body, &places, decoder);
        }
    }
}
