//! One state inside, and what each kind of key calls it.

use axum::http::Method;
use roost_domain::agent::State;
use roost_domain::key::{Scope, Style};
use serde_json::json;

use crate::support::{Answer, Api, PATIENCE, request};

/// The design's table: the state inside, and the word of native and GoPilot's keys, of Agento's.
const WORDS: [(State, &str, &str); 6] = [
    (State::Provisioning, "provisioning", "provisioning"),
    (State::Running, "running", "running"),
    (State::Frozen, "paused", "running"),
    (State::Paused, "paused", "paused"),
    (State::Stopped, "stopped", "stopped"),
    (State::Error, "error", "error"),
];

async fn ask(api: &Api, key: &str, method: Method, path: &str) -> Answer {
    api.send(request(method, path, Some(key), None)).await
}

/// The keys, each with which of the words it sees.
async fn keys(api: &Api) -> [(String, bool); 4] {
    let scopes = [Scope::AgentsRead, Scope::AgentsWrite, Scope::Chat];
    [
        (api.key.clone(), false),
        (api.key(Style::Gopilot, &scopes).await, false),
        (api.key(Style::Agentcop, &scopes).await, false),
        (api.key(Style::Agento, &scopes).await, true),
    ]
}

#[tokio::test]
async fn every_state_has_its_word_in_every_vocabulary_and_is_found_by_it() {
    let api = Api::start().await;
    let id = api.app.agent(json!({})).await;
    let keys = keys(&api).await;
    assert_eq!(WORDS.map(|(state, ..)| state), State::ALL);
    for (state, others, agento) in WORDS {
        api.app.put_state(id, state).await;
        for (key, is_agento) in &keys {
            let word = if *is_agento { agento } else { others };
            for path in [format!("/v1/agents/{id}"), format!("/v1/agents/{id}/status")] {
                let seen = ask(&api, key, Method::GET, &path).await.data();
                assert_eq!(seen["status"], word, "{state} at {path}");
            }
            let count = async |wanted: &str| {
                let path = format!("/v1/agents?status={wanted}");
                ask(&api, key, Method::GET, &path).await.json()["pagination"]["total"].as_u64()
            };
            for wanted in ["provisioning", "running", "paused", "stopped", "error"] {
                let expected = u64::from(wanted == word);
                assert_eq!(count(wanted).await, Some(expected), "{state} as {wanted}");
            }
        }
    }
}

#[tokio::test]
async fn an_idle_agent_freezes_is_paused_for_gopilot_and_wakes_by_itself_when_it_is_used() {
    let api = Api::start().await;
    let id = api.app.agent(json!({"idleSeconds": 60})).await;
    let run = roost_testkit::Reply::Use("", vec![("shell", json!({"command": "ls"}))]);
    api.app.models.when("run", [run, roost_testkit::Reply::Say(vec!["Done."])]);
    let [_, (gopilot, _), ..] = keys(&api).await;
    let status =
        async || ask(&api, &gopilot, Method::GET, &format!("/v1/agents/{id}")).await.data()["status"].clone();
    assert_eq!(status().await, "running", "made and running in one");
    api.say(&id.to_string(), "run").await;
    for way in ["a message", "start", "resume"] {
        api.app.machines.idle_for(std::time::Duration::from_secs(60));
        let paused = async {
            while status().await != "paused" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, paused).await.expect("an idle agent is paused");
        api.app.machines.idle_for(std::time::Duration::ZERO);
        match way {
            "a message" => drop(api.say(&id.to_string(), "hello").await),
            other => {
                drop(ask(&api, &gopilot, Method::POST, &format!("/v1/agents/{id}/{other}")).await.data())
            }
        }
        assert_eq!(status().await, "running", "woken by {way}");
    }
    let stopped = ask(&api, &gopilot, Method::POST, &format!("/v1/agents/{id}/stop")).await.data();
    assert_eq!(stopped["status"], "stopped");
    let refused = api.post(&format!("/v1/agents/{id}/chat/messages"), json!({"message": "Hi"})).await;
    refused.is_error(409, "invalid_request_error", "agent_not_running");
    assert_eq!(
        ask(&api, &gopilot, Method::POST, &format!("/v1/agents/{id}/start")).await.data()["status"],
        "running"
    );
    api.say(&id.to_string(), "there you are").await;
}
