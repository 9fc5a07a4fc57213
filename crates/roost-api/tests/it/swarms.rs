//! Swarms over HTTP.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::Api;

async fn swarm(api: &Api, name: &str) -> Value {
    api.post("/v1/swarms", json!({"name": name})).await.is(201).data()
}

fn path(swarm: &Value) -> String {
    format!("/v1/swarms/{}", swarm["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_swarm_is_made_listed_changed_and_deleted_as_agento_documents_it() {
    let api = Api::start().await;
    let body = json!({"name": "Growth", "description": "Agents focused on growth initiatives."});
    let made = api.post("/v1/swarms", body).await.is(201).data();
    for (field, value) in [
        ("name", json!("Growth")),
        ("slug", json!("growth")),
        ("description", json!("Agents focused on growth initiatives.")),
        ("icon", json!(null)),
        ("agentCount", json!(0)),
        ("memberCount", json!(0)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(made["createdAt"], made["updatedAt"]);
    let new = json!({"name": "My Assistant", "model": "test/echo", "swarmId": made["id"]});
    let agent = api.post("/v1/agents", new).await.is(201).data();
    assert_eq!(agent["swarm"], made["id"]);
    let one = api.get(&path(&made)).await.is(200).data();
    assert_eq!(one["agentCount"], 1);
    assert_eq!(one["agents"][0]["id"], agent["id"]);
    assert_eq!(one["agents"][0]["status"], "running");
    let changed = json!({"name": "Growth Team", "description": null, "icon": "🌱"});
    let changed = api.ask(Method::PATCH, &path(&made), Some(changed)).await.is(200).data();
    assert_eq!((&changed["name"], &changed["slug"]), (&json!("Growth Team"), &json!("growth")));
    assert_eq!((&changed["description"], &changed["icon"]), (&json!(null), &json!("🌱")));
    assert_eq!(changed["agentCount"], 1);
    let second = swarm(&api, "growth!").await;
    assert_eq!(second["slug"], "growth-2");
    let list = api.get("/v1/swarms").await.is(200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    assert_eq!(list["data"][0]["id"], second["id"], "newest first");
    assert!(list.get("pagination").is_none());
    let gone = api.ask(Method::DELETE, &path(&made), None).await.is(200).data();
    assert_eq!(gone, json!({"id": made["id"], "deleted": true}));
    api.get(&path(&made)).await.is_error(404, "not_found_error", "not_found");
    let agent = format!("/v1/agents/{}", agent["id"].as_str().unwrap());
    assert_eq!(api.get(&agent).await.data()["swarm"], json!(null), "the agent stays");
}

#[tokio::test]
async fn an_agent_moves_between_swarms_and_out_of_them() {
    let api = Api::start().await;
    let (one, other) = (swarm(&api, "One").await, swarm(&api, "Other").await);
    let new = json!({"name": "A", "model": "test/echo", "swarmId": one["id"]});
    let agent = api.post("/v1/agents", new).await.is(201).data();
    let agent_path = format!("/v1/agents/{}", agent["id"].as_str().unwrap());
    let moved =
        api.ask(Method::PATCH, &agent_path, Some(json!({"swarmId": other["id"]}))).await.is(200).data();
    assert_eq!((&moved["swarm"], &moved["needsRestart"]), (&other["id"], &json!(true)));
    let of = |swarm: &Value| format!("/v1/agents?swarmId={}", swarm["id"].as_str().unwrap());
    assert_eq!(api.get(&of(&one)).await.json()["pagination"]["total"], 0);
    assert_eq!(api.get(&of(&other)).await.json()["data"][0]["id"], agent["id"]);
    let renamed = api.ask(Method::PATCH, &agent_path, Some(json!({"name": "B"}))).await.is(200).data();
    assert_eq!(renamed["swarm"], other["id"], "what is left out stays");
    let out = api.ask(Method::PATCH, &agent_path, Some(json!({"swarmId": null}))).await.is(200).data();
    assert_eq!(out["swarm"], json!(null));
}

#[tokio::test]
async fn a_swarm_with_a_bad_field_is_not_made() {
    let api = Api::start().await;
    for (body, says) in [
        (json!({}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"name": "x", "description": "x".repeat(2_001)}), "description"),
        (json!({"name": "x", "icon": "x".repeat(101)}), "icon"),
        (json!({"name": "x", "colour": "red"}), "colour"),
    ] {
        let refused = api.post("/v1/swarms", body).await;
        refused.is_error(400, "invalid_request_error", "invalid_request");
        assert!(refused.message().contains(says), "{}", refused.message());
    }
    assert_eq!(api.get("/v1/swarms").await.data(), json!([]));
}

#[tokio::test]
async fn agents_of_a_swarm_share_its_keys_and_nobody_reads_them() {
    let api = Api::start().await;
    let swarm = swarm(&api, "Growth").await;
    let new = json!({"name": "A", "model": "keyed/echo", "swarmId": swarm["id"]});
    api.post("/v1/agents", new.clone()).await.is_error(400, "invalid_request_error", "model_key_missing");
    let secrets = format!("{}/secrets", path(&swarm));
    let set = json!({"secrets": {"keyedApiKey": "sk-shared"}});
    let answer = api.ask(Method::PUT, &secrets, Some(set)).await.is(200).data();
    assert_eq!(answer, json!({"updated": true, "secrets": ["keyed_api_key"]}));
    api.post("/v1/agents", new.clone()).await.is(201);
    let shown = api.get(&path(&swarm)).await.is(200).text.clone();
    assert!(shown.contains("keyed_api_key") && !shown.contains("sk-shared"), "{shown}");
    let both = json!({"secrets": {"keyedApiKey": "a", "keyed_api_key": "b"}});
    api.ask(Method::PUT, &secrets, Some(both)).await.is_error(
        400,
        "invalid_request_error",
        "invalid_request",
    );
    let both = json!({"secrets": {"keyedApiKey": "a"}, "deleteSecrets": ["keyed_api_key"]});
    api.ask(Method::PUT, &secrets, Some(both)).await.is_error(
        400,
        "invalid_request_error",
        "invalid_request",
    );
    let gone = json!({"deleteSecrets": ["keyedApiKey"]});
    assert_eq!(api.ask(Method::PUT, &secrets, Some(gone)).await.is(200).data()["secrets"], json!([]));
    api.post("/v1/agents", new).await.is_error(400, "invalid_request_error", "model_key_missing");
}
