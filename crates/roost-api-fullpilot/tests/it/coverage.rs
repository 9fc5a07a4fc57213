//! Every route, each with the ways in which a caller must not get through.

use axum::http::Method;
use roost_api_fullpilot::{Options, ROUTES};
use roost_domain::key::Scope;
use serde_json::{Value, json};

use crate::support::{AGENTS, Api, request};

/// A route: method, path, a body that is good, the scope that it needs, whether it counts as an execution.
struct Row {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    scope: Scope,
    executes: bool,
}

fn rows() -> Vec<Row> {
    use Scope::{AgentsDelete, AgentsRead, AgentsWrite, Runs};
    let row = |method, path, body, scope| Row { method, path, body, scope, executes: false };
    let config = || Some(json!({"name": "A", "model": "test/echo", "steps": [{"type": "wait", "until": 1}]}));
    let cancel = || Some(json!({"action": "cancel"}));
    let answer = || Some(json!({"mood": "good"}));
    vec![
        row("post", "/api/v1/agents", config(), AgentsWrite),
        row("get", "/api/v1/agents", None, AgentsRead),
        row("get", "/api/v1/agents/{agent_id}", None, AgentsRead),
        row("patch", "/api/v1/agents/{agent_id}", config(), AgentsWrite),
        row("put", "/api/v1/agents/{agent_id}", config(), AgentsWrite),
        row("delete", "/api/v1/agents/{agent_id}", None, AgentsDelete),
        row("get", "/api/v1/agents/{agent_id}/connections", None, AgentsRead),
        row("post", "/api/v1/agents/{agent_id}/connections", None, AgentsRead),
        row("post", "/api/v1/agents/{agent_id}/start", None, AgentsWrite),
        row("post", "/api/v1/agents/{agent_id}/stop", None, AgentsWrite),
        row("post", "/api/v1/agents/{agent_id}/pause", None, AgentsWrite),
        Row { executes: true, ..row("post", "/api/v1/agents/{agent_id}/runs", Some(json!({})), Runs) },
        row("get", "/api/v1/agents/{agent_id}/runs", None, Runs),
        row("get", "/api/v1/agents/{agent_id}/runs/{run_id}", None, Runs),
        row("patch", "/api/v1/agents/{agent_id}/runs/{run_id}", cancel(), Runs),
        row("put", "/api/v1/agents/{agent_id}/runs/{run_id}", cancel(), Runs),
        row("delete", "/api/v1/agents/{agent_id}/runs/{run_id}", None, Runs),
        Row {
            executes: true,
            ..row("post", "/api/v1/agents/{agent_id}/runs/{run_id}/input", answer(), Runs)
        },
        Row { executes: true, ..row("put", "/api/v1/agents/{agent_id}/runs/{run_id}/input", answer(), Runs) },
    ]
}

impl Row {
    fn method(&self) -> Method {
        self.method.to_uppercase().parse().unwrap()
    }

    fn path(&self, agent: &str, run: &str) -> String {
        self.path.replace("{agent_id}", agent).replace("{run_id}", run)
    }

    fn body(&self) -> Option<String> {
        self.body.as_ref().map(Value::to_string)
    }
}

/// An agent with a run that waits.
async fn things(api: &Api) -> (String, String) {
    let form = json!([{"type": "form", "fields": [{"name": "mood"}]}]);
    let agent = api.started(form).await;
    let run = api.run(&agent, json!({})).await;
    api.until(&run, "waiting-for-input").await;
    (agent, run.rsplit('/').next().unwrap().to_owned())
}

#[test]
fn the_table_has_every_route_and_no_other() {
    let tabled: Vec<_> = rows().iter().map(|row| (row.method, row.path)).collect();
    assert_eq!(tabled, ROUTES);
}

#[tokio::test]
async fn without_a_key_or_its_scope_nothing_is_done() {
    let api = Api::start().await;
    let (agent, run) = things(&api).await;
    for row in rows() {
        let path = row.path(&agent, &run);
        let answer = api.send(request(row.method(), &path, None, row.body())).await;
        answer.is_error(401, "unauthorized");
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != row.scope).collect();
        let key = api.key(&others).await;
        let answer = api.send(request(row.method(), &path, Some(&key), row.body())).await;
        answer.is_error(403, "missing_scope");
    }
    let run = api.get(&format!("{AGENTS}/{agent}/runs/{run}")).await.data();
    assert_eq!(run["status"], "waiting-for-input");
}

