use std::time::Duration;

use axum::http::Method;
use insta::assert_json_snapshot;
use roost_core::Settings;
use roost_domain::event::TurnEvent;
use roost_domain::key::{Scope, Style};
use roost_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::support::{Api, generous, redacted, request};

async fn agent(api: &Api) -> String {
    api.app.agent(json!({})).await.to_string()
}

fn messages(agent: &str) -> String {
    format!("/v1/agents/{agent}/chat/messages")
}

fn shell(command: &str) -> (&'static str, Value) {
    ("shell", json!({"command": command}))
}

/// The events of a stream without the first, which is checked where it matters.
fn after_start(events: &[Value]) -> &[Value] {
    assert_eq!(events[0]["type"], "start", "{events:?}");
    &events[1..]
}

fn text(events: &[Value]) -> String {
    events
        .iter()
        .filter(|event| event["type"] == "text")
        .filter_map(|event| event["content"].as_str())
        .collect()
}

#[tokio::test]
async fn an_answer_streams_as_agentos_readers_expect() {
    let api = Api::start().await;
    let id = agent(&api).await;
    api.app.models.when("Hello!", [Reply::Say(vec!["I can help you with", " a wide range of tasks!"])]);
    let answer = api.post(&messages(&id), json!({"message": "Hello!"})).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(answer.headers["x-accel-buffering"], "no");
    assert_eq!(answer.headers["cache-control"], "no-cache, no-transform");
    assert!(answer.headers.contains_key("x-ratelimit-remaining"));
    let events = answer.events();
    assert_eq!(events[0]["offset"], 2);
    assert_eq!(text(&events), "I can help you with a wide range of tasks!");
    assert!(answer.text.ends_with("data: {\"type\":\"done\"}\n\n"), "{}", answer.text);
}

#[tokio::test]
async fn tools_are_shown_and_what_is_said_before_and_after_is_set_apart() {
    let api = Api::start().await;
    let id = agent(&api).await;
    api.app
        .models
        .when("look", [Reply::Use("Let me look.", vec![shell("ls")]), Reply::Say(vec!["One file."])]);
    let events = api.say(&id, "look").await;
    assert_eq!(text(&events), "Let me look.\n\nOne file.");
    // Whether the output is seen before the result depends on who is faster.
    let told = events.iter().filter(|event| event["type"] != "text" && event["type"] != "tool_output");
    let told: Vec<_> = told.cloned().collect();
    assert_json_snapshot!(redacted(json!(told)));
}

#[tokio::test]
async fn a_whole_answer_comes_as_json_where_no_stream_is_wanted() {
    let api = Api::start().await;
    let id = agent(&api).await;
    api.app
        .models
        .when("look", [Reply::Use("Let me look.", vec![shell("ls")]), Reply::Say(vec!["One file."])]);
    let answer = api.post(&messages(&id), json!({"message": "look", "stream": false})).await;
    assert_json_snapshot!(answer.shown());

    let again = api.post(&format!("{}?stream=false", messages(&id)), json!({"message": "Hi"})).await;
    assert_eq!(again.data()["text"], "You said: Hi");
}

#[tokio::test]
async fn a_turn_that_fails_ends_its_stream_with_an_error() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let refused = || Reply::refused();
    api.app.models.when("Hi", [refused(), refused()]);
    let events = api.say(&id, "Hi").await;
    assert_json_snapshot!("streamed", after_start(&events));
    let whole = api.post(&messages(&id), json!({"message": "Hi", "stream": false})).await;
    assert_json_snapshot!("whole", whole.shown());
}

#[tokio::test]
async fn a_model_that_breaks_off_is_asked_again_and_its_first_words_do_not_stay() {
    let api = Api::start().await;
    let id = agent(&api).await;
    api.app.models.when("Hi", [Reply::Break(vec!["It is"]), Reply::Say(vec!["It is sunny."])]);
    let events = api.say(&id, "Hi").await;
    // Whether the first words were told before they were void depends on who is faster.
    let told = match events.iter().position(|event| event["type"] == "retract") {
        Some(retract) => {
            assert_eq!(
                (text(&events[..retract]).as_str(), &events[retract]["characters"]),
                ("It is", &json!(5))
            );
            &events[retract..]
        }
        None => &events[..],
    };
    assert_eq!(text(told), "It is sunny.");

    api.app.models.when("Ho", [Reply::Break(vec!["It is"]), Reply::Say(vec!["It is sunny."])]);
    let whole = api.post(&messages(&id), json!({"message": "Ho", "stream": false})).await;
    assert_eq!(whole.data()["text"], "It is sunny.");
}

