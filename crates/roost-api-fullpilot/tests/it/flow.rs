//! The example flow of Fullpilot's documents: from creation and setup through execution and human interaction to
//! shutdown.

use axum::http::Method;
use roost_testkit::Reply;
use serde_json::json;

use crate::support::{AGENTS, Api};

#[tokio::test]
async fn the_example_flow_of_the_documents() {
    let api = Api::start().await;
    let config = json!({
        "name": "Market research",
        "description": "Finds out, asks, reports",
        "model": "test/echo",
        "triggers": [{"type": "manual"}],
        "steps": [
            {"id": "research", "type": "generate-text", "prompt": "Research {{ input.topic }}",
             "success_criteria": [{"assert": "output | length > 10"}]},
            {"id": "ask", "type": "form", "fields": [{"name": "focus", "type": "text", "required": true}]},
            {"id": "report", "type": "generate-artifact", "title": "Report",
             "prompt": "Report on {{ steps.research.output }} for {{ steps.ask.output.focus }}"},
        ],
    });
    let agent = api.post(AGENTS, config).await.data();
    assert_eq!((&agent["status"], &agent["operational_status"]), (&json!("ready"), &json!("stopped")));
    let path = format!("{AGENTS}/{}", agent["id"].as_str().unwrap());
    let started = api.ask(Method::POST, &format!("{path}/start"), None).await.data();
    assert_eq!(started["operational_status"], "running");
    let run = api.run(agent["id"].as_str().unwrap(), json!({"topic": "tea"})).await;
    let waiting = api.until(&run, "waiting-for-input").await;
    assert_eq!(waiting["current_step"], "ask");
    assert_eq!(waiting["waiting_input"]["step_id"], "ask");
    assert_eq!(waiting["waiting_input"]["fields"][0]["name"], "focus");
    assert_eq!(waiting["steps"][0]["output"], "You said: Research tea");
    let asked = "Report on You said: Research tea for price";
    let html = "```html\n<!doctype html><h1>Tea</h1>\n```";
    let told = format!("{asked}\n\n{}", form_of_a_page());
    api.app.models.when(&told, [Reply::Say(vec![html])]);
    api.post(&format!("{run}/input"), json!({"focus": "price"})).await.data();
    let done = api.until(&run, "completed").await;
    assert_eq!(done["is_in_progress"], false);
    let steps: Vec<_> = done["steps"].as_array().unwrap().iter().map(|step| step["status"].clone()).collect();
    assert_eq!(steps, ["completed", "completed", "completed"]);
    assert_eq!(done["output"]["title"], "Report", "{done:#}");
    let stopped = api.ask(Method::POST, &format!("{path}/stop"), None).await.data();
    assert_eq!(stopped["operational_status"], "stopped");
    api.ask(Method::DELETE, &path, None).await.data();
    api.get(&run).await.is_error(404, "not_found");
}

/// What a model that makes a page is told besides.
fn form_of_a_page() -> &'static str {
    "Answer with one whole HTML document alone, from <!doctype html> on, with its styles and scripts in it. It is shown \
     without a network: nothing may be loaded from elsewhere."
}
