use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

async fn agent(api: &Api) -> String {
    let id = api.app.agent(json!({})).await;
    api.app.machines.write_into(id, "plan", "one");
    id.to_string()
}

async fn taken(api: &Api, agent: &str, body: Value) -> Answer {
    api.post(&format!("/v1/agents/{agent}/snapshots"), body).await
}

fn id(answer: &Answer) -> String {
    answer.data()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_snapshot_is_taken_shown_listed_and_deleted() {
    let api = Api::start().await;
    let agent = agent(&api).await;
    api.say(&agent, "hello").await;
    let first = taken(&api, &agent, json!({"name": "before the move"})).await;
    assert_eq!(first.status, 201);
    assert_json_snapshot!(first.shown());
    api.app.clock.advance(std::time::Duration::from_secs(1));
    let second = taken(&api, &agent, json!({})).await;
    assert_eq!(second.data()["name"], "2026-02-10 14:00:01");
    let list = format!("/v1/agents/{agent}/snapshots");
    let page = api.get(&format!("{list}?limit=1")).await.json();
    assert_eq!((&page["data"][0], &page["pagination"]["total"]), (&second.data(), &json!(2)));
    let next = page["pagination"]["nextCursor"].as_str().unwrap();
    let rest = api.get(&format!("{list}?limit=1&cursor={next}")).await.json();
    assert_eq!((&rest["data"][0], &rest["pagination"]["nextCursor"]), (&first.data(), &Value::Null));
    let one = format!("{list}/{}", id(&first));
    assert_eq!(api.get(&one).await.data(), first.data());
    let deleted = api.ask(Method::DELETE, &one, None).await.data();
    assert_eq!(deleted, json!({"id": id(&first), "deleted": true}));
    api.get(&one).await.is_error(404, "not_found_error", "not_found");
    api.ask(Method::DELETE, &one, None).await.is_error(404, "not_found_error", "not_found");
}

#[tokio::test]
async fn a_snapshot_is_restored_and_compared() {
    let api = Api::start().await;
    let agent = agent(&api).await;
    let before = id(&taken(&api, &agent, json!({})).await);
    let of: roost_domain::id::AgentId = agent.parse().unwrap();
    api.app.machines.write_into(of, "plan", "two");
    api.say(&agent, "hello").await;
    let after = id(&taken(&api, &agent, json!({})).await);
    let path = format!("/v1/agents/{agent}/snapshots");
    let diff = api.get(&format!("{path}/{before}/diff/{after}")).await.data();
    let change =
        json!({"path": "plan", "change": "changed", "bytesBefore": 3, "bytesAfter": 3, "diff": null});
    assert_eq!((&diff["files"], &diff["filesTotal"]), (&json!([change]), &json!(1)));
    assert!(diff["events"].as_i64().unwrap() > 0);
    let back = api.get(&format!("{path}/{after}/diff/{before}")).await.data();
    assert_eq!(back["events"].as_i64(), diff["events"].as_i64().map(|events| -events));
    let restored = api.ask(Method::POST, &format!("{path}/{before}/restore"), None).await.data();
    assert_eq!((&restored["id"], &restored["status"]), (&json!(agent), &json!("running")));
    assert_eq!(restored["files"]["method"], "copy");
    assert_eq!(api.app.machines.written(of, "plan").as_deref(), Some("one"));
}

#[tokio::test]
async fn an_agent_is_forked_and_the_fork_remembers() {
    let api = Api::start().await;
    let parent = agent(&api).await;
    api.say(&parent, "remember the plan").await;
    let fork = api.post(&format!("/v1/agents/{parent}/fork"), json!({"name": "Twin"})).await;
    assert_eq!(fork.status, 201);
    assert_json_snapshot!(fork.shown());
    let twin = id(&fork);
    let history = api.get(&format!("/v1/agents/{twin}/chat/messages")).await.data();
    let said: Vec<_> = history.as_array().unwrap().iter().map(|message| message["content"].clone()).collect();
    assert_eq!(said, ["remember the plan", "You said: remember the plan"]);
    api.say(&twin, "go on").await;
    let read = api.app.models.asked().pop().unwrap().messages.len();
    assert_eq!(read, 3, "the conversation goes on where the parent's was");
    let snapshot = id(&taken(&api, &parent, json!({})).await);
    let body = json!({"snapshot_id": snapshot});
    let third = api.post(&format!("/v1/agents/{parent}/fork"), body).await.data();
    assert_eq!((&third["name"], &third["forkedFrom"]), (&json!("Ada fork"), &json!(parent)));
}

#[tokio::test]
async fn what_is_wrong_with_a_snapshot_or_a_fork_is_said() {
    let api = Api::start().await;
    let agent = agent(&api).await;
    let invalid = |answer: &Answer, start: &str| {
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(start), "{}", answer.message());
    };
    invalid(&taken(&api, &agent, json!({"name": " "})).await, "name must have 1 to 100");
    let fork = format!("/v1/agents/{agent}/fork");
    invalid(&api.post(&fork, json!({"name": "x".repeat(101)})).await, "name has 101 characters");
    invalid(
        &api.post(&fork, json!({"snapshotId": "snap_1"})).await,
        "snapshotId \"snap_1\" is not a snapshot id",
    );
    let nobody = json!({"snapshotId": "snap_0197c1f08c0070008000000000000001"});
    api.post(&fork, nobody).await.is_error(404, "not_found_error", "not_found");
    api.app.machines.fill_up(true);
    taken(&api, &agent, json!({})).await.is_error(503, "server_error", "no_space");
    api.post(&fork, json!({})).await.is_error(503, "server_error", "no_space");
    assert_eq!(api.get("/v1/agents").await.json()["pagination"]["total"], 1);
}

#[tokio::test]
async fn a_region_without_hosts_is_a_clear_error() {
    let regions = roost_core::Regions { us: Vec::new(), ..roost_core::Regions::default() };
    let settings = roost_core::Settings { regions, ..roost_core::Settings::default() };
    let app = roost_testkit::TestApp::builder().settings(settings).build().await;
    let api = Api::over(app, crate::support::generous());
    let body = |region| json!({"name": "Eve", "model": "test/echo", "region": region});
    let refused = api.post("/v1/agents", body("us")).await;
    refused.is_error(400, "invalid_request_error", "region_without_hosts");
    assert!(refused.message().contains("these have: eu"), "{}", refused.message());
    api.post("/v1/agents", body("ap")).await.is_error(400, "invalid_request_error", "invalid_request");
    assert_eq!(api.post("/v1/agents", body("eu")).await.data()["region"], "eu");
}