#[tokio::test]
async fn an_approval_holds_the_stream_open_and_the_answer_follows_it() {
    let api = Api::start().await;
    let id = api.app.agent(json!({"policy": "strict"})).await.to_string();
    api.app.models.when("go", [Reply::Use("", vec![shell("ls")]), Reply::Say(vec!["It is done."])]);
    let body = json!({"message": "go"}).to_string();
    let mut stream = api.open(request(Method::POST, &messages(&id), Some(&api.key), Some(body))).await;
    let wanted = stream.until("approval_required").await;
    assert_eq!(wanted["summary"], "run the command \"ls\"");
    let approval = wanted["approvalId"].as_str().unwrap();
    let decided = api.post(&format!("/v1/approvals/{approval}/approve"), json!({"approver": "Eve"})).await;
    assert_eq!(decided.data()["status"], "approved");
    assert_eq!(stream.until("approval_decided").await["by"], "Eve");
    assert_eq!(stream.until("tool_result").await["content"], "ls");
    assert_eq!(stream.until("text").await["content"], "It is done.");
    assert_eq!(stream.next_json().await, json!({"type": "done"}));
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn an_approval_that_nobody_decides_ends_the_stream_as_waiting() {
    let mut options = generous();
    options.chat_wait = Duration::from_millis(200);
    let api = Api::over(TestApp::start().await, options);
    let id = api.app.agent(json!({"policy": "strict"})).await.to_string();
    api.app.models.when("go", [Reply::Use("", vec![shell("ls")]), Reply::Say(vec!["It is done."])]);
    let events = api.say(&id, "go").await;
    assert_eq!(events.last().unwrap(), &json!({"type": "done", "status": "waiting"}));
    let whole = api.post(&messages(&id), json!({"message": "and?", "stream": false})).await;
    assert_eq!(whole.data()["status"], "waiting");
}

#[tokio::test]
async fn a_question_ends_the_stream_and_the_next_message_answers_it() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let ask = ("ask_human", json!({"question": "Which one?"}));
    api.app.models.when("buy", [Reply::Use("Gladly.", vec![ask]), Reply::Say(vec!["Bought the red one."])]);
    let events = api.say(&id, "buy").await;
    assert_eq!(text(&events), "Gladly.\n\nWhich one?");
    let tail = &events[events.len() - 2..];
    assert_eq!((&tail[0]["type"], &tail[0]["content"]), (&json!("question"), &json!("Which one?")));
    assert_eq!(tail[1], json!({"type": "done", "status": "question"}));
    let events = api.say(&id, "The red one").await;
    assert_eq!(text(&events), "Bought the red one.");
    assert_eq!(events.last().unwrap(), &json!({"type": "done"}));
}

#[tokio::test]
async fn of_two_questions_the_second_is_asked_again_when_the_first_is_answered() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let ask = |question: &str| ("ask_human", json!({"question": question}));
    api.app.models.when(
        "buy",
        [Reply::Use("", vec![ask("Which one?"), ask("And when?")]), Reply::Say(vec!["Bought."])],
    );
    assert_eq!(api.say(&id, "buy").await.last().unwrap()["status"], "question");
    let events = api.say(&id, "The red one").await;
    assert_eq!(events.last().unwrap(), &json!({"type": "done", "status": "question"}));
    assert!(["Which one?", "And when?"].contains(&text(&events).as_str()), "{events:?}");
    assert_eq!(text(&api.say(&id, "Tomorrow").await), "Bought.");
}

