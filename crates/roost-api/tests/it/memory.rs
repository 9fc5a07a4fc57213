use axum::http::Method;
use roost_domain::id::AgentId;
use serde_json::{Value, json};

use crate::support::{Api, PATIENCE};

/// Waits until so much is remembered, and returns it.
pub(crate) async fn until(api: &Api, agent: AgentId, count: usize) -> Vec<Value> {
    let wait = async {
        loop {
            let listed = api.get(&format!("/v1/agents/{agent}/memory")).await.data();
            let memories = listed.as_array().unwrap().clone();
            if memories.len() >= count {
                return memories;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it is remembered in time")
}

async fn say(api: &Api, agent: AgentId, peer: &str, text: &str) {
    let body = json!({"message": text, "peerId": peer});
    let answer = api.post(&format!("/v1/agents/{agent}/chat/messages"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn what_is_remembered_is_listed_and_forgotten() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    say(&api, agent, "ann", "I live in Vienna.").await;
    say(&api, agent, "bob", "I play the tuba.").await;
    until(&api, agent, 2).await;
    let path = format!("/v1/agents/{agent}/memory");
    let of_ann = api.get(&format!("{path}?peerId=ann")).await;
    insta::assert_json_snapshot!("listed", of_ann.shown());
    let part = api.get(&format!("{path}?limit=1")).await.json();
    assert_eq!(part["pagination"]["hasMore"], true);
    let offset = part["pagination"]["nextOffset"].as_str().unwrap();
    let rest = api.get(&format!("{path}?limit=1&offset={offset}")).await.json();
    assert_eq!((&rest["pagination"]["hasMore"], &rest["data"][0]["id"]), (&json!(false), &json!(offset)));
    let one = of_ann.data()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.ask(Method::DELETE, &format!("{path}/{one}"), None).await.data()["deleted"], true);
    let gone = api.ask(Method::DELETE, &format!("{path}/{one}"), None).await;
    gone.is_error(404, "not_found_error", "not_found");
    for unsure in ["", "?all=true", "?confirm=true", "?peerId=bob&all=false&confirm=true"] {
        let refused = api.ask(Method::DELETE, &format!("{path}{unsure}"), None).await;
        refused.is_error(400, "invalid_request_error", "invalid_request");
        assert!(refused.message().contains("confirm"), "{}", refused.message());
    }
    let all = api.ask(Method::DELETE, &format!("{path}?peerId=bob&all=true&confirm=true"), None).await.data();
    assert_eq!(all, json!({"deleted": true, "count": 1}));
    assert_eq!(api.get(&path).await.data(), json!([]));
}

#[tokio::test]
async fn what_was_recalled_stands_in_the_sessions_events() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    say(&api, agent, "ann", "I live in Vienna.").await;
    until(&api, agent, 1).await;
    say(&api, agent, "ann", "Where do I live?").await;
    let sessions = api.get(&format!("/v1/agents/{agent}/chat/sessions")).await.data();
    let session = sessions[0]["id"].as_str().unwrap();
    let path = format!("/v1/agents/{agent}/chat/sessions/{session}/events");
    let mut stream = api.open(crate::support::request(Method::GET, &path, Some(&api.key), None)).await;
    let recalled = stream.until("recalled").await;
    assert_eq!(recalled["details"]["entries"][0]["text"], "I live in Vienna.");
    assert_eq!(recalled["details"]["entries"][0]["memory"], true);
    let history = api.get(&format!("/v1/agents/{agent}/chat/messages?sessionId={session}")).await;
    assert!(
        !history.text.contains("recalled"),
        "what the peer said is told as they said it: {}",
        history.text
    );
}
