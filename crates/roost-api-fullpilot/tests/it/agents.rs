//! Agents: made, listed, changed, started and stopped.

use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{AGENTS, Api};

fn config(name: &str) -> Value {
    json!({
        "name": name,
        "description": "Writes reports",
        "model": "test/echo",
        "triggers": [{"type": "manual"}],
        "steps": [{"id": "write", "type": "generate-text", "prompt": "Write about {{ input.topic }}"}],
    })
}

#[tokio::test]
async fn an_agent_is_made_of_a_bare_or_a_wrapped_configuration() {
    let api = Api::start().await;
    let bare = api.post(AGENTS, config("Bare")).await;
    assert_json_snapshot!("created", bare.shown());
    let body = json!({"config": config("Wrapped"), "tags": ["a", "b"]});
    let wrapped = api.post(AGENTS, body).await.data();
    assert_eq!((&wrapped["name"], &wrapped["tags"]), (&json!("Wrapped"), &json!(["a", "b"])));
    let mut tagged = config("Tagged");
    tagged["tags"] = json!(["c"]);
    assert_eq!(api.post(AGENTS, tagged).await.data()["tags"], json!(["c"]));
    let shown = api.get(&format!("{AGENTS}/{}", wrapped["id"].as_str().unwrap())).await;
    assert_eq!(shown.data(), wrapped);
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_a_400_with_every_place() {
    let api = Api::start().await;
    let wrong = json!({"steps": [{"type": "form", "fields": [{"name": "a", "type": "colour"}]}, {"type": "generate-text"}]});
    let answer = api.post(AGENTS, wrong).await;
    answer.is_error(400, "invalid_request");
    let lines: Vec<String> = answer.message().lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("steps[0].fields[0].type must be one of text, long-text"), "{lines:?}");
    assert!(lines[1].starts_with("steps[1].prompt is required"), "{lines:?}");
    let nameless = json!({"steps": [{"type": "wait", "until": 1}]});
    let answer = api.post(AGENTS, nameless).await;
    answer.is_error(400, "invalid_request");
    assert!(answer.message().starts_with("name is required"), "{}", answer.message());
    let tags: Vec<String> = (0..11).map(|number| format!("t{number}")).collect();
    api.post(AGENTS, json!({"config": config("X"), "tags": tags})).await.is_error(400, "invalid_request");
    api.post(AGENTS, json!({"config": config("X"), "colour": 1})).await.is_error(400, "invalid_request");
    assert_eq!(api.get(AGENTS).await.json()["pagination"]["total"], 0, "nothing was made");
}

#[tokio::test]
async fn agents_are_listed_by_pages_and_by_status() {
    let api = Api::start().await;
    for number in 0..3 {
        api.app.clock.advance(std::time::Duration::from_secs(1));
        api.post(AGENTS, config(&format!("Agent {number}"))).await.data();
    }
    let mut needy = config("Needy");
    needy["integrations"] = json!(["slack"]);
    api.app.clock.advance(std::time::Duration::from_secs(1));
    let needy = api.post(AGENTS, needy).await.data();
    assert_eq!(needy["status"], "auth_required");
    assert_eq!(needy["connections"][0]["integration"], "slack");
    let listed = async |query: &str| {
        let page = api.get(&format!("{AGENTS}{query}")).await.json();
        let names: Vec<_> = page["data"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        (names, page["pagination"].clone())
    };
    let (names, pagination) = listed("?page=2&limit=3").await;
    assert_eq!(names, ["Agent 0"]);
    assert_eq!(pagination, json!({"page": 2, "limit": 3, "total": 4, "total_pages": 2}));
    assert_eq!(listed("").await.1["limit"], 10, "ten on a page where nothing is said");
    assert_eq!(listed("?status=auth_required").await.0, ["Needy"]);
    assert_eq!(listed("?status=ready&limit=2").await.0, ["Agent 2", "Agent 1"]);
    for wrong in ["?limit=101", "?limit=0", "?page=0", "?status=running", "?colour=red"] {
        api.get(&format!("{AGENTS}{wrong}")).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn an_agent_is_changed_as_a_whole_and_in_parts() {
    let api = Api::start().await;
    let agent = api.post(AGENTS, config("Before")).await.data()["id"].as_str().unwrap().to_owned();
    let path = format!("{AGENTS}/{agent}");
    let ask = async |method, body| api.ask(method, &path, Some(body)).await;
    let changed = ask(Method::PATCH, json!({"name": "After"})).await.data();
    assert_eq!((&changed["name"], &changed["config"]["name"]), (&json!("After"), &json!("After")));
    assert_eq!(changed["config"]["steps"], config("x")["steps"], "what is not said stays");
    let tagged = ask(Method::PATCH, json!({"tags": ["x"]})).await.data();
    assert_eq!((&tagged["tags"], &tagged["name"]), (&json!(["x"]), &json!("After")));
    let steps = json!([{"id": "other", "type": "wait", "until": 1}]);
    let whole = json!({"config": {"name": "Whole", "steps": steps}, "tags": ["y"]});
    let whole = ask(Method::PUT, whole).await;
    assert_json_snapshot!("updated", whole.shown());
    ask(Method::PATCH, json!({"steps": [{"type": "nothing"}]})).await.is_error(400, "invalid_request");
    assert_eq!(api.get(&path).await.data()["config"]["steps"], steps, "nothing is changed");
    let tags: Vec<String> = (0..11).map(|number| format!("t{number}")).collect();
    ask(Method::PATCH, json!({"tags": tags})).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn an_agent_is_started_paused_stopped_and_deleted() {
    let api = Api::start().await;
    let made = api.post(AGENTS, config("Agent")).await.data();
    assert_eq!(made["operational_status"], "stopped", "agents are created stopped");
    let path = format!("{AGENTS}/{}", made["id"].as_str().unwrap());
    for (verb, status) in [
        ("start", "running"),
        ("pause", "paused"),
        ("start", "running"),
        ("stop", "stopped"),
        ("stop", "stopped"),
    ] {
        let answer = api.ask(Method::POST, &format!("{path}/{verb}"), None).await.data();
        assert_eq!(answer["operational_status"], status, "{verb}");
    }
    let id: roost_domain::id::AgentId = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(api.app.look(id).await.state.name(), "running", "the agent itself was never stopped");
    assert_json_snapshot!("deleted", api.ask(Method::DELETE, &path, None).await.shown());
    api.get(&path).await.is_error(404, "not_found");
}

#[tokio::test]
async fn connections_are_told_by_get_and_post_until_there_are_all() {
    let api = Api::start().await;
    let ready = api.post(AGENTS, config("Ready")).await.data();
    let path = format!("{AGENTS}/{}/connections", ready["id"].as_str().unwrap());
    for method in [Method::GET, Method::POST] {
        assert_eq!(api.ask(method, &path, None).await.data(), json!([]));
    }
    let mut needy = config("Needy");
    needy["integrations"] = json!(["slack", "github"]);
    let needy = api.post(AGENTS, needy).await.data();
    let path = format!("{AGENTS}/{}/connections", needy["id"].as_str().unwrap());
    let told = api.get(&path).await.data();
    let names: Vec<_> = told.as_array().unwrap().iter().map(|one| one["integration"].clone()).collect();
    assert_eq!(names, ["github", "slack"]);
}
