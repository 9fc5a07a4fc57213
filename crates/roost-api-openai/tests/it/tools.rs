use roost_domain::conversation::Message;
use roost_domain::event::TurnEvent;
use roost_domain::id::AgentId;
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Answer, Api, function, user};

fn body(messages: Value) -> Value {
    let mut body = json!({"model": "agent:Ada", "tools": [function("get_weather")]});
    body["messages"] = messages;
    body
}

/// An agent whose model wants the caller's tool, and then says what the test prepared.
async fn waiting(api: &Api, more: Vec<Reply>) -> (AgentId, Value, Answer) {
    let agent = api.app.agent(json!({})).await;
    let first = Reply::Use("Looking.", vec![("get_weather", json!({"city": "Paris"}))]);
    api.app.models.when("weather?", [first].into_iter().chain(more));
    let answer = api.chat(body(json!([user("weather?")]))).await;
    let message = answer.ok()["choices"][0]["message"].clone();
    (agent, message, answer)
}

fn result(message: &Value, index: usize, text: &str) -> Value {
    json!({"role": "tool", "tool_call_id": message["tool_calls"][index]["id"], "content": text})
}

#[tokio::test]
async fn the_callers_tool_is_handed_out_and_its_result_goes_on_with_the_same_turn() {
    let api = Api::start().await;
    let (agent, message, first) = waiting(&api, vec![Reply::Say(vec!["Sunny."])]).await;
    let choice = first.json()["choices"][0].clone();
    assert_eq!((&choice["finish_reason"], &message["content"]), (&json!("tool_calls"), &json!("Looking.")));
    let call = &message["tool_calls"][0];
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("get_weather")));
    assert_eq!(call["function"]["arguments"], "{\"city\":\"Paris\"}");
    let offered = &api.app.models.asked()[0].tools;
    assert!(
        offered.iter().any(|tool| tool.name == "get_weather")
            && offered.iter().any(|tool| tool.name == "shell")
    );
    let messages = json!([user("weather?"), message, result(&message, 0, "24 degrees")]);
    let second = api.chat(body(messages.clone())).await;
    assert_eq!(second.ok()["choices"][0]["message"]["content"], "Sunny.");
    assert_eq!(first.session(), second.session());
    let read = api.app.models.asked().pop().unwrap().messages;
    assert!(
        matches!(&read[..], [Message::User(_), Message::Assistant { .. }, Message::ToolResult { text, tool, is_error: false, .. }] if text == "24 degrees" && tool == "get_weather"),
        "{read:?}"
    );
    // The conversation goes on where it stands.
    let mut more = messages.as_array().unwrap().clone();
    more.extend([json!({"role": "assistant", "content": "Sunny."}), user("thanks")]);
    let third = api.chat(body(json!(more))).await;
    assert_eq!(third.ok()["choices"][0]["message"]["content"], "You said: thanks");
    assert_eq!(third.session(), first.session());
    api.until(agent, first.session(), |event| matches!(event, TurnEvent::CallReturned { .. })).await;
}

#[tokio::test]
async fn own_tools_run_in_the_same_answer_and_the_callers_come_out_together() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let wanted = vec![
        ("get_weather", json!({"city": "Paris"})),
        ("shell", json!({"command": "echo mine"})),
        ("get_weather", json!({"city": "Rome"})),
    ];
    api.app.models.when("both", [Reply::Use("", wanted), Reply::Say(vec!["All done."])]);
    let first = api.chat(body(json!([user("both")]))).await.ok();
    let message = &first["choices"][0]["message"];
    let cities: Vec<_> = message["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["function"]["arguments"].clone())
        .collect();
    assert_eq!(cities, [json!("{\"city\":\"Paris\"}"), json!("{\"city\":\"Rome\"}")]);
    let messages = json!([user("both"), message, result(message, 1, "hot"), result(message, 0, "mild")]);
    let second = api.chat(body(messages)).await.ok();
    assert_eq!(second["choices"][0]["message"]["content"], "All done.");
    let read = api.app.models.asked().pop().unwrap().messages;
    let results: Vec<&str> = read
        .iter()
        .filter_map(|message| match message {
            Message::ToolResult { text, .. } => Some(text.as_str()),
            Message::User(_) | Message::Assistant { .. } => None,
        })
        .collect();
    assert_eq!((results[0], results[2]), ("mild", "hot"));
    assert!(!results[1].starts_with("No result"), "{results:?}");
}

#[tokio::test]
async fn results_are_streamed_as_one_call_and_a_reason() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    api.app.models.when("weather?", [Reply::Use("", vec![("get_weather", json!({"city": "Paris"}))])]);
    let mut ask = body(json!([user("weather?")]));
    ask["stream"] = json!(true);
    let events = api.chat(ask).await.events();
    let [_, calls, finish, done] = &events[..] else { panic!("{events:?}") };
    let call = &calls["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!((&call["index"], &call["function"]["arguments"]), (&json!(0), &json!("{\"city\":\"Paris\"}")));
    assert_eq!((&finish["choices"][0]["finish_reason"], done), (&json!("tool_calls"), &json!("[DONE]")));
}

#[tokio::test]
async fn a_turn_waits_for_its_caller_across_a_restart() {
    let mut api = Api::start().await;
    let (_, message, first) = waiting(&api, vec![Reply::Say(vec!["Sunny."])]).await;
    api.app.stop_runtime().await;
    api.app.start_runtime();
    let messages = json!([user("weather?"), message, result(&message, 0, "24")]);
    let second = api.chat(body(messages)).await;
    assert_eq!(second.ok()["choices"][0]["message"]["content"], "Sunny.");
    assert_eq!(first.session(), second.session());
}