#[tokio::test]
async fn a_message_goes_on_when_nobody_listens() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let body = json!({"message": "Hi"}).to_string();
    let mut stream = api.open(request(Method::POST, &messages(&id), Some(&api.key), Some(body))).await;
    let start = stream.next_json().await;
    drop(stream);
    let session = start["sessionId"].as_str().unwrap();
    let posted = roost_core::Posted {
        session: session.parse().unwrap(),
        turn: start["turnId"].as_str().unwrap().parse().unwrap(),
        offset: roost_domain::event::Offset(start["offset"].as_u64().unwrap()),
    };
    api.app.until(id.parse().unwrap(), &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    let history = api.get(&messages(&id)).await.data();
    assert_eq!(history[1]["content"], "You said: Hi");
}

#[tokio::test]
async fn messages_of_one_session_are_answered_in_turn_each_on_its_own_stream() {
    let api = Api::start().await;
    let id = agent(&api).await;
    api.app.models.when("one", [Reply::Hang(vec!["thinking"])]);
    let open = async |message: &str| {
        let body = json!({"message": message}).to_string();
        api.open(request(Method::POST, &messages(&id), Some(&api.key), Some(body))).await
    };
    let mut first = open("one").await;
    let session = first.until("start").await["sessionId"].as_str().unwrap().to_owned();
    assert_eq!(first.until("text").await["content"], "thinking");
    let mut second = open("two").await;
    let cancelled = api.post(&format!("/v1/agents/{id}/chat/sessions/{session}/cancel"), json!({})).await;
    assert_eq!(cancelled.data()["cancelled"], true);
    assert_eq!(first.until("retract").await["characters"], 8);
    assert_eq!(first.until("done").await["status"], "cancelled");
    second.until("start").await;
    assert_eq!(second.next_json().await["content"], "You said: two");
    assert_eq!(second.next_json().await, json!({"type": "done"}));
    let again = api.post(&format!("/v1/agents/{id}/chat/sessions/{session}/cancel"), json!({})).await;
    again.is_error(409, "invalid_request_error", "nothing_to_cancel");
}

#[tokio::test]
async fn peers_and_keys_have_sessions_of_their_own() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let start = async |body: Value| {
        let answer = api.post(&messages(&id), body).await;
        answer.events()[0]["sessionId"].as_str().unwrap().to_owned()
    };
    let mine = start(json!({"message": "a"})).await;
    assert_eq!(start(json!({"message": "b"})).await, mine);
    let peer = start(json!({"message": "c", "peerId": "customer-1"})).await;
    assert_ne!(peer, mine);
    assert_eq!(start(json!({"message": "d", "peerId": "customer-1"})).await, peer);
    api.app.clock.advance(Duration::from_secs(1));
    let begun = api.post(&format!("/v1/agents/{id}/chat/sessions"), json!({"peerId": "customer-1"})).await;
    assert_eq!(begun.status, 201);
    let new = begun.data()["id"].as_str().unwrap().to_owned();
    assert_eq!(start(json!({"message": "e", "peerId": "customer-1"})).await, new);
    assert_eq!(start(json!({"message": "f", "sessionId": peer})).await, peer);
    let other = json!({"message": "g", "sessionId": peer, "peerId": "customer-2"});
    api.post(&messages(&id), other).await.is_error(404, "not_found_error", "not_found");
    let journal = format!("sess_{}", id.replace('-', ""));
    api.post(&messages(&id), json!({"message": "h", "sessionId": journal})).await.is_error(
        404,
        "not_found_error",
        "not_found",
    );
}

#[tokio::test]
async fn sessions_are_begun_without_a_body_and_listed() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let path = format!("/v1/agents/{id}/chat/sessions");
    assert_json_snapshot!("begun", api.ask(Method::POST, &path, None).await.shown());
    api.app.clock.advance(Duration::from_secs(1));
    api.post(&path, json!({"peerId": "customer-1"})).await;
    assert_json_snapshot!("listed", api.get(&path).await.shown());
}

