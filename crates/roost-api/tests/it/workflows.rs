//! Workflows as the native face takes and shows them.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, request};

fn config(prompt: &str) -> Value {
    json!({"steps": [{"id": "say", "type": "generate-text", "prompt": prompt}]})
}

async fn put(api: &Api, agent: &str, config: Value) -> Value {
    let path = format!("/v1/agents/{agent}/workflow/config");
    let answer = api.ask(Method::PUT, &path, Some(config)).await;
    answer.is(200);
    answer.data()
}

#[tokio::test]
async fn a_workflow_is_put_shown_and_every_version_kept() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let path = format!("/v1/agents/{agent}/workflow/config");
    api.get(&path).await.is_error(404, "not_found_error", "workflow_missing");
    let first = put(&api, &agent, config("one")).await;
    assert_eq!((&first["version"], &first["author"]), (&json!(1), &json!("test")));
    assert_eq!(
        put(&api, &agent, config("one")).await["version"],
        1,
        "what says the same is the same version"
    );
    assert_eq!(put(&api, &agent, config("two")).await["version"], 2);
    assert_eq!(api.get(&path).await.data()["config"], config("two"));
    let versions = format!("/v1/agents/{agent}/workflow/versions");
    let listed = api.get(&versions).await.json();
    let numbers: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|one| one["version"].clone()).collect();
    assert_eq!((numbers, &listed["pagination"]["total"]), (vec![json!(2), json!(1)], &json!(2)));
    assert_eq!(api.get(&format!("{versions}?before=2")).await.data(), json!([first]));
    assert_eq!(api.get(&format!("{versions}/1")).await.data(), first);
    api.get(&format!("{versions}/3")).await.is_error(404, "not_found_error", "not_found");
    let late = api.ask(Method::PUT, &format!("{path}?expectedVersion=1"), Some(config("three"))).await;
    late.is_error(409, "invalid_request_error", "version_conflict");
    assert_eq!(api.get(&path).await.data()["version"], 2, "nothing is changed");
}

#[tokio::test]
async fn the_agent_follows_its_configuration() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let config = json!({
        "name": "Reporter", "description": "Reports", "model": "test/other", "tags": ["a", "b"],
        "steps": [{"type": "wait", "until": 1}],
    });
    put(&api, &agent, config).await;
    let shown = api.get(&format!("/v1/agents/{agent}")).await.data();
    assert_eq!(shown["name"], "Reporter");
    assert_eq!(shown["description"], "Reports");
    assert_eq!(shown["model"], "test/other");
    assert_eq!(shown["tags"], json!(["a", "b"]));
    put(&api, &agent, json!({"steps": [{"type": "wait", "until": 2}]})).await;
    assert_eq!(
        api.get(&format!("/v1/agents/{agent}")).await.data()["name"],
        "Reporter",
        "what is not said stays"
    );
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_workflow_is_said_with_its_place() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let path = format!("/v1/agents/{agent}/workflow/config");
    let wrong = json!({"steps": [
        {"type": "generate_text", "prompt": "x"},
        {"type": "form", "fields": [{"name": "mail", "type": "e-mail"}]},
    ]});
    let answer = api.ask(Method::PUT, &path, Some(wrong)).await;
    answer.is_error(400, "invalid_request_error", "invalid_request");
    let message = answer.message();
    let lines: Vec<_> = message.lines().collect();
    assert!(
        lines[0].starts_with("steps[0].type must be one of")
            && lines[0].ends_with("did you mean generate-text?")
    );
    assert!(lines[1].starts_with("steps[1].fields[0].type must be one of"), "{message}");
    let unknown = json!({"steps": [{"type": "generate-text", "prompt": "x", "model": "nobody/x"}]});
    let answer = api.ask(Method::PUT, &path, Some(unknown)).await;
    answer.is_error(400, "invalid_request_error", "invalid_request");
    assert!(
        answer.message().contains("the step generate_text names the model nobody/x"),
        "{}",
        answer.message()
    );
    api.get(&path).await.is_error(404, "not_found_error", "workflow_missing");
}

