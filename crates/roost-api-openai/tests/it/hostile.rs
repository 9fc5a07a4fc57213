use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, function, request, user};

#[tokio::test]
async fn what_is_too_much_is_refused_and_named() {
    let api = Api::start().await;
    api.app.agent(json!({})).await;
    let ask = |body: Value| api.chat(body);
    let many: Vec<Value> = (0..10_000).map(|_| user("x")).collect();
    for model in ["agent:Ada", "test/echo"] {
        ask(json!({"model": model, "messages": many})).await.is_invalid("messages");
        let long = "x".repeat(100_001);
        ask(json!({"model": model, "messages": [user(&long)]})).await.is_invalid("messages[0].content");
        let tools: Vec<Value> = (0..129).map(|n| function(&format!("t{n}"))).collect();
        ask(json!({"model": model, "messages": [user("x")], "tools": tools})).await.is_invalid("tools");
        let mut big = function("big");
        big["function"]["description"] = json!("x".repeat(300_000));
        ask(json!({"model": model, "messages": [user("x")], "tools": [big]})).await.is_invalid("tools");
        let twice = [function("a"), function("a")];
        ask(json!({"model": model, "messages": [user("x")], "tools": twice}))
            .await
            .is_invalid("tools[1].function.name");
    }
    let system = json!({"role": "system", "content": "x".repeat(40_000)});
    let message =
        ask(json!({"model": "agent:Ada", "messages": [system, user("x")]})).await.is_invalid("messages");
    assert!(message.contains("32000 are allowed"), "{message}");
    assert!(api.app.models.asked().is_empty());
}

#[tokio::test]
async fn deep_json_and_huge_bodies_end_at_the_door() {
    let api = Api::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!("{{\"model\": \"test/echo\", \"messages\": [], \"tools\": {deep}}}");
    api.send(request(Method::POST, "/v1/chat/completions", Some(&api.key), Some(body)))
        .await
        .is_error(400, "invalid_request");
    let huge = format!("{{\"model\": \"{}\"}}", "x".repeat(9 << 20));
    let answer = api.send(request(Method::POST, "/v1/responses", Some(&api.key), Some(huge))).await;
    answer.is_error(413, "body_too_large");
}

#[tokio::test]
async fn odd_names_of_agents_are_found_or_refused_and_nothing_else() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    api.rename(agent, "Grüße 🦀 50%").await;
    let answer = api.chat(json!({"model": "agent:Grüße 🦀 50%", "messages": [user("x")]})).await;
    assert_eq!(answer.ok()["choices"][0]["message"]["content"], "You said: x");
    for name in [
        "agent:%",
        "agent:_",
        "agent:\u{0}",
        "agent:' or 1=1 --",
        &format!("agent:{}", "x".repeat(100_000)),
        "agent:\u{202e}",
    ] {
        let answer = api.chat(json!({"model": name, "messages": [user("x")]})).await;
        assert!(answer.text.len() < 2_000, "what was sent is not sent back at length");
        answer.is_error(404, "model_not_found");
    }
}
