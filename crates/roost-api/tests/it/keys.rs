use axum::http::Method;
use insta::assert_json_snapshot;
use roost_domain::key::{Scope, Style};
use serde_json::json;

use crate::support::{Api, request};

#[tokio::test]
async fn a_key_is_made_shown_once_used_and_revoked() {
    let api = Api::start().await;
    let made =
        api.post("/v1/keys", json!({"name": "ci", "as": "agento", "scopes": ["chat", "agents:read"]})).await;
    assert_json_snapshot!("made", made.shown());
    let (id, key) = (made.data()["id"].clone(), made.data()["key"].as_str().unwrap().to_owned());
    assert!(key.starts_with("ak_live_"));

    let listed = api.get("/v1/keys").await;
    assert_json_snapshot!("listed", listed.shown());
    assert!(!listed.text.contains(&key));

    let agents = || request(Method::GET, "/v1/agents", Some(&key), None);
    assert_eq!(api.send(agents()).await.status, 200);
    let path = format!("/v1/keys/{}", id.as_str().unwrap());
    let revoked = api.ask(Method::DELETE, &path, None).await;
    assert_eq!(revoked.json(), json!({"data": {"id": id, "revoked": true}}));
    api.send(agents()).await.is_error(401, "authentication_error", "unauthorized");
}

#[tokio::test]
async fn a_key_gives_no_more_than_it_has() {
    let api = Api::start().await;
    let admin = api.key(Style::Native, &[Scope::Admin, Scope::Chat]).await;
    let make = async |body: serde_json::Value| {
        api.send(request(Method::POST, "/v1/keys", Some(&admin), Some(body.to_string()))).await
    };
    make(json!({"name": "a", "scopes": ["logs"]})).await.is_error(
        403,
        "authorization_error",
        "missing_scope",
    );
    assert_eq!(make(json!({"name": "a", "scopes": ["chat"]})).await.status, 201);
    for (body, message) in [
        (json!({"name": "a", "as": "other"}), "as \"other\" is not a key style"),
        (json!({"name": "a", "scopes": ["chat", "all"]}), "scopes[1] \"all\" is not a scope"),
        (json!({"name": ""}), "name must have 1 to 100 characters"),
        (json!({}), "name is required"),
    ] {
        let answer = make(body).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(message), "{}", answer.message());
    }
}
