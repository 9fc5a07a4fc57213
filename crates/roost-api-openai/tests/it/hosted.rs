//! Agents whose loop is a runtime of others, and the door for such runtimes' model calls.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use roost_api_openai::Options;
use roost_domain::agent::State;
use roost_domain::id::AgentId;
use roost_testkit::TestApp;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Api, function, user};

async fn running(app: &TestApp) -> AgentId {
    let agent = app.hosted_agent().await;
    while app.core.agents().get(&app.ctx(), agent).await.unwrap().agent.state != State::Running {
        tokio::task::yield_now().await;
    }
    agent
}

#[tokio::test]
async fn a_hosted_agent_takes_no_tools_of_its_caller() {
    let api = Api::start().await;
    running(&api.app).await;
    let mut body = json!({"model": "agent:Ada", "messages": [user("hello")]});
    let answer = api.chat(body.clone()).await.ok();
    assert_eq!(answer["choices"][0]["message"]["content"], "heard hello");
    body["tools"] = json!([function("get_weather")]);
    let answer = api.chat(body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert!(answer.text.contains("not_for_hosted"), "{}", answer.text);
    assert_eq!(api.app.runtimes.heard(), ["hello"]);
}

#[tokio::test]
async fn the_door_takes_long_conversations_and_nothing_of_a_paused_agent() {
    let app = TestApp::start().await;
    let agent = running(&app).await;
    let door = roost_api_openai::door(app.core.clone(), Options::default());
    let knock = async |padding: usize| {
        let body = json!({"model": "any", "messages": [user("hello")]}).to_string() + &" ".repeat(padding);
        let request = Request::post("/v1/chat/completions")
            .header("authorization", format!("Bearer {agent}"))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        door.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(knock(15 << 20).await, StatusCode::OK);
    assert_eq!(knock(16 << 20).await, StatusCode::PAYLOAD_TOO_LARGE);
    app.core.agents().pause(&app.ctx(), agent).await.unwrap();
    assert_eq!(knock(0).await, StatusCode::CONFLICT);
}
