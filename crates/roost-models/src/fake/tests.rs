use std::time::{Duration, Instant};

use roost_domain::conversation::{Answer, Conversation, Message, StopReason};
use roost_domain::tool::ToolCallId;
use roost_domain::unit::Tokens;
use roost_ports::model::Error;
use serde_json::{Value, json};

use super::*;
use crate::Providers;
use crate::testing::{KEY, Server, ask, hello, impatient, options, providers, result, serve};

const WIRES: [&str; 4] = ["anthropic/any", "openai/any", "google/gemini-3-any", "openrouter/any"];

const STORY: &str = r#"
turns:
  - - text: "I'll look — twice. "
      calls:
        - {tool: shell, arguments: {command: "ls \"a b\"", timeout_s: 5}}
        - {tool: shell, arguments: {command: pwd}}
      usage: {input: 1000, cached: 600, output: 40}
    - calls: [{tool: read_file, arguments: {path: grüße.txt, lines: [1, 2.5, null, {deep: true}]}}]
    - text: "It says: {{result}}"
  - - text: Cut at its length.
      stop: max_output
  - - text: I'd rather not.
      stop: refused
"#;

async fn fake(script: &str) -> (Server, Providers) {
    let server = serve(router(Script::parse(script).unwrap(), Options::default())).await;
    let providers = providers(options(&server.base));
    (server, providers)
}

/// Plays a whole story as the agent loop would, with call ids of the server's own, and returns the answers with
/// ids that do not depend on the provider.
async fn play(providers: &Providers, model: &str, said: &[&str]) -> Vec<Answer> {
    let mut talk: Conversation = hello();
    talk.messages.clear();
    let mut answers = Vec::new();
    for text in said {
        talk.messages.push(Message::User((*text).into()));
        loop {
            let mut answer = ask(providers, model, talk.clone()).await.1.unwrap();
            for (number, call) in answer.calls.iter_mut().enumerate() {
                call.id = ToolCallId::from_text(format!("call_{}_{number}", talk.messages.len()));
            }
            answers.push(answer.clone());
            talk.messages.push(Message::Assistant { text: answer.text, calls: answer.calls.clone() });
            if answer.calls.is_empty() {
                break;
            }
            talk.messages.extend(
                answer
                    .calls
                    .iter()
                    .map(|call| result(call.id.as_str(), &call.tool, &format!("of {}", call.id), true)),
            );
        }
    }
    answers
}

#[tokio::test]
async fn the_same_script_tells_the_same_story_over_every_wire_and_in_process() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("story.yaml"), STORY).unwrap();
    let server = serve(router(Script::parse(STORY).unwrap(), Options::default())).await;
    let mut options = options(&server.base);
    options.scripts_dir = Some(dir.path().to_owned());
    let providers = providers(options);
    let said = ["Look.", "More.", "Even more."];

    let in_process = play(&providers, "scripted/story", &said).await;
    assert_eq!(in_process.len(), 5);
    assert_eq!(in_process[2].text, "It says: of call_4_0");
    let stops: Vec<_> = in_process.iter().map(|answer| answer.stop).collect();
    use StopReason::{EndTurn, MaxOutput, Refused, ToolUse};
    assert_eq!(stops, [ToolUse, ToolUse, EndTurn, MaxOutput, Refused]);
    assert_eq!(in_process[0].usage.cached, Tokens(600));
    for model in WIRES {
        assert_eq!(play(&providers, model, &said).await, in_process, "{model}");
    }
}

