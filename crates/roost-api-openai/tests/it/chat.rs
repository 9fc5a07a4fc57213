use axum::http::{Method, Request};
use roost_domain::conversation::Message;
use roost_domain::event::TurnEvent;
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Api, assistant, request, user};

#[tokio::test]
async fn an_agent_answers_as_a_model() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    let answer = api.chat(json!({"model": format!("agent:{agent}"), "messages": [user("hello")]})).await;
    assert!(answer.headers.contains_key("x-request-id") && answer.headers.contains_key("x-ratelimit-limit"));
    let body = answer.ok();
    assert!(body["id"].as_str().unwrap().starts_with("chatcmpl-"), "{body}");
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], format!("agent:{agent}"));
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["role"], "assistant");
    assert_eq!(choice["message"]["content"], "You said: hello");
    assert_eq!((&choice["finish_reason"], &choice["index"]), (&json!("stop"), &json!(0)));
    let usage = &body["usage"];
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"], &usage["total_tokens"]),
        (&json!(100), &json!(20), &json!(120))
    );
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 40);
}

#[tokio::test]
async fn a_stream_begins_with_the_role_and_ends_with_the_reason_usage_and_done() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    api.app.models.when("go", [Reply::Say(vec!["One", " two"])]);
    let body = json!({"model": "agent:Ada", "messages": [user("go")], "stream": true, "stream_options": {"include_usage": true}});
    let events = api.chat(body).await.events();
    assert_eq!(
        events[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": "", "refusal": null})
    );
    assert_eq!(events[0]["object"], "chat.completion.chunk");
    assert_eq!(events[0]["usage"], Value::Null);
    let text: String =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "One two");
    let [.., finish, usage, done] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (&finish["choices"][0]["finish_reason"], &finish["choices"][0]["delta"]),
        (&json!("stop"), &json!({}))
    );
    assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(120)));
    assert_eq!(done, "[DONE]");
    let ids: Vec<_> = events.iter().filter_map(|event| event["id"].as_str()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
}

#[tokio::test]
async fn a_client_that_sends_the_whole_history_goes_on_in_the_same_session() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    let model = format!("agent:{agent}");
    let first = api.chat(json!({"model": model, "messages": [user("one")]})).await;
    let said = first.ok()["choices"][0]["message"].clone();
    let history = json!([user("one"), said, user("two")]);
    let second = api.chat(json!({"model": model, "messages": history})).await;
    assert_eq!(second.ok()["choices"][0]["message"]["content"], "You said: two");
    assert_eq!(second.session(), first.session());
    let read = api.app.models.asked().pop().unwrap().messages;
    assert_eq!(
        read,
        [
            Message::User("one".into()),
            Message::Assistant { text: "You said: one".into(), calls: vec![] },
            Message::User("two".into()),
        ]
    );
    // The same beginning again is another branch: the session has gone on.
    let branch = api
        .chat(json!({"model": model, "messages": [user("one"), assistant("You said: one"), user("three")]}))
        .await;
    assert_ne!(branch.session(), first.session());
    let read = api.app.models.asked().pop().unwrap().messages;
    assert_eq!(read.len(), 3, "it knows what the caller told: {read:?}");
}

#[tokio::test]
async fn a_history_that_the_agent_never_said_begins_a_session_that_knows_it() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        assistant("Welcome."),
        user("My name is Ann."),
        assistant("Hello Ann."),
        {"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "text", "text": "my name?"}]},
    ]);
    let answer = api.chat(json!({"model": "agent:Ada", "messages": messages})).await;
    assert_eq!(answer.ok()["choices"][0]["message"]["content"], "You said: What is my name?");
    let read = api.app.models.asked().pop().unwrap();
    assert_eq!(
        read.messages,
        [
            Message::User("(The assistant speaks first.)".into()),
            Message::Assistant { text: "Welcome.".into(), calls: vec![] },
            Message::User("My name is Ann.".into()),
            Message::Assistant { text: "Hello Ann.".into(), calls: vec![] },
            Message::User("<context>\nBe brief.\n</context>\n\nWhat is my name?".into()),
        ]
    );
    // What the assistant is said to have said was not said here.
    let edited = api
        .chat(json!({"model": "agent:Ada", "messages": [user("a"), assistant("edited"), user("b")]}))
        .await;
    let other = api.chat(json!({"model": "agent:Ada", "messages": [user("a")]})).await;
    assert_ne!(edited.session(), other.session());
}

