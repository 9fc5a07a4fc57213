//! Rounds of `kill -9` over runs of a workflow with forms, retries and parallel branches, whose effects are counted at a
//! server of the test's own: no step is lost, and no effect is doubled. One whose outcome nobody saw is asked about.
//!
//! `ROOST_CRASH_ROUNDS` sets how many rounds there are: a dozen by default, 500 before a release.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use crate::DEADLINE;
use crate::roost::{Options, Server};

const SCRIPT: &str = "default:\n  - text: \"Said {{user}}\"\n";

/// Runs that are begun in each round.
const RUNS: usize = 3;

/// What was done, by its name.
#[derive(Clone, Default)]
struct Effects(Arc<Mutex<BTreeMap<String, Seen>>>);

#[derive(Clone, Copy, Default)]
struct Seen {
    refused: u32,
    done: u32,
}

impl Effects {
    /// Serves until the test is over, and returns where.
    async fn serve(&self) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let app = Router::new().route("/effect/{name}", post(act)).with_state(self.clone());
        #[expect(clippy::disallowed_methods, reason = "it serves as long as the test runs")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        port
    }

    fn done(&self, name: &str) -> u32 {
        self.0.lock().expect("nobody panicked").get(name).map_or(0, |seen| seen.done)
    }
}

/// Does something once it is asked for, and takes its time to say so. What is flaky refuses at first.
async fn act(State(effects): State<Effects>, Path(name): Path<String>) -> (StatusCode, String) {
    let taken = {
        let mut effects = effects.0.lock().expect("nobody panicked");
        let seen = effects.entry(name.clone()).or_default();
        let refuses = name.contains("flaky") && seen.refused == 0;
        if refuses {
            seen.refused += 1
        } else {
            seen.done += 1
        }
        !refuses
    };
    tokio::time::sleep(Duration::from_millis(15)).await;
    if taken {
        (StatusCode::OK, format!("did {name}"))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "busy".to_owned())
    }
}

fn workflow(port: u16) -> Value {
    let effect = |id: &str, name: &str| {
        json!({
            "type": "http", "id": id, "method": "POST", "retry": {"attempts": 5, "delay_seconds": 0},
            "url": format!("http://127.0.0.1:{port}/effect/{{{{ input.key }}}}-{name}")
        })
    };
    let say = json!({"type": "generate-text", "id": "say", "prompt": "{{ steps.left.output.body }}"});
    let form = json!({"type": "form", "id": "ask", "title": "Name", "fields": [
        {"name": "name", "label": "Name", "type": "text", "required": true}
    ]});
    let other = json!({"type": "form", "id": "also", "title": "Also", "fields": [
        {"name": "more", "label": "More", "type": "text", "required": true}
    ]});
    json!({"steps": [
        {"type": "parallel", "id": "both", "branches": [
            [effect("left", "left"), say], [effect("flaky", "flaky"), form], [other]
        ]},
        {"type": "for-each", "id": "each", "items": [0, 1, 2], "at_once": 2, "steps": [
            effect("item", "item{{ item }}-{{ steps.ask.output.name }}")
        ]},
        effect("last", "last")
    ]})
}

const STEPS: [&str; 10] =
    ["both", "left", "say", "flaky", "ask", "also", "each", "item[0]", "item[1]", "item[2]"];

fn effects_of(key: &str) -> Vec<String> {
    let names = ["left", "flaky", "item0-Ada", "item1-Ada", "item2-Ada", "last"];
    names.iter().map(|name| format!("{key}-{name}")).collect()
}

struct Story {
    server: Server,
    agent: String,
    effects: Effects,
    /// Runs by their keys.
    runs: BTreeMap<String, String>,
    over: BTreeSet<String>,
    /// Answers that the server has taken, by form.
    answered: BTreeSet<String>,
    asked_about: usize,
}

impl Story {
    async fn begin(effects: Effects) -> Self {
        let port = effects.serve().await;
        let scripts = vec![("story", SCRIPT.to_owned())];
        let config = "[api]\nrequests_per_minute = 1000000\n".to_owned();
        let server = Server::start(Options { scripts, config, ..Options::default() });
        let agent = server.agent("ada", "scripted/story", &["--policy", "open"]);
        let config = json!({"policy": "open", "network": {"allowPrivate": ["127.0.0.1"]}});
        let (status, body) = server.patch(&format!("/v1/agents/{agent}"), &json!({"config": config})).await;
        assert_eq!(status, 200, "{body}");
        let (status, body) =
            server.put(&format!("/v1/agents/{agent}/workflow/config"), &workflow(port)).await;
        assert!(status == 200 || status == 201, "{status}: {body}");
        Self {
            server,
            agent,
            effects,
            runs: BTreeMap::new(),
            over: BTreeSet::new(),
            answered: BTreeSet::new(),
            asked_about: 0,
        }
    }

    async fn create(&mut self, key: &str) {
        let path = format!("/v1/agents/{}/runs", self.agent);
        let (status, body) = self.server.post(&path, &json!({"input": {"key": key}})).await;
        assert_eq!(status, 201, "{body}");
        self.runs.insert(key.to_owned(), body["data"]["id"].as_str().expect("an id").to_owned());
    }

