use axum::http::Method;
use roost_domain::key::{Scope, Style};
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Answer, Api, request};

async fn put(api: &Api, path: &str, body: Value) -> Answer {
    api.ask(Method::PUT, path, Some(body)).await
}

async fn keyed(api: &Api) -> (String, String) {
    let new = json!({"name": "Eve", "model": "keyed/x", "secrets": {"keyedApiKey": "sk-first"}});
    let id = api.post("/v1/agents", new).await.data()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/agents/{id}/secrets");
    (id, path)
}

#[tokio::test]
async fn secrets_are_set_under_either_spelling_listed_by_name_and_never_shown() {
    let api = Api::start().await;
    let (_, path) = keyed(&api).await;
    let set = json!({"secrets": {"githubToken": "ghp_very_secret", "slack_bot_token": "xoxb-very-secret"}});
    let answer = put(&api, &path, set).await;
    assert_eq!(answer.data(), json!({"updated": true, "needsRestart": true, "modelKey": "own"}));
    let listed = api.get(&path).await;
    let names: Vec<_> = listed.data().as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["github_token", "keyed_api_key", "slack_bot_token"]);
    assert_eq!(listed.data()[0]["binding"], Value::Null);
    assert!(!listed.text.contains("very"), "{}", listed.text);
    let removed = put(&api, &path, json!({"deleteSecrets": ["slackBotToken", "never_was"]})).await;
    assert_eq!(removed.data()["updated"], true);
    assert_eq!(api.get(&path).await.data().as_array().unwrap().len(), 2);
    assert_eq!(put(&api, &path, json!({"deleteSecrets": ["never_was"]})).await.data()["updated"], false);
    assert_eq!(put(&api, &path, json!({})).await.data()["updated"], false);
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_refused_by_its_field_without_showing_it() {
    let api = Api::start().await;
    let (_, path) = keyed(&api).await;
    for (body, message) in [
        (json!({"secrets": {"a_b": "hidden1", "aB": "hidden2"}}), "gives the secret a_b a second time"),
        (
            json!({"secrets": {"a": "hidden"}, "deleteSecrets": ["a"]}),
            "deleteSecrets names a, which secrets sets",
        ),
        (json!({"secrets": {"a": " "}}), "secrets.a must have 1 to 10,000 characters"),
        (json!({"secrets": {"a": "x".repeat(10_001)}}), "secrets.a must have 1 to 10,000 characters"),
        (json!({"secrets": {"a-b": "hidden"}}), "secrets.a-b is no name for a secret"),
        (json!({"secrets": {"a".repeat(101): "hidden"}}), "is no name for a secret"),
        (json!({"deleteSecrets": ["../x"]}), "deleteSecrets[0] is no name for a secret"),
        (json!({"secrets": {"a": {"value": "hidden"}}}), "secrets.a"),
        (json!({"secret": {"a": "hidden"}}), "secret"),
    ] {
        let refused = put(&api, &path, body).await;
        refused.is_error(400, "invalid_request_error", "invalid_request");
        assert!(refused.message().contains(message), "{}", refused.message());
        assert!(!refused.text.contains("hidden"), "{}", refused.text);
    }
    assert_eq!(api.get(&path).await.data().as_array().unwrap().len(), 1, "nothing was set");
    let many: serde_json::Map<_, _> = (0..100).map(|number| (format!("s{number}"), json!("x"))).collect();
    put(&api, &path, json!({"secrets": many})).await.is_error(403, "authorization_error", "too_many_secrets");
    assert_eq!(api.get(&path).await.data().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_model_whose_key_was_set_can_be_chosen_and_one_whose_key_was_removed_says_so() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    let (one, path) = (format!("/v1/agents/{agent}"), format!("/v1/agents/{agent}/secrets"));
    let removed = put(&api, &path, json!({"deleteSecrets": ["keyed_api_key"]})).await.data();
    assert_eq!(removed["modelKey"], "server", "test/echo needs no key of its own");
    let change = json!({"model": "keyed/x"});
    let refused = api.ask(Method::PATCH, &one, Some(change.clone())).await;
    assert_eq!(refused.json()["error"]["code"], "model_key_missing");
    put(&api, &path, json!({"secrets": {"keyedApiKey": "sk-1"}})).await.is(200);
    assert_eq!(api.ask(Method::PATCH, &one, Some(change)).await.data()["model"], "keyed/x");
    let removed = put(&api, &path, json!({"deleteSecrets": ["keyed_api_key"]})).await.data();
    assert_eq!(removed, json!({"updated": true, "needsRestart": true, "modelKey": "missing"}));
}

#[tokio::test]
async fn a_bound_secret_is_given_out_for_its_hosts_and_methods_and_every_use_is_recorded() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({"network": {"allow": ["api.example.com", "other.example.com"]}})).await;
    let path = format!("/v1/agents/{agent}/secrets");
    put(&api, &path, json!({"secrets": {"github_token": "ghp_12345678", "other_token": "ghp_12345678"}}))
        .await;
    let bound =
        put(&api, &format!("{path}/githubToken/binding"), json!({"hosts": ["api.example.com"]})).await;
    let binding = json!({"hosts": ["api.example.com"], "methods": ["GET", "HEAD"]});
    let expected =
        json!({"name": "github_token", "placeholder": "{{secret:github_token}}", "binding": binding});
    assert_eq!(bound.data(), expected);
    assert_eq!(api.get(&path).await.data()[0]["binding"], binding);

    let results = async |host: &str, name: &str| {
        let key = format!("Bearer {{{{secret:{name}}}}}");
        let call = ("http_request", json!({"host": host, "key": key}));
        api.app.models.when("go", [Reply::Use("", vec![call]), Reply::Say(vec!["Done."])]);
        let events = api.say(&agent.to_string(), "go").await;
        let result = events.iter().find(|event| event["type"] == "tool_result").unwrap();
        (result["status"].clone(), result["content"].as_str().unwrap().to_owned())
    };
    let (status, content) = results("api.example.com", "github_token").await;
    assert_eq!(status, "done", "{content}");
    let system = api.app.models.asked()[0].system.clone();
    assert!(system.contains("{{secret:github_token}} for GET, HEAD on api.example.com"), "{system}");
    assert!(!system.contains("other_token"), "{system}");
    for (host, name, why) in [
        ("other.example.com", "github_token", "may be carried by GET, HEAD on api.example.com"),
        ("api.example.com", "other_token", "there is no secret other_token that requests may carry"),
        ("api.example.com", "never_was", "there is no secret never_was that requests may carry"),
    ] {
        let (status, content) = results(host, name).await;
        assert_eq!(status, "failed");
        assert!(content.contains(why), "{content}");
    }
    let uses = api.get(&format!("{path}/github_token/uses")).await;
    assert_eq!(uses.json()["pagination"]["total"], 1);
    let used = &uses.data()[0];
    assert_eq!(
        (&used["host"], &used["method"], &used["status"]),
        (&json!("api.example.com:443"), &json!("GET"), &json!(200))
    );
    assert!(used["sessionId"].as_str().unwrap().starts_with("sess_") && used["turnId"].is_string());
    assert_eq!(api.get(&format!("{path}/other_token/uses")).await.data(), json!([]));
    api.get(&format!("{path}/never_was/uses")).await.is(404);

    api.ask(Method::DELETE, &format!("{path}/github_token/binding"), None).await.is(200);
    let (status, content) = results("api.example.com", "github_token").await;
    assert_eq!(
        (status.as_str(), content.contains("there is no secret")),
        (Some("failed"), true),
        "{content}"
    );
    for answer in [api.get(&format!("/v1/agents/{agent}/logs")).await, uses] {
        assert!(!answer.text.contains("ghp_12345678"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_binding_names_hosts_and_methods() {
    let api = Api::start().await;
    let (_, path) = keyed(&api).await;
    put(&api, &path, json!({"secrets": {"token": "12345678", "pin": "1234567"}})).await.is(200);
    for (name, body, message) in [
        ("token", json!({"hosts": []}), "hosts must name 1 to 20 hosts"),
        ("token", json!({"hosts": vec!["a.example"; 21]}), "hosts must name 1 to 20 hosts"),
        ("token", json!({"hosts": ["*"]}), "hosts must name hosts, not every host"),
        ("token", json!({"hosts": ["*:443"]}), "hosts must name hosts, not every host"),
        ("token", json!({"hosts": ["a.example", "https://b.example"]}), "hosts[1]"),
        ("token", json!({"hosts": ["a.example"], "methods": ["FETCH"]}), "methods has \"FETCH\"; use GET"),
        ("token", json!({"hosts": ["a.example"], "methods": []}), "methods must name at least one method"),
        ("pin", json!({"hosts": ["a.example"]}), "has fewer than 8 characters and cannot be bound"),
    ] {
        let refused = put(&api, &format!("{path}/{name}/binding"), body).await;
        refused.is(400);
        assert!(refused.message().contains(message), "{}", refused.message());
    }
    put(&api, &format!("{path}/never_was/binding"), json!({"hosts": ["a.example"]})).await.is(404);
    let body = json!({"hosts": ["*.a.example:8443"], "methods": ["post", "GET", "POST"]});
    let bound = put(&api, &format!("{path}/token/binding"), body).await.data();
    assert_eq!(bound["binding"], json!({"hosts": ["*.a.example:8443"], "methods": ["GET", "POST"]}));
}

#[tokio::test]
async fn listing_needs_agents_read_and_changing_agents_write() {
    let api = Api::start().await;
    let (_, path) = keyed(&api).await;
    let reader = api.key(Style::Agento, &[Scope::AgentsRead]).await;
    let writer = api.key(Style::Agento, &[Scope::AgentsWrite]).await;
    let body = Some(json!({"secrets": {"a": "b"}}).to_string());
    api.send(request(Method::PUT, &path, Some(&reader), body.clone())).await.is(403);
    api.send(request(Method::PUT, &path, Some(&writer), body)).await.is(200);
    api.send(request(Method::GET, &path, Some(&writer), None)).await.is(403);
    api.send(request(Method::GET, &path, Some(&reader), None)).await.is(200);
}