#[tokio::test]
async fn a_limit_with_retry_after_passes_and_takes_that_long() {
    let calls = WIRES.map(|model| async move {
        let (_server, providers) =
            fake("default: [{text: At last., error: {status: 429, retry_after_s: 1}}]").await;
        let begun = Instant::now();
        assert_eq!(ask(&providers, model, hello()).await.1.unwrap().text, "At last.", "{model}");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{model}");
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_given_up() {
    for model in WIRES {
        let (_server, providers) =
            fake("default: [{text: Never., error: {status: 500, times: 99, message: Out of order}}]").await;
        let error = ask(&providers, model, hello()).await.1.unwrap_err();
        assert!(matches!(error, Error::Failed { status: 500, .. }), "{model}: {error}");
        assert!(error.to_string().ends_with("failed (HTTP 500): Out of order"), "{model}: {error}");
    }
}

#[tokio::test]
async fn a_limit_that_stays_names_when_to_come_back() {
    for model in WIRES {
        let (_server, providers) =
            fake("default: [{text: Never., error: {status: 429, times: 99, retry_after_s: 90}}]").await;
        let error = ask(&providers, model, hello()).await.1.unwrap_err();
        let Error::RateLimited { retry_after, .. } = error else { panic!("{model}: {error}") };
        assert_eq!(retry_after, Some(Duration::from_secs(90)), "{model}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_in_the_text_or_in_a_call_is_never_an_answer() {
    let script = r#"
rules:
  - {when: text, then: [{text: one two three, break_after: 2}]}
  - {when: call, then: [{text: "one ", calls: [{tool: shell, arguments: {command: ls}}], break_after: 2}]}
  - {when: end, then: [{text: one two, break_after: 9}]}
"#;
    let (_server, providers) = fake(script).await;
    for model in WIRES {
        for (said, heard) in [("text", "one two "), ("call", "one "), ("end", "one two")] {
            let mut talk = hello();
            talk.messages = vec![Message::User(said.into())];
            let (texts, end) = ask(&providers, model, talk).await;
            assert!(matches!(end, Err(Error::Broken { .. })), "{model}, {said}: {end:?}");
            assert_eq!(texts.concat(), heard, "{model}, {said}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_before_the_first_word_is_tried_again() {
    for model in WIRES {
        let (_server, providers) = fake("default: [{text: Now., break_after: 0, break_times: 2}]").await;
        assert_eq!(ask(&providers, model, hello()).await.1.unwrap().text, "Now.", "{model}");
    }
}

#[tokio::test]
async fn silence_ends_the_wait() {
    let (server, _) = fake("default: [{text: one two, chunk_delay_ms: 60000}]").await;
    let providers = providers(impatient(&server.base));
    for model in WIRES {
        let (texts, end) = ask(&providers, model, hello()).await;
        assert!(matches!(end, Err(Error::Timeout { .. })), "{model}: {end:?}");
        assert_eq!(texts, ["one "], "{model}");
    }
}

async fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    // Fails where another test of this process has done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut request = reqwest::Client::new().post(format!("{}{path}", server.base)).json(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn errors_have_the_vendors_shapes() {
    let script = Script::parse("default: [{text: Hi.}]").unwrap();
    let server = serve(router(script, Options { key: Some(Secret::new(KEY)) })).await;
    let gemini = "/v1beta/models/gemini-3:generateContent";
    let version = ("anthropic-version", "2023-06-01");
    let empty = json!({"model": "m", "max_tokens": 1, "messages": [], "contents": []});
    for (path, headers, status, pointer, expected) in [
        ("/v1/messages", vec![version], 401, "/error/type", "authentication_error"),
        (
            "/v1/messages",
            vec![version, ("x-api-key", "other")],
            401,
            "/error/message",
            "the API key is not valid",
        ),
        (
            "/v1/messages",
            vec![("x-api-key", KEY)],
            400,
            "/error/message",
            "anthropic-version: header is required",
        ),
        ("/v1/messages", vec![version, ("x-api-key", KEY)], 400, "/error/type", "invalid_request_error"),
        ("/v1/chat/completions", vec![], 401, "/error/code", "invalid_api_key"),
        (
            "/v1/chat/completions",
            vec![("authorization", "Bearer sk-very-secret-0123456789")],
            400,
            "/error/message",
            "there are no messages",
        ),
        (gemini, vec![], 401, "/error/status", "UNAUTHENTICATED"),
        (gemini, vec![("x-goog-api-key", KEY)], 400, "/error/status", "INVALID_ARGUMENT"),
        (
            "/v1beta/models/gemini-3:countTokens",
            vec![("x-goog-api-key", KEY)],
            404,
            "/error/status",
            "NOT_FOUND",
        ),
    ] {
        let (got, body) = post(&server, path, &headers, &empty).await;
        assert_eq!(
            (got, body.pointer(pointer)),
            (status, Some(&json!(expected))),
            "{path} {headers:?}: {body}"
        );
    }
}

#[tokio::test]
async fn conversations_out_of_order_are_refused_as_the_vendors_do() {
    let server = serve(router(
        Script::parse("default: [{text: Hi.}, {text: Hi again.}]").unwrap(),
        Options::default(),
    ))
    .await;
    let key = [("authorization", "Bearer x")];
    let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let (user, wants) =
        (json!({"role": "user", "content": "x"}), json!({"role": "assistant", "tool_calls": [call]}));
    let answers = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "y"});
    for (messages, problem) in [
        (json!([wants]), "the first message must be the user's"),
        (json!([user, wants]), "tool calls without results: c1"),
        (json!([user, wants, user]), "message 2: tool calls without results: c1"),
        (json!([user, answers("c1")]), "message 1: a result of c1, which was not called just before"),
        (json!([user, wants, answers("c2")]), "message 2: a result of c2, which was not called just before"),
    ] {
        let body = json!({"model": "m", "messages": messages});
        let (status, answer) = post(&server, "/v1/chat/completions", &key, &body).await;
        assert_eq!((status, &answer["error"]["message"]), (400, &json!(problem)));
    }
    let body = json!({"model": "m", "messages": [user, wants, answers("c1")]});
    assert_eq!(post(&server, "/v1/chat/completions", &key, &body).await.0, 200);
}

#[tokio::test]
async fn answers_that_are_not_streamed_hold_the_same() {
    let script =
        "default: [{text: Hi., calls: [{tool: f, arguments: {a: 1}}], usage: {input: 5, output: 2}}]";
    let server = serve(router(Script::parse(script).unwrap(), Options::default())).await;
    let message = json!([{"role": "user", "content": "x"}]);
    let body = json!({"model": "m", "max_tokens": 9, "messages": message});
    let headers = [("x-api-key", "k"), ("anthropic-version", "2023-06-01"), ("authorization", "Bearer k")];
    let (_, anthropic) = post(&server, "/v1/messages", &headers, &body).await;
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!("anthropic", anthropic) });
    let (_, openai) = post(&server, "/v1/chat/completions", &headers, &body).await;
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!("openai", openai) });
    let body = json!({"contents": [{"parts": [{"text": "x"}]}]});
    let (_, gemini) = post(&server, "/v1beta/models/g:generateContent?key=k", &[], &body).await;
    insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!("gemini", gemini) });
    let (_, newer) = post(&server, "/v1/models/g:generateContent", &[("x-goog-api-key", "k")], &body).await;
    assert_eq!(newer, gemini);
    let (_, list) = post(&server, "/v1beta/models/g:streamGenerateContent?key=k", &[], &body).await;
    assert_eq!(list, json!([gemini]));
}