#[tokio::test]
async fn yaml_is_taken_where_json_is() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let path = format!("/v1/agents/{agent}/workflow/config");
    let yaml = "steps:\n  - id: say\n    type: generate-text\n    prompt: |\n      Say it\n      twice\n";
    let mut request = request(Method::PUT, &path, Some(&api.key), Some(yaml.to_owned()));
    request.headers_mut().insert("content-type", "application/yaml".parse().unwrap());
    let answer = api.send(request).await;
    assert_eq!(answer.data()["config"]["steps"][0]["prompt"], "Say it\ntwice\n");
}

#[tokio::test]
async fn an_agent_with_a_workflow_is_armed_and_disarmed() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let ask = async |verb: &str| api.ask(Method::POST, &format!("/v1/agents/{agent}/{verb}"), None).await;
    ask("arm").await.is_error(409, "invalid_request_error", "workflow_missing");
    put(&api, &agent, config("x")).await;
    for (verb, triggers) in
        [("arm", "armed"), ("pause-triggers", "paused"), ("arm", "armed"), ("disarm", "off")]
    {
        assert_eq!(ask(verb).await.data(), json!({"id": agent, "triggers": triggers}), "{verb}");
    }
    assert_eq!(
        api.get(&format!("/v1/agents/{agent}")).await.data()["status"],
        "running",
        "the agent itself stays"
    );
}

/// Configurations that are right, and so have to keep to the schema: those of the examples and of the tests.
fn right() -> Vec<Value> {
    let mut all = vec![config("x")];
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for example in std::fs::read_dir(examples).unwrap().map(Result::unwrap) {
        let path = example.path().join("workflow.yaml");
        if let Ok(text) = std::fs::read_to_string(&path) {
            all.push(
                serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            );
        }
    }
    assert!(all.len() > 1, "the examples were not found");
    all
}

#[tokio::test]
async fn the_schema_is_for_everybody_and_takes_what_the_server_takes() {
    let api = Api::start().await;
    let answer = api.send(request(Method::GET, "/v1/workflows/schema.json", None, None)).await;
    assert_eq!(answer.headers["content-type"], "application/schema+json");
    let validator = jsonschema::validator_for(&answer.json()).unwrap();
    for config in right() {
        roost_domain::workflow::Workflow::read(&config).unwrap_or_else(|faults| panic!("{config}\n{faults}"));
        let errors: Vec<_> = validator.iter_errors(&config).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{config}\n{errors:#?}");
    }
}

#[tokio::test]
async fn the_schema_refuses_what_the_server_refuses() {
    let api = Api::start().await;
    let schema = api.get("/v1/workflows/schema.json").await.json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let step = |step: Value| json!({"steps": [step]});
    for config in [
        json!({}),
        json!({"steps": []}),
        json!({"step": [{"type": "wait", "until": 1}], "steps": [{"type": "wait", "until": 1}]}),
        step(json!({"prompt": "x"})),
        step(json!({"type": "generate_text", "prompt": "x"})),
        step(json!({"type": "generate-text"})),
        step(json!({"type": "generate-text", "prompt": "x", "url": "y"})),
        step(json!({"type": "generate-text", "prompt": " "})),
        step(json!({"type": "wait"})),
        step(json!({"type": "wait", "until": 1, "seconds": 1})),
        step(json!({"type": "wait", "until": 1, "id": "A"})),
        step(json!({"type": "wait", "until": 1, "retry": {"attempts": 0}})),
        step(json!({"type": "form", "fields": []})),
        step(json!({"type": "form", "fields": [{"name": "a", "type": "choice"}]})),
        step(json!({"type": "form", "fields": [{"name": "a", "type": "e-mail"}]})),
        step(json!({"type": "form", "fields": [{"name": "a b"}]})),
        json!({"triggers": [{"type": "cron"}], "steps": [{"type": "wait", "until": 1}]}),
        json!({"tags": [""], "steps": [{"type": "wait", "until": 1}]}),
    ] {
        assert!(roost_domain::workflow::Workflow::read(&config).is_err(), "{config}");
        assert!(!validator.is_valid(&config), "{config}");
    }
}