#[tokio::test]
async fn what_is_another_accounts_or_nobodys_is_not_there() {
    let api = Api::start().await;
    let (agent, run) = things(&api).await;
    let stranger = api.strangers_key().await;
    let unknown = |id: &str| format!("{}{:012x}", &id[..id.len() - 12], 0x0abc);
    for row in rows().into_iter().filter(|row| row.path.contains('{')) {
        let answer =
            api.send(request(row.method(), &row.path(&agent, &run), Some(&stranger), row.body())).await;
        answer.is_error(404, "not_found");
        for (agent, run) in [(unknown(&agent), run.clone()), ("nonsense".to_owned(), run.clone())] {
            let answer = api.ask(row.method(), &row.path(&agent, &run), row.body.clone()).await;
            answer.is_error(404, "not_found");
        }
        if row.path.contains("{run_id}") {
            for run in [unknown(&run), "nonsense".to_owned()] {
                let answer = api.ask(row.method(), &row.path(&agent, &run), row.body.clone()).await;
                answer.is_error(404, "not_found");
            }
        }
    }
    assert_eq!(api.get(AGENTS).await.json()["pagination"]["total"], 1);
}

#[tokio::test]
async fn malformed_bodies_and_queries_are_refused() {
    let api = Api::start().await;
    let (agent, run) = things(&api).await;
    for row in rows().into_iter().filter(|row| row.body.is_some()) {
        for body in ["{\"name\": ", "[]", "\"text\""] {
            let request =
                request(row.method(), &row.path(&agent, &run), Some(&api.key), Some(body.to_owned()));
            api.send(request).await.is_error(400, "invalid_request");
        }
    }
    for path in [AGENTS.to_owned(), format!("{AGENTS}/{agent}/runs")] {
        api.get(&format!("{path}?nobody_knows=1")).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn every_answer_says_how_its_key_stands_and_executions_count_apart() {
    let api = Api::with(Options::default()).await;
    let (agent, run) = things(&api).await;
    for row in rows().into_iter().filter(|row| row.method == "get") {
        let answer = api.ask(row.method(), &row.path(&agent, &run), None).await;
        assert_eq!(answer.headers["x-ratelimit-limit"], "100", "{}", row.path);
        assert!(answer.headers.contains_key("x-ratelimit-remaining"));
        let reset: i64 = answer.headers["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
        assert!(reset > 1_600_000_000, "Unix seconds");
    }
    let input = format!("{AGENTS}/{agent}/runs/{run}/input");
    let mut last = None;
    // One run was started already.
    for _ in 1..20 {
        let answer = api.post(&input, json!({"colour": "no field"})).await;
        answer.is_error(400, "invalid_request");
        assert_eq!(answer.headers["x-ratelimit-limit"], "20");
        last = answer.headers["x-ratelimit-remaining"].to_str().map(str::to_owned).ok();
    }
    assert_eq!(last.as_deref(), Some("0"));
    let refused = api.post(&input, json!({"mood": "good"})).await;
    refused.is_error(429, "rate_limited");
    assert_eq!(refused.headers["retry-after"], "60");
    for row in rows().iter().filter(|row| row.executes) {
        let answer = api.ask(row.method(), &row.path(&agent, &run), row.body.clone()).await;
        answer.is_error(429, "rate_limited");
    }
    assert_eq!(api.get(AGENTS).await.status, 200, "other requests go on");
}

#[tokio::test]
async fn over_the_standard_limit_nothing_is_done() {
    let mut options = Options::default();
    options.http.limits.requests = std::num::NonZeroU32::new(1).unwrap();
    let api = Api::with(options).await;
    assert_eq!(api.get(AGENTS).await.status, 200);
    for row in rows().into_iter().filter(|row| !row.executes) {
        let path = row.path("00000000-0000-7000-8000-000000000001", "wrun_00000000000070008000000000000001");
        let answer = api.ask(row.method(), &path, row.body.clone()).await;
        answer.is_error(429, "rate_limited");
    }
}
