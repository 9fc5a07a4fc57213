use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Api, request};

async fn put(api: &Api, query: &str, policy: Value) -> crate::support::Answer {
    api.ask(Method::PUT, &format!("/v1/policies/runner{query}"), Some(policy)).await
}

async fn did(api: &Api, tools: &[&str]) {
    for tool in tools {
        let call = json!({"agentId": "runner", "tool": tool, "parameters": {"q": "x"}});
        assert_eq!(api.post("/v1/gate/evaluate", call).await.status, 200);
    }
}

#[tokio::test]
async fn a_policy_is_put_as_yaml_or_json_and_its_versions_stay() {
    let api = Api::start().await;
    let yaml = "allow: [search]\nblock:\n  - shell\n";
    let mut as_yaml = request(Method::PUT, "/v1/policies/runner", Some(&api.key), Some(yaml.to_owned()));
    as_yaml.headers_mut().insert("Content-Type", "application/yaml".parse().unwrap());
    assert_json_snapshot!("put", api.send(as_yaml).await.shown());
    assert_eq!(put(&api, "", json!({"allow": ["search", "shell"]})).await.data()["version"], "1.1");
    let current = api.get("/v1/policies/runner").await.data();
    assert_eq!(current["version"], "1.1");
    assert_eq!(
        put(&api, "", current["policy"].clone()).await.data()["policy"],
        current["policy"],
        "it can be put again"
    );
    assert_json_snapshot!("versions", api.get("/v1/policies/runner/versions").await.shown());
    let first = api.get("/v1/policies/runner/versions/1.0").await.data();
    assert_eq!(first["policy"]["block"], json!(["shell"]));
}

#[tokio::test]
async fn a_policy_can_be_checked_without_being_put() {
    let api = Api::start().await;
    let odd = || json!({"allow": ["search"], "block": ["search"]});
    let checked = put(&api, "?dryRun=true", odd()).await.data();
    assert!(!checked["warnings"].as_array().unwrap().is_empty(), "{checked}");
    put(&api, "?strict=true", odd()).await.is_error(400, "invalid_request_error", "policy_has_problems");
    api.get("/v1/policies/runner").await.is_error(404, "not_found_error", "no_policy_found");
    let wrong = put(&api, "", json!({"allow": [1]})).await;
    assert!(wrong.message().starts_with("allow[0]"), "{}", wrong.message());
}

#[tokio::test]
async fn a_policy_is_tested_on_what_was_done_and_one_is_suggested() {
    let api = Api::start().await;
    put(&api, "", json!({"allow": ["search", "shell"]})).await;
    did(&api, &["search", "shell", "shell"]).await;
    let stricter = json!({"allow": ["search"], "require_approval": ["shell"]});
    assert_json_snapshot!("tested", api.post("/v1/policies/runner/test?since=1d", stricter).await.shown());
    assert_eq!(api.get("/v1/policies/runner").await.data()["version"], "1.0", "nothing changed");
    assert_json_snapshot!("suggested", api.get("/v1/policies/runner/suggestion").await.shown());
}