#[tokio::test]
async fn of_two_that_bring_the_same_results_one_wins() {
    let api = Api::start().await;
    let (_, message, _) = waiting(&api, vec![Reply::Say(vec!["Sunny."])]).await;
    let messages = json!([user("weather?"), message, result(&message, 0, "24")]);
    let (one, other) = tokio::join!(api.chat(body(messages.clone())), api.chat(body(messages.clone())));
    let (winner, loser) = if one.status.is_success() { (one, other) } else { (other, one) };
    assert_eq!(winner.ok()["choices"][0]["message"]["content"], "Sunny.");
    loser.is_error(409, "tool_call_settled");
    api.chat(body(messages)).await.is_error(409, "tool_call_settled");
}

#[tokio::test]
async fn results_that_are_missing_unknown_or_anothers_are_refused() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    let wanted = vec![("get_weather", json!({"city": "Paris"})), ("get_weather", json!({"city": "Rome"}))];
    api.app.models.when("two", [Reply::Use("", wanted)]);
    let first = api.chat(body(json!([user("two")]))).await;
    let message = first.ok()["choices"][0]["message"].clone();
    let text =
        api.chat(body(json!([user("two"), message, result(&message, 0, "x")]))).await.is_invalid("messages");
    assert!(text.contains(message["tool_calls"][1]["id"].as_str().unwrap()), "{text}");
    let both = json!([user("two"), message, result(&message, 0, "x"), result(&message, 1, "y")]);
    let mut more = both.as_array().unwrap().clone();
    more.push(user("and hurry"));
    api.chat(body(json!(more))).await.is_invalid("messages");
    // Another account has an agent of the same name and learns nothing.
    let stranger = api.strangers_key().await;
    let theirs = api
        .with_key(&stranger, axum::http::Method::POST, "/v1/chat/completions", Some(body(both.clone())))
        .await;
    theirs.is_error(404, "model_not_found");
    // Another agent of the account was never asked this.
    let other = api.app.agent_of("test/echo", json!({})).await.id;
    let mut elsewhere = body(both.clone());
    elsewhere["model"] = json!(format!("agent:{other}"));
    api.chat(elsewhere).await.is_error(400, "unknown_tool_call");
    // Nor did another peer.
    let mut peer = body(both);
    peer["model"] = json!(format!("agent:{agent}"));
    peer["user"] = json!("somebody else");
    api.chat(peer).await.is_error(400, "unknown_tool_call");
    // A name of ours that was never given.
    let mut forged = message.clone();
    forged["tool_calls"] = json!([{"id": "call_0190b5a42f6e7cc19d2b8a6c1d2e3f40_7_0", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]);
    let mut ask = body(json!([user("two"), forged, result(&forged, 0, "x")]));
    ask["model"] = json!(format!("agent:{agent}"));
    api.chat(ask).await.is_error(400, "unknown_tool_call");
}

#[tokio::test]
async fn a_caller_that_says_something_else_ends_what_waits() {
    let api = Api::start().await;
    let (agent, _, first) = waiting(&api, vec![]).await;
    let session = first.session();
    let post = roost_core::PostMessage {
        agent,
        session: Some(session),
        peer: None,
        text: "never mind".to_owned(),
        context: None,
    };
    api.app.core.messages().post(&api.app.ctx(), post).await.unwrap();
    api.until(agent, session, |event| {
        matches!(event, TurnEvent::Ended { ending: roost_domain::event::Ending::Cancelled })
    })
    .await;
    api.until(agent, session, |event| {
        matches!(event, TurnEvent::Ended { ending: roost_domain::event::Ending::Answered })
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_never_comes_back_is_not_waited_for_for_ever() {
    let api = Api::start().await;
    let (agent, message, first) = waiting(&api, vec![]).await;
    api.app.clock.advance(std::time::Duration::from_secs(3_601));
    api.until(agent, first.session(), |event| {
        matches!(event, TurnEvent::Ended { ending: roost_domain::event::Ending::Cancelled })
    })
    .await;
    let late = api.chat(body(json!([user("weather?"), message, result(&message, 0, "24")]))).await;
    late.is_error(409, "tool_call_settled");
}

#[tokio::test]
async fn a_policy_can_block_a_callers_tool() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    api.policy(agent, json!({"block": ["get_weather"]})).await;
    api.app
        .models
        .when("weather?", [Reply::Use("", vec![("get_weather", json!({}))]), Reply::Say(vec!["I may not."])]);
    let answer = api.chat(body(json!([user("weather?")]))).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "I may not.");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn results_of_tools_that_were_called_elsewhere_are_history() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "old_tool", "arguments": "{}"}}]});
    let messages = json!([user("q"), call, {"role": "tool", "tool_call_id": "toolu_1", "content": "42"}]);
    api.app.models.when("q", [Reply::Say(vec!["It is 42."])]);
    let answer = api.chat(json!({"model": "agent:Ada", "messages": messages})).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "It is 42.");
    let read = api.app.models.asked().pop().unwrap().messages;
    assert!(
        matches!(&read[..], [Message::User(_), Message::Assistant { .. }, Message::ToolResult { .. }]),
        "{read:?}"
    );
}
