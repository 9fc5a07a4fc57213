use std::time::Duration;

use axum::http::Method;
use roost_core::{Dimension, ListUsage};
use roost_domain::conversation::{Format, Message, ToolChoice};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_domain::unit::MicroUsd;
use roost_testkit::{ModelError, Reply};
use serde_json::json;

use crate::support::{Api, function, request, user};

impl Api {
    /// Returns the account's own ledger: spent and reserved.
    async fn ledger(&self) -> (MicroUsd, MicroUsd) {
        self.app.ledger(AgentId::from_uuid(self.app.account.uuid())).await
    }
}

#[tokio::test]
async fn a_model_is_asked_directly_and_its_use_is_booked() {
    let api = Api::start().await;
    let messages = json!([{"role": "developer", "content": "Be brief."}, user("hello")]);
    let body = api.chat(json!({"model": "paid/mid", "messages": messages})).await.ok();
    assert_eq!(body["choices"][0]["message"]["content"], "You said: hello");
    assert_eq!(body["model"], "paid/mid");
    let read = api.app.models.asked().pop().unwrap();
    assert_eq!(
        (read.system.as_str(), &read.messages[..]),
        ("Be brief.", &[Message::User("hello".into())][..])
    );
    assert!(read.tools.is_empty());
    let today = api.app.core.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let limit = Limit::clamped(10, 10);
    let list =
        ListUsage { agent: None, from: today, to: today, by: vec![Dimension::Model], after: None, limit };
    let rows = api.app.core.usage().list(&api.app.ctx(), list).await.unwrap().page.rows;
    assert_eq!(rows.len(), 1);
    let used = &rows[0].amounts;
    assert_eq!((rows[0].key.model.as_str(), used.calls, used.usage.output.0), ("paid/mid", 1, 20));
    let (spent, reserved) = api.ledger().await;
    assert_eq!((spent, reserved), (used.cost, MicroUsd::ZERO));
    assert!(spent > MicroUsd::ZERO);
}

#[tokio::test]
async fn a_direct_models_tools_and_wishes_are_the_callers() {
    let api = Api::start().await;
    api.app.models.when(
        "weather?",
        [Reply::Use("", vec![("get_weather", json!({"city": "Paris"}))]), Reply::Say(vec!["Sunny."])],
    );
    let schema = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": true}});
    let choice = json!({"type": "function", "function": {"name": "get_weather"}});
    let mut body = json!({
        "model": "test/x", "messages": [user("weather?")], "tools": [function("get_weather")], "tool_choice": choice,
        "response_format": schema, "max_tokens": 9,
    });
    let answer = api.chat(body.clone()).await.ok();
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    let message = answer["choices"][0]["message"].clone();
    assert_eq!(message["tool_calls"][0]["id"], "provider-0");
    let wishes = api.app.models.wishes().pop().unwrap();
    assert_eq!(wishes.choice, ToolChoice::Named("get_weather".into()));
    assert!(matches!(wishes.format, Format::JsonSchema { strict: true, .. }));
    assert_eq!(api.app.models.asked()[0].max_output.0, 9);
    body["messages"] =
        json!([user("weather?"), message, {"role": "tool", "tool_call_id": "provider-0", "content": "24"}]);
    assert_eq!(api.chat(body).await.ok()["choices"][0]["message"]["content"], "Sunny.");
}

#[tokio::test]
async fn a_direct_answer_is_streamed_and_never_half_as_whole() {
    let api = Api::start().await;
    api.app.models.when("go", [Reply::Say(vec!["One", " two"])]);
    let body = json!({"model": "test/x", "messages": [user("go")], "stream": true});
    let events = api.chat(body).await.events();
    let text: String =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!((text.as_str(), events.last().unwrap()), ("One two", &json!("[DONE]")));
    api.app.models.when("break", [Reply::Break(vec!["Half"])]);
    let events =
        api.chat(json!({"model": "paid/x", "messages": [user("break")], "stream": true})).await.events();
    assert_eq!(events.last().unwrap()["error"]["code"], "model_stream_broken");
    api.app.models.when("break", [Reply::Break(vec!["Half"])]);
    api.chat(json!({"model": "paid/x", "messages": [user("break")]}))
        .await
        .is_error(503, "model_stream_broken");
    let (spent, reserved) = api.ledger().await;
    assert!(
        spent > MicroUsd::ZERO && reserved == MicroUsd::ZERO,
        "what was read is paid for: {spent} {reserved}"
    );
}

