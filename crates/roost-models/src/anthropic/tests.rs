use proptest::prelude::*;
use roost_domain::conversation::{StopReason, ToolChoice, Wishes};
use roost_domain::model::Usage;
use roost_domain::unit::Tokens;
use roost_ports::model::Error;
use serde_json::json;

use super::*;
use crate::testing::{call, read, same_however_cut, story};

const TOOL_USE: &str = include_str!("fixtures/tool_use.sse");
const ODD: &str = include_str!("fixtures/odd.sse");

fn decoder() -> decode::Decoder {
    decode::Decoder::new("seed", Tokens(11))
}

#[test]
fn a_request_holds_the_story_in_the_vendors_form() {
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!(encode::request("claude-sonnet-5-5", &story())) });
}

#[tokio::test]
async fn text_and_parallel_calls_are_read() {
    let (texts, answer) = read(TOOL_USE, decoder()).await;
    let answer = answer.unwrap();
    assert_eq!(texts, ["Okay", ", let's check."]);
    assert_eq!(
        answer.calls,
        [
            call("toolu_01T1x1fJ34qAmk2tNTrN7Up6", "get_weather", json!({"location": "San Francisco, CA"})),
            call("toolu_01Second", "now", json!({})),
        ]
    );
    assert_eq!(answer.stop, StopReason::ToolUse);
    let usage =
        Usage { input: Tokens(2_572), cached: Tokens(2_000), cache_written: Tokens(100), output: Tokens(89) };
    assert_eq!(answer.usage, usage);
}

#[tokio::test]
async fn pings_comments_carriage_returns_thinking_and_unknown_events_do_no_harm() {
    let (texts, answer) = read(ODD, decoder()).await;
    assert_eq!(texts.concat(), "Grüße, 世界 🦀");
    assert_eq!(answer.unwrap().stop, StopReason::MaxOutput);
}

#[tokio::test]
async fn every_stop_reason_has_a_meaning() {
    for (reason, stop) in [
        ("end_turn", StopReason::EndTurn),
        ("stop_sequence", StopReason::EndTurn),
        ("max_tokens", StopReason::MaxOutput),
        ("model_context_window_exceeded", StopReason::MaxOutput),
        ("refusal", StopReason::Refused),
        ("something_new", StopReason::EndTurn),
    ] {
        let body = format!(
            "data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{reason}\"}},\"usage\":{{\"output_tokens\":1}}}}\n\n\
             data: {{\"type\":\"message_stop\"}}\n\n"
        );
        assert_eq!(read(&body, decoder()).await.1.unwrap().stop, stop, "{reason}");
    }
}

#[tokio::test]
async fn a_stream_cut_anywhere_before_its_end_is_broken() {
    for (at, _) in TOOL_USE.match_indices("event: ").skip(1) {
        let (_, answer) = read(&TOOL_USE[..at], decoder()).await;
        assert!(matches!(answer, Err(Error::Broken { .. })), "cut at byte {at}: {answer:?}");
    }
}

#[tokio::test]
async fn an_error_within_the_stream_says_what_the_vendor_says() {
    let body = "event: error\ndata: {\"type\": \"error\", \"error\": {\"type\": \"overloaded_error\", \"message\": \"Overloaded\"}}\n\n";
    let (_, answer) = read(body, decoder()).await;
    assert_eq!(answer.unwrap_err().to_string(), "fake failed (HTTP 529): Overloaded");
}

#[tokio::test]
async fn what_is_not_of_the_documented_form_is_nonsense() {
    for body in [
        "data: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n",
        "data: {\"type\":\"message_start\"}\n\n",
        "data: {\"no\":\"type\"}\n\n",
        "data: {\"type\"\n\n",
        "data: [1]\n\n",
    ] {
        let (_, answer) = read(body, decoder()).await;
        assert!(matches!(answer, Err(Error::Nonsense { .. })), "{body}: {answer:?}");
    }
}

#[test]
fn wishes_are_written_in_the_vendors_words_and_the_one_without_a_word_is_named() {
    let talk = story();
    let written = |wishes: &Wishes| {
        let mut request = encode::request("m", &talk);
        let result = encode::wish(&mut request, wishes);
        (serde_json::to_value(request).unwrap(), result)
    };
    let plain = written(&Wishes::default()).0;
    let (wished, result) = written(&crate::testing::wishes());
    assert_eq!(result, Err("answers of a JSON form"));
    for (key, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.25)),
        ("stop_sequences", json!(["END"])),
        ("tool_choice", json!({"type": "tool", "name": "shell"})),
    ] {
        assert_eq!((plain.get(key), &wished[key]), (None, &value), "{key}");
    }
    for (choice, word) in [(ToolChoice::None, "none"), (ToolChoice::Required, "any")] {
        let (wished, result) = written(&Wishes { choice, ..Wishes::default() });
        assert_eq!((&wished["tool_choice"]["type"], result), (&json!(word), Ok(())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_answer_is_the_same_however_the_network_cuts_it(places in prop::collection::vec(any::<u16>(), 0..12)) {
        same_however_cut(TOOL_USE, &places, decoder);
        same_however_cut(ODD, &places, decoder);
    }
}