#[tokio::test]
async fn history_has_what_was_said_and_can_be_narrowed() {
    let api = Api::start().await;
    let id = agent(&api).await;
    api.say(&id, "Hello!").await;
    api.app.clock.advance(Duration::from_secs(2));
    api.say(&id, "Again").await;
    assert_json_snapshot!(api.get(&messages(&id)).await.shown());
    let last = api.get(&format!("{}?limit=1", messages(&id))).await.json();
    assert_eq!(
        (&last["data"][0]["content"], &last["pagination"]["total"]),
        (&json!("You said: Again"), &json!(4))
    );
    let since = api.get(&format!("{}?since=2026-02-10T14:00:01.000Z", messages(&id))).await.json();
    assert_eq!(since["pagination"]["total"], 2);
    let wrong = api.get(&format!("{}?since=yesterday", messages(&id))).await;
    assert_eq!(wrong.message(), "since must be a time like 2026-02-10T14:00:00Z");
    api.get(&format!("{}?sessionId=sess_00000000000070008000000000000009", messages(&id))).await.is_error(
        404,
        "not_found_error",
        "not_found",
    );
}

#[tokio::test]
async fn the_agent_reads_what_is_told_about_the_peer() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let context = json!({"name": "Alice", "plan": {"tier": "Pro"}});
    api.post(&messages(&id), json!({"message": "Hi", "context": context})).await;
    let asked = format!("{:?}", api.app.models.asked());
    assert!(asked.contains("name: Alice\\nplan: {\\\"tier\\\":\\\"Pro\\\"}"), "{asked}");
    let post =
        async |context: Value| api.post(&messages(&id), json!({"message": "Hi", "context": context})).await;
    assert_eq!(post(json!("x".repeat(2_000))).await.status, 200);
    let long = post(json!({"a": "x".repeat(1_998)})).await;
    assert_eq!(long.message(), "context has 2001 characters after formatting; at most 2,000 are allowed");
    assert_eq!(post(json!([1])).await.message(), "context must be a text or an object");
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_said() {
    let api = Api::start().await;
    let id = agent(&api).await;
    for (body, message) in [
        (json!({}), "message is required"),
        (json!({"message": " "}), "message is required and must not be empty"),
        (json!({"message": "a", "sessionId": "nope"}), "sessionId \"nope\" is not a session id (sess_…)"),
        (json!({"message": "a", "peerId": ""}), "peerId must have 1 to 200 characters"),
        (json!({"message": "a", "stream": "no"}), "stream is a text; it must be true or false"),
        (
            json!({"message": "a", "mesage": "b"}),
            "mesage is not a known field; known are message, sessionId, peerId, context, stream",
        ),
    ] {
        let answer = api.post(&messages(&id), body).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert_eq!(answer.message(), message);
    }
}

#[tokio::test]
async fn a_session_takes_only_so_many_messages_at_once() {
    let settings = Settings { max_open_turns: 1, ..Settings::default() };
    let api = Api::over(TestApp::builder().settings(settings).build().await, generous());
    let id = agent(&api).await;
    api.app.models.when("one", [Reply::Hang(vec!["…"])]);
    let body = json!({"message": "one"}).to_string();
    let mut stream = api.open(request(Method::POST, &messages(&id), Some(&api.key), Some(body))).await;
    stream.until("text").await;
    api.post(&messages(&id), json!({"message": "two"})).await.is_error(
        403,
        "authorization_error",
        "too_many_open_turns",
    );
}

#[tokio::test]
async fn a_paused_agent_keeps_messages_for_later() {
    let api = Api::start().await;
    let id = agent(&api).await;
    api.post(&format!("/v1/agents/{id}/pause"), json!({})).await;
    let body = json!({"message": "Hi"}).to_string();
    let mut stream = api.open(request(Method::POST, &messages(&id), Some(&api.key), Some(body))).await;
    stream.until("start").await;
    api.post(&format!("/v1/agents/{id}/resume"), json!({})).await;
    assert_eq!(stream.until("text").await["content"], "You said: Hi");
}

#[tokio::test]
async fn keys_of_agento_may_chat_by_default() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let key = api.key(Style::Agento, &[]).await;
    let body = json!({"message": "Hi"}).to_string();
    let answer = api.send(request(Method::POST, &messages(&id), Some(&key), Some(body.clone()))).await;
    assert_eq!(text(&answer.events()), "You said: Hi");
    let reader = api.key(Style::Agento, &[Scope::AgentsRead]).await;
    let refused = api.send(request(Method::POST, &messages(&id), Some(&reader), Some(body))).await;
    refused.is_error(403, "authorization_error", "missing_scope");
}