#[tokio::test]
async fn what_a_provider_says_has_a_status_of_its_own() {
    let api = Api::start().await;
    let provider = || "test".to_owned();
    for (error, status, code) in [
        (
            ModelError::RateLimited {
                provider: provider(),
                retry_after: Some(Duration::from_secs(7)),
                message: "slow".into(),
            },
            429,
            "model_rate_limited",
        ),
        (
            ModelError::Refused { provider: provider(), status: 400, message: "no such thing".into() },
            400,
            "model_refused_request",
        ),
        (ModelError::NoKey { provider: provider(), hint: "set one".into() }, 400, "model_key_missing"),
        (
            ModelError::Auth { provider: provider(), status: 401, message: "bad key".into() },
            503,
            "model_auth",
        ),
        (ModelError::Timeout { provider: provider(), silence: Duration::from_secs(9) }, 504, "model_timeout"),
    ] {
        api.app.models.when("x", [Reply::Fail(error)]);
        let answer = api.chat(json!({"model": "paid/x", "messages": [user("x")]})).await;
        answer.is_error(status, code);
        if status == 429 {
            assert_eq!(answer.headers["retry-after"], "7");
        }
    }
    assert_eq!(api.ledger().await.1, MicroUsd::ZERO);
    for model in ["nobody/x", "gpt-5.5", "agent:", "", "x y/z"] {
        let answer = api.chat(json!({"model": model, "messages": [user("x")]})).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{model}: {answer:?}");
        assert_eq!(answer.json()["error"]["param"], "model", "{model}");
    }
}

#[tokio::test]
async fn the_accounts_permissions_hold_for_models_that_are_asked_directly() {
    let api = Api::start().await;
    api.permit("account", json!({"tools": {"block": ["call_model"]}})).await;
    let answer = api.chat(json!({"model": "test/x", "messages": [user("x")]})).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(answer.json()["error"]["type"], "permission_error");
    assert!(api.app.models.asked().is_empty());
}

#[tokio::test]
async fn a_listener_that_goes_away_pays_for_what_was_read_and_no_more() {
    let api = Api::start().await;
    api.app.models.when("hang", [Reply::Hang(vec!["Once"])]);
    let body = json!({"model": "paid/x", "messages": [user("hang")], "stream": true});
    let response = tower::ServiceExt::oneshot(
        api.router.clone(),
        request(Method::POST, "/v1/chat/completions", Some(&api.key), Some(body.to_string())),
    )
    .await
    .unwrap();
    let reserved = api.ledger().await.1;
    assert!(reserved > MicroUsd::ZERO);
    drop(response);
    let settled = async {
        loop {
            let (spent, left) = api.ledger().await;
            if left == MicroUsd::ZERO {
                return spent;
            }
            tokio::task::yield_now().await;
        }
    };
    let spent = tokio::time::timeout(Duration::from_secs(10), settled).await.unwrap();
    assert!(spent > MicroUsd::ZERO && spent < reserved, "{spent} of {reserved}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_it_costs_anything() {
    let api = Api::start().await;
    let long = "x".repeat(99_000);
    let messages: Vec<_> = (0..10).map(|_| user(&long)).collect();
    api.chat(json!({"model": "paid/x", "messages": messages})).await.is_error(400, "context_length_exceeded");
    assert_eq!(api.ledger().await, (MicroUsd::ZERO, MicroUsd::ZERO));
}
