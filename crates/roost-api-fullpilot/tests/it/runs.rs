//! Runs: started, polled, answered, cancelled and deleted.

use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::{AGENTS, Api};

fn form() -> Value {
    json!([{"id": "ask", "type": "form", "fields": [
        {"name": "mood", "type": "choice", "options": ["good", "bad"], "required": true},
        {"name": "age", "type": "number", "min": 1},
    ]}])
}

#[tokio::test]
async fn a_run_is_started_polled_and_completed() {
    let api = Api::start().await;
    let steps =
        json!([{"id": "say", "name": "Say", "type": "generate-text", "prompt": "Hello {{ input.name }}"}]);
    let agent = api.started(steps).await;
    let begun = api.post(&format!("{AGENTS}/{agent}/runs"), json!({"name": "Ada"})).await;
    assert_eq!(begun.status, 201);
    assert_eq!(begun.data()["agent"]["id"], json!(agent));
    let run = format!("{AGENTS}/{agent}/runs/{}", begun.data()["run_id"].as_str().unwrap());
    api.until(&run, "completed").await;
    assert_json_snapshot!("completed", api.get(&run).await.shown());
    let nothing = api.ask(Method::POST, &format!("{AGENTS}/{agent}/runs"), None).await;
    assert_eq!(nothing.status, 201, "the data is optional");
}

#[tokio::test]
async fn a_run_of_a_stopped_agent_is_refused() {
    let api = Api::start().await;
    let agent = api.started(form()).await;
    let runs = format!("{AGENTS}/{agent}/runs");
    api.ask(Method::POST, &format!("{AGENTS}/{agent}/stop"), None).await.data();
    api.post(&runs, json!({})).await.is_error(409, "workflow_not_started");
    api.ask(Method::POST, &format!("{AGENTS}/{agent}/pause"), None).await.data();
    api.post(&runs, json!({})).await.is_error(409, "workflow_not_started");
    assert_eq!(api.get(&runs).await.json()["pagination"]["total"], 0);
}

#[tokio::test]
async fn a_form_waits_and_its_answer_is_checked_and_taken_once() {
    let api = Api::start().await;
    let agent = api.started(form()).await;
    let run = api.run(&agent, json!({})).await;
    api.until(&run, "waiting-for-input").await;
    assert_json_snapshot!("waiting", api.get(&run).await.shown());
    let input = format!("{run}/input");
    let wrong = api.post(&input, json!({"mood": "fine", "age": 0, "colour": "red"})).await;
    wrong.is_error(400, "invalid_request");
    for part in ["mood must be one of good, bad", "age must be at least 1", "colour is no field"] {
        assert!(wrong.message().contains(part), "{}", wrong.message());
    }
    let taken = api.post(&input, json!({"mood": "good", "age": 41})).await.data();
    assert_eq!(taken["submitted"], true);
    let done = api.until(&run, "completed").await;
    assert_eq!(done["output"], json!({"mood": "good", "age": 41}));
    api.post(&input, json!({"mood": "good"})).await.is_error(409, "run_not_waiting");
}

#[tokio::test]
async fn input_may_be_wrapped_and_name_its_form() {
    let api = Api::start().await;
    let both = json!([{"type": "parallel", "branches": [
        [{"id": "a", "type": "form", "fields": [{"name": "x"}]}],
        [{"id": "b", "type": "form", "fields": [{"name": "x"}]}],
    ]}]);
    let agent = api.started(both).await;
    let run = api.run(&agent, json!({})).await;
    let waiting = api.until(&run, "waiting-for-input").await;
    let forms = waiting["waiting_inputs"].as_array().unwrap().clone();
    assert_eq!(forms.len(), 2);
    let input = format!("{run}/input");
    api.post(&input, json!({"x": "which?"})).await.is_error(400, "invalid_request");
    for form in &forms {
        let text = if form["step_id"] == "a" { "one" } else { "two" };
        let body = json!({"form_id": form["form_id"], "input": {"x": text}});
        api.post(&input, body).await.data();
    }
    let done = api.until(&run, "completed").await;
    assert_eq!(done["output"], json!([{"x": "one"}, {"x": "two"}]));
}

#[tokio::test]
async fn a_run_is_cancelled_while_it_is_under_way_and_not_after() {
    let api = Api::start().await;
    let agent = api.started(form()).await;
    for method in [Method::PATCH, Method::PUT] {
        let run = api.run(&agent, json!({})).await;
        api.until(&run, "waiting-for-input").await;
        let ask = async |action: &str| api.ask(method.clone(), &run, Some(json!({"action": action}))).await;
        ask("stop").await.is_error(400, "invalid_request");
        let cancelled = ask("cancel").await.data();
        assert_eq!(
            (&cancelled["status"], &cancelled["is_in_progress"]),
            (&json!("cancelled"), &json!(false))
        );
        ask("cancel").await.is_error(409, "run_is_over");
        api.post(&format!("{run}/input"), json!({"mood": "good"})).await.is_error(409, "run_not_waiting");
    }
}

#[tokio::test]
async fn runs_are_listed_by_pages_and_by_status_and_deleted() {
    let api = Api::start().await;
    let agent = api.started(form()).await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        api.app.clock.advance(std::time::Duration::from_secs(1));
        let run = api.run(&agent, json!({})).await;
        api.until(&run, "waiting-for-input").await;
        paths.push(run);
    }
    api.post(&format!("{}/input", paths[0]), json!({"mood": "bad"})).await.data();
    api.until(&paths[0], "completed").await;
    let runs = format!("{AGENTS}/{agent}/runs");
    let page = api.get(&format!("{runs}?limit=2&page=2")).await;
    assert_json_snapshot!("listed", page.shown());
    let total = async |status: &str| {
        api.get(&format!("{runs}?status={status}")).await.json()["pagination"]["total"].clone()
    };
    assert_eq!(total("waiting-for-input").await, 2);
    assert_eq!(total("completed").await, 1);
    assert_eq!(total("failed").await, 0);
    api.get(&format!("{runs}?status=queued")).await.is_error(400, "invalid_request");
    let deleted = api.ask(Method::DELETE, &paths[1], None).await.data();
    assert_eq!(deleted["deleted"], true);
    api.get(&paths[1]).await.is_error(404, "not_found");
    assert_eq!(total("waiting-for-input").await, 1);
    api.ask(Method::DELETE, &format!("{AGENTS}/{agent}"), None).await.data();
    api.get(&paths[2]).await.is_error(404, "not_found");
}

#[tokio::test]
async fn a_run_that_fails_says_why() {
    let api = Api::start().await;
    let agent =
        api.started(json!([{"id": "say", "type": "generate-text", "prompt": "{{ input.missing }}"}])).await;
    let run = api.run(&agent, json!({})).await;
    let failed = api.until(&run, "failed").await;
    assert_eq!(failed["error"]["step_id"], "say");
    assert_eq!(failed["error"]["code"], "template_failed", "{failed:#}");
}