#[tokio::test]
async fn peers_do_not_share_sessions() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let ask = |who: &str, messages: Value| json!({"model": "agent:Ada", "messages": messages, "user": who});
    let ann = api.chat(ask("ann", json!([user("one")]))).await;
    ann.ok();
    let history = json!([user("one"), assistant("You said: one"), user("two")]);
    let bob = api.chat(ask("bob", history.clone())).await;
    assert_ne!(ann.session(), bob.session());
    let again = api.chat(ask("ann", history)).await;
    assert_eq!(ann.session(), again.session());
    let sessions = api.app.core.sessions();
    let agent = api.app.core.models().find(&api.app.ctx(), "agent:Ada".into()).await.unwrap();
    let roost_core::ListedModel::Agent(agent) = agent else { panic!("{agent:?}") };
    let (all, _) =
        sessions.list(&api.app.ctx(), agent.id, roost_domain::page::Limit::clamped(10, 10)).await.unwrap();
    let peers: Vec<String> = all.iter().map(|session| session.peer.to_string()).collect();
    assert_eq!(peers.iter().filter(|peer| *peer == "peer:ann").count(), 1, "{peers:?}");
}

#[tokio::test]
async fn the_callers_wishes_reach_the_model() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let body = json!({
        "model": "agent:Ada", "messages": [user("hi")], "temperature": 0.5, "top_p": 0.5, "stop": ["END"],
        "max_completion_tokens": 7, "seed": 1, "metadata": {"a": "b"}, "store": true, "n": 1,
    });
    api.chat(body).await.ok();
    let wishes = api.app.models.wishes().pop().unwrap();
    assert_eq!(
        (wishes.temperature, wishes.top_p, wishes.stop),
        (Some(0.5), Some(0.5), vec!["END".to_owned()])
    );
    assert_eq!(api.app.models.asked().pop().unwrap().max_output.0, 7);
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused_by_name() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    for (param, value) in [
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("logit_bias", json!({"1": 2})),
        ("presence_penalty", json!(1)),
        ("frequency_penalty", json!(0.5)),
        ("modalities", json!(["text", "audio"])),
        ("audio", json!({"voice": "x"})),
        ("functions", json!([])),
        ("function_call", json!("auto")),
        ("web_search_options", json!({})),
        ("parallel_tool_calls", json!(false)),
        ("temperature", json!(3)),
        ("top_p", json!(-1)),
        ("stop", json!(["a", ""])),
        ("stop", json!(7)),
        ("max_tokens", json!(0)),
        ("tool_choice", json!("required")),
        ("response_format", json!({"type": "json_object"})),
        ("response_format", json!({"type": "yaml"})),
        ("user", json!("")),
        ("stream_options", json!({"include_usage": true})),
        ("messages", json!([])),
        ("messages", json!([assistant("hi")])),
        ("messages", json!([user("  ")])),
        ("messages[0].role", json!([{"role": "robot", "content": "x"}])),
        ("messages[0].content", json!([{"role": "user"}])),
        (
            "messages[0].content[0].type",
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]),
        ),
        (
            "messages[1].tool_call_id",
            json!([user("a"), {"role": "tool", "tool_call_id": "call_x", "content": "1"}]),
        ),
        ("tools[0].type", json!([{"type": "web_search"}])),
        ("tools[0].function.name", json!([{"type": "function", "function": {"name": "a b"}}])),
        ("tools", json!([crate::support::function("shell")])),
    ] {
        let mut body = json!({"model": "agent:Ada", "messages": [user("hi")]});
        let field = param.split(['.', '[']).next().unwrap();
        body[field] = value;
        api.chat(body).await.is_invalid(param);
    }
    assert!(api.app.models.asked().is_empty());
    let message = api.chat(json!({"model": "agent:Ada", "messages": [user("x")], "tools": [crate::support::function("shell")]})).await.is_invalid("tools");
    assert!(message.contains("\"shell\""), "{message}");
    let message = api
        .chat(json!({"model": "agent:Ada", "messages": [user("x")], "nobody_knows": 1}))
        .await
        .is_error(400, "invalid_request");
    assert!(message.starts_with("nobody_knows is not a known field"), "{message}");
}

