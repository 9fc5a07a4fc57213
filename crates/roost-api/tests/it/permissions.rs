use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn permissions_are_made_once_changed_and_taken_away() {
    let api = Api::start().await;
    let path = "/v1/permissions/runner";
    let first = json!({"tools": {"allow": ["search"]}, "network": {"deny": ["*.example.com"]}});
    let made = api.post(path, first).await;
    assert_json_snapshot!("made", made.shown());
    let again = api.post(path, json!({})).await;
    again.is_error(409, "invalid_request_error", "permissions_exist");
    let patched = api.ask(Method::PATCH, path, Some(json!({"tools": {"add_allow": ["shell"]}}))).await;
    assert_eq!(patched.data()["permissions"]["tools"]["allow"], json!(["search", "shell"]), "{patched:?}");
    let replaced = api.ask(Method::PUT, path, Some(json!({"tools": {"block": ["shell"]}}))).await.data();
    assert_eq!(
        (&replaced["version"], &replaced["permissions"]["tools"]["allow"]),
        (&json!("1.2"), &json!([]))
    );
    let current = api.get(path).await.data()["permissions"].clone();
    assert_eq!(api.ask(Method::PUT, path, Some(current.clone())).await.data()["permissions"], current);
    let gone = api.ask(Method::DELETE, path, None).await;
    assert_eq!(gone.data(), json!({"agentId": "runner", "deleted": true}));
    api.get(path).await.is_error(404, "not_found_error", "permissions_not_found");
    let versions = api.get(&format!("{path}/versions")).await.data();
    assert_eq!(versions.as_array().unwrap().len(), 5);
    assert_eq!((&versions[0]["deleted"], &versions[1]["deleted"]), (&json!(true), &json!(false)));
}