    async fn run(&self, id: &str) -> Value {
        let (status, body) = self.server.get(&format!("/v1/agents/{}/runs/{id}", self.agent)).await;
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }

    /// Answers every form that waits, and every question about what nobody saw.
    async fn help(&mut self) {
        let open: Vec<_> = self.runs.iter().filter(|(key, _)| !self.over.contains(*key)).collect();
        for (key, id) in open.into_iter().map(|(key, id)| (key.clone(), id.clone())).collect::<Vec<_>>() {
            let run = self.run(&id).await;
            if run["isInProgress"] == false {
                self.over.insert(key);
                continue;
            }
            for form in run["forms"].as_array().expect("forms") {
                let name = form["fields"][0]["name"].as_str().expect("a field").to_owned();
                let form = form["id"].as_str().expect("an id").to_owned();
                let path = format!("/v1/agents/{}/runs/{id}/input", self.agent);
                let body = json!({"formId": form, "values": {name: "Ada"}});
                let (status, body) = self.server.post(&path, &body).await;
                // Another step may have failed meanwhile, and this one been called off.
                if status == 409 && body["error"]["code"] == "run_not_waiting" {
                    continue;
                }
                assert_eq!(status, 200, "{body}");
                assert!(self.answered.insert(form), "a form that was answered asks again");
            }
        }
        let (status, body) = self.server.get("/v1/approvals?status=pending&limit=100").await;
        assert_eq!(status, 200, "{body}");
        for approval in body["data"].as_array().expect("a list") {
            assert_eq!(approval["question"], "outcome_unknown", "{approval}");
            let id = approval["id"].as_str().expect("an id");
            let told = approval.to_string();
            let name = told.split("/effect/").nth(1).expect("names what would be done");
            let name: String =
                name.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '-').collect();
            let verdict = if self.effects.done(&name) > 0 { "deny" } else { "approve" };
            self.asked_about += 1;
            // It may have been withdrawn meanwhile.
            let (status, body) = self.server.post(&format!("/v1/approvals/{id}/{verdict}"), &json!({})).await;
            assert!(status == 200 || status == 409, "{body}");
        }
    }

    async fn until_over(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while self.over.len() < self.runs.len() {
            self.help().await;
            if Instant::now() > deadline {
                for (key, id) in &self.runs {
                    if !self.over.contains(key) {
                        panic!("{:#}\n{}", self.run(id).await, self.server.log());
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Checks that a run that is over tells one whole story.
    async fn check(&self, key: &str, id: &str) -> bool {
        let run = self.run(id).await;
        for name in effects_of(key) {
            assert!(
                self.effects.done(&name) <= 1,
                "{name} was done {} times: {run:#}",
                self.effects.done(&name)
            );
        }
        let status = run["status"].as_str().expect("a status");
        if status == "failed" {
            // Somebody said that it was done, and that it must not be done again.
            assert_eq!(run["error"]["code"], "approval_refused", "{run:#}");
            let step = run["error"]["step"].as_str().expect("a step");
            assert!(["left", "flaky", "last"].contains(&step) || step.starts_with("item["), "{run:#}");
            return false;
        }
        assert_eq!(status, "completed", "{run:#}");
        for name in effects_of(key) {
            assert_eq!(self.effects.done(&name), 1, "{name} was lost: {run:#}");
        }
        let steps = run["steps"].as_array().expect("steps");
        for step in STEPS.iter().chain(&["last"]) {
            let found: Vec<_> = steps.iter().filter(|one| one["key"] == **step).collect();
            assert!(found.len() == 1 && found[0]["status"] == "completed", "{step}: {run:#}");
        }
        let said = steps.iter().find(|one| one["key"] == "say").expect("it is there");
        assert_eq!(said["output"], format!("Said did {key}-left"), "the output of the step before was lost");
        assert_eq!(run["output"]["body"], format!("did {key}-last"));
        true
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own switch, no part of a server's configuration")]
fn rounds() -> usize {
    std::env::var("ROOST_CRASH_ROUNDS").map_or(12, |rounds| rounds.parse().expect("a number of rounds"))
}

#[tokio::test]
async fn no_step_is_lost_and_no_effect_is_doubled_whenever_the_server_dies() {
    let mut story = Story::begin(Effects::default()).await;
    for round in 0..rounds() {
        for run in 0..RUNS {
            story.create(&format!("r{round}x{run}")).await;
        }
        // Other moments each time: before the first step, within effects and models, while forms wait and are answered.
        tokio::time::sleep(Duration::from_millis((round as u64 * 37) % 160)).await;
        if round % 3 > 0 {
            story.help().await;
            tokio::time::sleep(Duration::from_millis((round as u64 * 13) % 40)).await;
        }
        story.server.kill9();
        story.server.restart();
        story.help().await;
        if round % 10 == 9 {
            story.until_over().await;
        }
    }
    story.until_over().await;
    let mut whole = 0;
    for (key, id) in &story.runs {
        whole += usize::from(story.check(key, id).await);
    }
    let asked = story.asked_about;
    println!(
        "{} runs: {whole} completed, {asked} times a person was asked what became of an effect",
        story.runs.len()
    );
    assert!(whole > 0, "none came to its end");
}