#[tokio::test]
async fn an_agent_that_does_not_run_or_fails_says_so() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    api.app.models.when("fail", [Reply::refused()]);
    let failed = api.chat(json!({"model": "agent:Ada", "messages": [user("fail")]})).await;
    let message = failed.is_error(409, "turn_failed");
    assert!(message.contains("model_auth"), "{message}");
    api.app.models.when("fail", [Reply::refused()]);
    let events =
        api.chat(json!({"model": "agent:Ada", "messages": [user("fail")], "stream": true})).await.events();
    assert_eq!(events.last().unwrap()["error"]["code"], "turn_failed");
    api.app.core.agents().stop(&api.app.ctx(), agent).await.unwrap();
    api.chat(json!({"model": "agent:Ada", "messages": [user("x")]})).await.is_error(409, "agent_not_running");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_told_as_whole() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let (half, whole) = (Reply::Break(vec!["Half"]), Reply::Say(vec!["Whole"]));
    api.app.models.when("break", [half, whole]);
    let events =
        api.chat(json!({"model": "agent:Ada", "messages": [user("break")], "stream": true})).await.events();
    let told: String =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    let last = events.last().unwrap();
    // Whether the half was seen before it was void depends on who was faster.
    assert!(
        (told == "Half" && last["error"]["code"] == "answer_interrupted")
            || (told == "Whole" && last == "[DONE]"),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_question_of_the_agent_is_an_answer_and_the_next_message_answers_it() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    api.app.models.when(
        "book",
        [Reply::Use("", vec![("ask_human", json!({"question": "Which day?"}))]), Reply::Say(vec!["Booked."])],
    );
    let first = api.chat(json!({"model": "agent:Ada", "messages": [user("book")]})).await;
    let choice = first.ok()["choices"][0].clone();
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!("Which day?"), &json!("stop"))
    );
    let messages = json!([user("book"), choice["message"], user("Monday")]);
    let second = api.chat(json!({"model": "agent:Ada", "messages": messages})).await;
    assert_eq!(second.ok()["choices"][0]["message"]["content"], "Booked.");
    assert_eq!(first.session(), second.session());
}

#[tokio::test]
async fn a_client_that_asks_again_after_a_failure_hears_the_same_turn() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    api.app.models.when("slow", [Reply::Use("", vec![("ask_human", json!({"question": "Sure?"}))])]);
    let body = json!({"model": "agent:Ada", "messages": [user("slow")]});
    let first = api.chat(body.clone()).await;
    first.ok();
    let again = |count: &str| {
        let Request { .. } = request(Method::POST, "/", None, None);
        let mut again = request(Method::POST, "/v1/chat/completions", Some(&api.key), Some(body.to_string()));
        again.headers_mut().insert("x-stainless-retry-count", count.parse().unwrap());
        again
    };
    let second = api.send(again("1")).await;
    assert_eq!(second.ok()["choices"][0]["message"]["content"], "Sure?");
    assert_eq!(first.session(), second.session());
    let other = api.send(again("0")).await;
    assert_ne!(first.session(), other.session());
    api.until(agent, first.session(), |event| matches!(event, TurnEvent::QuestionAsked { .. })).await;
}

#[tokio::test]
async fn a_listener_that_goes_away_leaves_the_agent_at_its_work() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    api.app.models.when("work", [Reply::Say(vec!["Done"])]);
    let body = json!({"model": "agent:Ada", "messages": [user("work")], "stream": true});
    let response = tower::ServiceExt::oneshot(
        api.router.clone(),
        request(Method::POST, "/v1/chat/completions", Some(&api.key), Some(body.to_string())),
    )
    .await
    .unwrap();
    let session = response.headers()["x-roost-session-id"].to_str().unwrap().parse().unwrap();
    drop(response);
    api.until(agent, session, |event| matches!(event, TurnEvent::Ended { .. })).await;
}
