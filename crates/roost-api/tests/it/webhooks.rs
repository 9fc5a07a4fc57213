use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::Api;

const GIVEN: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Makes an endpoint and lets something happen that it is told.
async fn told(api: &Api) -> (String, Value) {
    let body = json!({"url": "https://example.com/hook", "events": ["gate.*"]});
    let made = api.post("/v1/webhook-endpoints", body).await.data();
    let policy = json!({"block": ["shell"], "on_block": "alert"});
    let subject: roost_domain::subject::Subject = "runner".parse().unwrap();
    let put =
        roost_core::PutPolicy { subject: subject.clone(), document: policy, strict: false, dry_run: false };
    api.app.core.policies().put(&api.app.ctx(), put).await.unwrap();
    let call = roost_core::Evaluate {
        subject,
        tool: "shell".to_owned(),
        parameters: serde_json::Map::new(),
        run: None,
        triggered_by: None,
    };
    api.app.core.gate().evaluate(&api.app.ctx(), call).await.unwrap();
    api.app.webhooks.until(1).await;
    let path = format!("/v1/webhook-endpoints/{}", made["id"].as_str().unwrap());
    (path, made)
}

/// Waits until the only delivery has a status.
async fn until(api: &Api, path: &str, status: &str) -> Value {
    let wait = async {
        loop {
            let listed = api.get(&format!("{path}/deliveries?status={status}")).await;
            if listed.json()["pagination"]["total"] == 1 {
                return listed.data()[0].clone();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, wait).await.expect("the delivery comes to be so in time")
}

#[tokio::test]
async fn an_endpoint_is_made_with_a_secret_that_is_shown_once() {
    let api = Api::start().await;
    let body = json!({
        "url": "https://example.com/hook", "events": ["approval.*", "gate.blocked"], "description": "the office",
        "secret": GIVEN,
    });
    let made = api.post("/v1/webhook-endpoints", body).await;
    assert_json_snapshot!("made", made.shown());
    let path = format!("/v1/webhook-endpoints/{}", made.data()["id"].as_str().unwrap());
    for answer in [api.get("/v1/webhook-endpoints").await, api.get(&path).await] {
        assert_eq!(answer.status, 200);
        assert!(!answer.text.contains("whsec_"), "{}", answer.text);
    }
    let rotated = api.post(&format!("{path}/rotate"), json!({})).await.data();
    let secret = rotated["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret != GIVEN, "{secret}");
    let changed = api.ask(Method::PATCH, &path, Some(json!({"events": [], "enabled": false}))).await.data();
    assert_eq!((&changed["events"], &changed["enabled"]), (&json!([]), &json!(false)));
    assert_eq!(changed["disabledAt"], "2026-02-10T14:00:00.000Z");
    assert_eq!(changed["description"], "the office");
    let deleted = api.ask(Method::DELETE, &path, None).await;
    assert_eq!(deleted.data()["deleted"], true);
    api.get(&path).await.is_error(404, "not_found_error", "not_found");
}

#[tokio::test]
async fn deliveries_are_listed_and_sent_again() {
    let api = Api::start().await;
    api.app.webhooks.answer([Ok(410)]);
    let (path, _) = told(&api).await;
    let failed = until(&api, &path, "failed").await;
    let redeliver = format!("/v1/webhook-deliveries/{}/redeliver", failed["id"].as_str().unwrap());
    let off = api.ask(Method::POST, &redeliver, None).await;
    off.is_error(409, "invalid_request_error", "webhook_endpoint_disabled");
    api.ask(Method::PATCH, &path, Some(json!({"enabled": true}))).await.data();
    assert_eq!(api.ask(Method::POST, &redeliver, None).await.data()["status"], "pending");
    until(&api, &path, "delivered").await;
    assert_json_snapshot!("delivered", api.get(&format!("{path}/deliveries")).await.shown());
}

#[tokio::test]
async fn what_is_wrong_is_named_and_secrets_are_not_repeated() {
    let api = Api::start().await;
    for (body, message) in [
        (json!({}), "url is required"),
        (json!({"url": "ftp://example.com"}), "url must begin with https://"),
        (
            json!({"url": "https://a.example", "events": ["approval.*", "x y"]}),
            "events[1] must be a kind of event",
        ),
        (
            json!({"url": "https://a.example", "events": ["other.*"]}),
            "events has other.*, which means no event",
        ),
        (json!({"url": "https://a.example", "secret": "hunter2"}), "secret must be whsec_"),
        (json!({"url": "https://a.example", "secret": ["hunter2"]}), "secret is a list; it must be a text"),
    ] {
        let answer = api.post("/v1/webhook-endpoints", body).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(message), "{}", answer.message());
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
}
