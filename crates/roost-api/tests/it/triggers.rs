//! Triggers over the API, and the URLs at which messages for them come in without a key.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, Api, request};

/// An agent with these triggers, turned on.
async fn armed(api: &Api, triggers: Value) -> String {
    let agent = api.app.agent(json!({})).await;
    let step = json!({"id": "ask", "type": "form", "fields": [{"name": "ok", "type": "boolean"}]});
    let config = json!({"triggers": triggers, "steps": [step]});
    api.ask(Method::PUT, &format!("/v1/agents/{agent}/workflow/config"), Some(config)).await.is(200);
    api.ask(Method::POST, &format!("/v1/agents/{agent}/arm"), None).await.is(200);
    agent.to_string()
}

async fn trigger(api: &Api, agent: &str) -> Value {
    let listed = api.get(&format!("/v1/agents/{agent}/triggers")).await;
    listed.is(200).data()[0].clone()
}

async fn path(api: &Api, agent: &str) -> String {
    trigger(api, agent).await["path"].as_str().expect("it has a path").to_owned()
}

/// Sends a message as its sender does: without a key.
async fn send(api: &Api, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn triggers_are_shown_with_what_they_wait_for() {
    let api = Api::start().await;
    let agent = armed(
        &api,
        json!([
            {"type": "cron", "name": "a", "cron": "0 6 * * *", "timezone": "Europe/Berlin", "missed": "all"},
            {"type": "webhook", "name": "b", "signed": true},
            {"type": "manual", "name": "c"},
        ]),
    )
    .await;
    let listed = api.get(&format!("/v1/agents/{agent}/triggers")).await;
    assert_eq!(listed.json()["pagination"]["total"], 2, "what people start is no row");
    let [cron, hook] = [0, 1].map(|index| listed.data()[index].clone());
    assert_eq!(
        (&cron["name"], &cron["type"], &cron["cron"]),
        (&json!("a"), &json!("cron"), &json!("0 6 * * *"))
    );
    assert_eq!((&cron["timezone"], &cron["missed"]), (&json!("Europe/Berlin"), &json!("all")));
    assert_eq!((&cron["armed"], &cron["nextFireAt"]), (&json!(true), &json!("2026-02-11T05:00:00.000Z")));
    assert_eq!((&cron["path"], &cron["lastFire"], &cron["fires"]), (&json!(null), &json!(null), &json!([])));
    assert_eq!((&hook["signed"], &hook["nextFireAt"]), (&json!(true), &json!(null)));
    let token = hook["path"].as_str().unwrap().strip_prefix("/hooks/").unwrap().to_owned();
    assert_eq!(token.len(), 43, "32 random bytes: {token}");
    assert!(!listed.text.contains("whsec_"), "secrets are in no list");
}

#[tokio::test]
async fn a_message_needs_no_key_and_is_answered_with_its_run() {
    let api = Api::start().await;
    let agent = armed(&api, json!([{"type": "webhook", "name": "hook"}])).await;
    let path = path(&api, &agent).await;
    let headers = [("content-type", "application/json"), ("webhook-id", "msg_1")];
    let begun = send(&api, Method::POST, &format!("{path}?from=test"), &headers, "{\"a\": 1}").await;
    let run = begun.is(202).data()["runId"].as_str().unwrap().to_owned();
    assert_eq!(begun.data().as_object().unwrap().len(), 1, "{begun:?}");
    let again = send(&api, Method::POST, &path, &headers, "{\"a\": 1}").await;
    assert_eq!(again.is(200).data(), json!({"runId": run, "repeated": true}));
    let seen = api.get(&format!("/v1/agents/{agent}/runs/{run}")).await.data();
    assert_eq!(
        (&seen["input"]["body"], &seen["input"]["query"]),
        (&json!({"a": 1}), &json!({"from": "test"}))
    );
    let shown = trigger(&api, &agent).await;
    assert_eq!((&shown["fired"], &shown["lastFire"]["runId"]), (&json!(1), &json!(run)));
}

#[tokio::test]
async fn each_way_to_be_turned_away_has_its_status() {
    let api = Api::start().await;
    let agent = armed(&api, json!([{"type": "webhook", "name": "hook"}])).await;
    let path = path(&api, &agent).await;
    let unknown =
        send(&api, Method::POST, "/hooks/q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA", &[], "{}").await;
    unknown.is_error(404, "not_found_error", "not_found");
    let odd = send(&api, Method::POST, "/hooks/x", &[], "{}").await;
    assert_eq!(odd.text, unknown.text, "who guesses learns nothing");
    send(&api, Method::GET, "/hooks/x", &[], "").await.is_error(404, "not_found_error", "not_found");
    let plain = send(&api, Method::GET, &path, &[], "").await;
    plain.is_error(405, "invalid_request_error", "method_not_allowed");
    assert_eq!(plain.headers["allow"], "POST");
    let json = [("content-type", "application/json")];
    send(&api, Method::POST, &path, &json, "{").await.is_error(
        400,
        "invalid_request_error",
        "invalid_request",
    );
    let long = "a".repeat((1 << 20) + 1);
    send(&api, Method::POST, &path, &[], &long).await.is_error(
        413,
        "invalid_request_error",
        "body_too_large",
    );
    api.ask(Method::POST, &format!("/v1/agents/{agent}/disarm"), None).await.is(200);
    send(&api, Method::POST, &path, &[], "{}").await.is_error(
        409,
        "invalid_request_error",
        "trigger_not_armed",
    );
    for _ in 0..60 {
        send(&api, Method::GET, &path, &[], "").await;
    }
    let often = send(&api, Method::POST, &path, &[], "{}").await;
    often.is_error(429, "rate_limit_error", "rate_limited");
    assert!(often.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn who_asks_whether_somebody_is_there_is_answered() {
    let api = Api::start().await;
    let agent = armed(&api, json!([{"type": "webhook", "name": "hook"}])).await;
    let path = path(&api, &agent).await;
    let asked = send(&api, Method::GET, &format!("{path}?challenge=%3Cb%3E"), &[], "").await;
    assert_eq!(
        (asked.is(200).text.as_str(), &asked.headers["content-type"]),
        ("<b>", &"text/plain; charset=utf-8".parse().unwrap())
    );
    assert_eq!(asked.headers["x-content-type-options"], "nosniff");
    let slack = r#"{"type": "url_verification", "challenge": "3eZb"}"#;
    assert_eq!(send(&api, Method::POST, &path, &[], slack).await.is(200).text, "3eZb");
    let runs = api.get(&format!("/v1/agents/{agent}/runs")).await;
    assert_eq!(runs.json()["pagination"]["total"], 0);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_a_path_can_be_changed() {
    let api = Api::start().await;
    let agent = armed(&api, json!([{"type": "webhook", "name": "hook", "signed": true}])).await;
    let before = path(&api, &agent).await;
    let rotate =
        async |body: Value| api.post(&format!("/v1/agents/{agent}/triggers/hook/rotate"), body).await;
    let made = rotate(json!({"secret": true})).await.data();
    assert_eq!(made["path"], before.as_str());
    let secret = made["secret"].as_str().unwrap().to_owned();
    send(&api, Method::POST, &before, &[], "{}").await.is_error(
        401,
        "authentication_error",
        "invalid_signature",
    );
    send(&api, Method::POST, &before, &[("x-webhook-secret", &secret)], "{}").await.is(202);
    let moved = rotate(json!({"url": true})).await.data();
    assert_eq!(moved["secret"], json!(null));
    let signed = [("x-webhook-secret", secret.as_str())];
    send(&api, Method::POST, &before, &signed, "{}").await.is(404);
    send(&api, Method::POST, moved["path"].as_str().unwrap(), &signed, "{}").await.is(202);
    for wrong in [json!({}), json!({"secret": false}), json!({"secret": "short"}), json!({"secret": 1})] {
        rotate(wrong).await.is_error(400, "invalid_request_error", "invalid_request");
    }
}

#[tokio::test]
async fn a_trigger_is_tried_and_what_is_no_webhook_has_no_path_to_change() {
    let api = Api::start().await;
    let agent = armed(&api, json!([{"type": "cron", "name": "hourly", "cron": "0 * * * *"}])).await;
    let fired =
        api.post(&format!("/v1/agents/{agent}/triggers/hourly/fire"), json!({"event": {"more": 1}})).await;
    let run = fired.is(202).data()["runId"].as_str().unwrap().to_owned();
    let seen = api.get(&format!("/v1/agents/{agent}/runs/{run}")).await.data();
    assert_eq!((&seen["input"]["type"], &seen["input"]["more"]), (&json!("cron"), &json!(1)));
    let rotated = api.post(&format!("/v1/agents/{agent}/triggers/hourly/rotate"), json!({"url": true})).await;
    rotated.is_error(409, "invalid_request_error", "trigger_has_no_url");
    let nobody = api.post(&format!("/v1/agents/{agent}/triggers/nobody/fire"), json!({})).await;
    nobody.is_error(404, "not_found_error", "not_found");
    let keyless = api.send(request(Method::GET, &format!("/v1/agents/{agent}/triggers"), None, None)).await;
    keyless.is_error(401, "authentication_error", "unauthorized");
}
