//! Every route of the document, each with the ways in which a caller must not get through.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::Method;
use roost_domain::event::TurnEvent;
use roost_domain::key::{Scope, Style};
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Api, generous, request};

/// A route: method, path, a body that is good, what it says of a name that nobody has.
struct Route {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    unknown: Unknown,
}

/// What a route says of a name that nobody has.
enum Unknown {
    /// 404 and a code.
    NotFound(&'static str),
    /// 409 and a code.
    Conflict(&'static str),
    /// Nothing: agents that run elsewhere have the names that their owners give them.
    Fine,
}

/// What every route behind the door is asked with. A route of the document that is not here fails the test.
fn rows() -> Vec<Route> {
    let row = |method, path, body| Route { method, path, body, unknown: Unknown::NotFound("not_found") };
    let with = |unknown, row| Route { unknown, ..row };
    let policy = || Some(json!({"allow": ["shell"]}));
    let permissions = || Some(json!({"tools": {"allow": ["shell"]}}));
    let call = || Some(json!({"agentId": "runner", "tool": "shell", "parameters": {}}));
    let no_policy = || Unknown::NotFound("no_policy_found");
    let no_permissions = || Unknown::NotFound("permissions_not_found");
    let empty = || Some(json!({}));
    let new_skill = || Some(json!({"name": "New", "description": "Is new.", "instructions": "Do it."}));
    vec![
        row("get", "/v1/account", None),
        row("get", "/v1/agents", None),
        row("post", "/v1/agents", Some(json!({"name": "Eve", "model": "test/echo"}))),
        row("get", "/v1/agents/{id}", None),
        row("patch", "/v1/agents/{id}", Some(json!({"name": "Eve"}))),
        row("put", "/v1/agents/{id}", Some(json!({"name": "Eve"}))),
        row("delete", "/v1/agents/{id}", None),
        row("post", "/v1/agents/{id}/start", None),
        row("post", "/v1/agents/{id}/stop", None),
        row("post", "/v1/agents/{id}/restart", None),
        row("post", "/v1/agents/{id}/pause", None),
        row("post", "/v1/agents/{id}/resume", None),
        row("get", "/v1/agents/{id}/status", None),
        row("get", "/v1/agents/{id}/logs", None),
        row("get", "/v1/agents/{id}/logs/stream", None),
        row("get", "/v1/agents/{id}/chat/messages", None),
        row("post", "/v1/agents/{id}/chat/messages", Some(json!({"message": "Hi"}))),
        row("get", "/v1/agents/{id}/chat/sessions", None),
        row("post", "/v1/agents/{id}/chat/sessions", empty()),
        row("post", "/v1/agents/{id}/chat/sessions/{session}/cancel", None),
        row("get", "/v1/agents/{id}/chat/sessions/{session}/events", None),
        row("get", "/v1/agents/{id}/memory", None),
        row("delete", "/v1/agents/{id}/memory", None),
        row("delete", "/v1/agents/{id}/memory/{memory}", None),
        row("get", "/v1/knowledge", None),
        row("delete", "/v1/knowledge", None),
        row("post", "/v1/knowledge/ingest", Some(json!({"agentId": "a", "chunks": []}))),
        row("post", "/v1/knowledge/search", Some(json!({"agentId": "a", "query": "b"}))),
        row("post", "/v1/knowledge/upload", None),
        row("get", "/v1/knowledge/status", None),
        row("post", "/v1/knowledge/reembed", None),
        row("get", "/v1/agents/{id}/chat/turns/{turn}", None),
        row("get", "/v1/agents/{id}/personality", None),
        row("put", "/v1/agents/{id}/personality", Some(json!({"soulMd": "Kind."}))),
        row("get", "/v1/agents/{id}/workflow", None),
        row("put", "/v1/agents/{id}/workflow", Some(json!({"workflowMd": "Help."}))),
        row("get", "/v1/agents/{id}/rules", None),
        row("get", "/v1/agents/{id}/rules/{name}", None),
        row("put", "/v1/agents/{id}/rules/{name}", Some(json!({"content": "Do."}))),
        row("delete", "/v1/agents/{id}/rules/{name}", None),
        row("get", "/v1/agents/{id}/documents", None),
        row("get", "/v1/agents/{id}/documents/{name}/versions", None),
        row("get", "/v1/agents/{id}/documents/{name}/versions/{version}", None),
        row("get", "/v1/agents/{id}/documents/{name}/diff", None),
        row("post", "/v1/agents/{id}/documents/{name}/restore", Some(json!({"version": 1}))),
        row("get", "/v1/agents/{id}/secrets", None),
        row("put", "/v1/agents/{id}/secrets", Some(json!({"secrets": {"github_token": "ghp_12345678"}}))),
        row("put", "/v1/agents/{id}/secrets/{name}/binding", Some(json!({"hosts": ["api.github.com"]}))),
        row("delete", "/v1/agents/{id}/secrets/{name}/binding", None),
        row("get", "/v1/agents/{id}/secrets/{name}/uses", None),
        row("get", "/v1/approvals", None),
        row("get", "/v1/approvals/{id}", None),
        row("post", "/v1/approvals/{id}/approve", empty()),
        row("post", "/v1/approvals/{id}/deny", empty()),
        row("post", "/v1/approvals/{id}/escalate", empty()),
        row("get", "/v1/approvals/{id}/entries", None),
        row("post", "/v1/gate/evaluate", call()),
        row("post", "/v1/gate/explain", call()),
        row("get", "/v1/gate/decisions", None),
        with(no_policy(), row("get", "/v1/policies/{agentId}", None)),
        with(Unknown::Fine, row("put", "/v1/policies/{agentId}", policy())),
        with(no_policy(), row("get", "/v1/policies/{agentId}/versions", None)),
        with(no_policy(), row("get", "/v1/policies/{agentId}/versions/{version}", None)),
        with(Unknown::Fine, row("post", "/v1/policies/{agentId}/test", policy())),
        with(Unknown::Conflict("nothing_observed"), row("get", "/v1/policies/{agentId}/suggestion", None)),
        with(no_permissions(), row("get", "/v1/permissions/{agentId}", None)),
        with(Unknown::Fine, row("post", "/v1/permissions/{agentId}", permissions())),
        with(Unknown::Fine, row("put", "/v1/permissions/{agentId}", permissions())),
        with(no_permissions(), row("patch", "/v1/permissions/{agentId}", Some(json!({})))),
        with(no_permissions(), row("delete", "/v1/permissions/{agentId}", None)),
        with(no_permissions(), row("get", "/v1/permissions/{agentId}/versions", None)),
        row("post", "/v1/scans", Some(json!({"code": "pass"}))),
        row("get", "/v1/scans/{id}", None),
        row("get", "/v1/keys", None),
        row("post", "/v1/keys", Some(json!({"name": "new"}))),
        row("delete", "/v1/keys/{id}", None),
        row("get", "/v1/sandboxes", None),
        row("post", "/v1/sandboxes", Some(json!({"agentId": "bot"}))),
        row("get", "/v1/sandboxes/{id}", None),
        row("delete", "/v1/sandboxes/{id}", None),
        row("post", "/v1/sandboxes/{id}/run", Some(json!({"code": "print(1)"}))),
        row("get", "/v1/sandboxes/{id}/runs/{run}", None),
        row("get", "/v1/swarms", None),
        row("post", "/v1/swarms", Some(json!({"name": "Growth"}))),
        row("get", "/v1/swarms/{id}", None),
        row("patch", "/v1/swarms/{id}", Some(json!({"name": "Growth Team"}))),
        row("delete", "/v1/swarms/{id}", None),
        row("put", "/v1/swarms/{id}/secrets", Some(json!({"secrets": {"anthropic_api_key": "sk-ant-1"}}))),
        row("post", "/v1/agents/{id}/snapshots", empty()),
        row("get", "/v1/agents/{id}/snapshots", None),
        row("get", "/v1/agents/{id}/snapshots/{snapshot}", None),
        row("post", "/v1/agents/{id}/snapshots/{snapshot}/restore", None),
        row("get", "/v1/agents/{id}/snapshots/{snapshot}/diff/{other}", None),
        row("delete", "/v1/agents/{id}/snapshots/{snapshot}", None),
        row("post", "/v1/agents/{id}/fork", empty()),
        row("get", "/v1/skills", None),
        row("post", "/v1/skills", new_skill()),
        row("get", "/v1/skills/{id}", None),
        row("put", "/v1/skills/{id}", new_skill()),
        row("delete", "/v1/skills/{id}", None),
        row("get", "/v1/skills/{id}/files/{path}", None),
        row("get", "/v1/agents/{id}/skills", None),
        row("post", "/v1/agents/{id}/skills", Some(json!({"skillId": "stocked", "trustLevel": "verified"}))),
        row("patch", "/v1/agents/{id}/skills/{skillId}", Some(json!({"isEnabled": false}))),
        row("delete", "/v1/agents/{id}/skills/{skillId}", None),
        row("get", "/v1/agents/{id}/triggers", None),
        row("post", "/v1/agents/{id}/triggers/{name}/rotate", Some(json!({"url": true}))),
        row("post", "/v1/agents/{id}/triggers/{name}/fire", empty()),
        row("get", "/v1/usage", None),
        row("get", "/v1/agents/{id}/usage", None),
        row("get", "/v1/webhook-endpoints", None),
        row("post", "/v1/webhook-endpoints", Some(json!({"url": "https://example.com/hook"}))),
        row("get", "/v1/webhook-endpoints/{id}", None),
        row("patch", "/v1/webhook-endpoints/{id}", Some(json!({"enabled": false}))),
        row("delete", "/v1/webhook-endpoints/{id}", None),
        row("post", "/v1/webhook-endpoints/{id}/rotate", empty()),
        row("get", "/v1/webhook-endpoints/{id}/deliveries", None),
        row("post", "/v1/webhook-deliveries/{id}/redeliver", None),
        row("get", "/v1/agents/{id}/workflow/config", None),
        row("put", "/v1/agents/{id}/workflow/config", Some(json!({"steps": [{"type": "wait", "until": 1}]}))),
        row("get", "/v1/agents/{id}/workflow/versions", None),
        row("get", "/v1/agents/{id}/workflow/versions/{version}", None),
        row("get", "/v1/agents/{id}/runs", None),
        row("post", "/v1/agents/{id}/runs", Some(json!({"input": {}}))),
        row("get", "/v1/agents/{id}/runs/{run}", None),
        row("delete", "/v1/agents/{id}/runs/{run}", None),
        row("post", "/v1/agents/{id}/runs/{run}/link", None),
        row("post", "/v1/agents/{id}/runs/{run}/input", Some(json!({"values": {"mood": "good"}}))),
        row("post", "/v1/agents/{id}/runs/{run}/files", None),
        row("get", "/v1/agents/{id}/runs/{run}/files/{file}", None),
        row("post", "/v1/agents/{id}/runs/{run}/cancel", None),
        row("post", "/v1/agents/{id}/runs/{run}/rerun", empty()),
        row("post", "/v1/agents/{id}/runs/{run}/fork", Some(json!({"input": {}}))),
        row("get", "/v1/agents/{id}/runs/{run}/events", None),
        row("get", "/v1/agents/{id}/artifacts", None),
        row("get", "/v1/agents/{id}/artifacts/{artifact}", None),
        row("get", "/v1/agents/{id}/artifacts/{artifact}/content", None),
        row("get", "/v1/agents/{id}/artifacts/{artifact}/view", None),
        row("post", "/v1/agents/{id}/artifacts/{artifact}/link", None),
        row("post", "/v1/agents/{id}/arm", None),
        row("post", "/v1/agents/{id}/disarm", None),
        row("post", "/v1/agents/{id}/pause-triggers", None),
    ]
}

/// Things of the first account that paths can name.
#[derive(Clone)]
struct Things {
    /// An agent with a policy and permissions.
    agent: String,
    /// An agent without.
    bare: String,
    scan: String,
    session: String,
    turn: String,
    approval: String,
    key: String,
    sandbox: String,
    swarm: String,
    skill: String,
    run: String,
    snapshot: String,
    endpoint: String,
    delivery: String,
    memory: String,
    workflow_run: String,
    artifact: String,
    file: String,
}

impl Route {
    fn method(&self) -> Method {
        self.method.to_uppercase().parse().unwrap()
    }

    fn is_named(&self) -> bool {
        self.path.contains('{')
    }

    fn path(&self, things: &Things) -> String {
        let id = match self.path {
            path if path.starts_with("/v1/approvals") => &things.approval,
            path if path.starts_with("/v1/keys") => &things.key,
            path if path.starts_with("/v1/scans") => &things.scan,
            path if path.starts_with("/v1/sandboxes") => &things.sandbox,
            path if path.starts_with("/v1/swarms") => &things.swarm,
            path if path.starts_with("/v1/skills") => &things.skill,
            path if path.starts_with("/v1/webhook-endpoints") => &things.endpoint,
            path if path.starts_with("/v1/webhook-deliveries") => &things.delivery,
            _ => &things.agent,
        };
        let makes_permissions = self.method == "post" && self.path.starts_with("/v1/permissions");
        let agent = if makes_permissions { &things.bare } else { &things.agent };
        let path = self.path.replace("{id}", id).replace("{session}", &things.session);
        let path = path.replace("{memory}", &things.memory);
        let (document, version) = match self.path {
            path if path.contains("/documents/") => ("IDENTITY.md", "1"),
            path if path.contains("/secrets/") => ("github_token", "1"),
            path if path.contains("/workflow/") => ("", "1"),
            path if path.contains("/triggers/") => ("hook", "1"),
            _ => ("refunds", "1.0"),
        };
        let path = path.replace("{name}", document).replace("{version}", version);
        let path = path.replace("{snapshot}", &things.snapshot).replace("{other}", &things.snapshot);
        let run = if path.starts_with("/v1/sandboxes") { &things.run } else { &things.workflow_run };
        path.replace("{agentId}", agent)
            .replace("{run}", run)
            .replace("{artifact}", &things.artifact)
            .replace("{file}", &things.file)
            .replace("{turn}", &things.turn)
            .replace("{skillId}", &things.skill)
            .replace("{path}", "SKILL.md")
    }

    fn body(&self) -> Option<String> {
        self.body.as_ref().map(Value::to_string)
    }
}

async fn things(api: &Api) -> Things {
    let hook = json!({"url": "https://example.com/hook", "events": ["approval.requested"]});
    let endpoint = api.post("/v1/webhook-endpoints", hook).await.data()["id"].as_str().unwrap().to_owned();
    let agent = api.app.agent(json!({"policy": "strict"})).await;
    let call = ("shell", json!({"command": "ls"}));
    api.app.models.when("go", [Reply::Use("", vec![call])]);
    let posted = api.app.post(agent, "go").await;
    let asked = |event: &TurnEvent| matches!(event, TurnEvent::ApprovalRequested { .. });
    let events = api.app.until(agent, &posted, asked).await;
    let Some(TurnEvent::ApprovalRequested { approval, .. }) = events.last() else { panic!("{events:?}") };
    let put = api.ask(Method::PUT, &format!("/v1/policies/{agent}"), Some(json!({"allow": ["shell"]}))).await;
    assert_eq!(put.data()["version"], "1.0");
    let permissions = json!({"tools": {"allow": ["shell"]}});
    assert_eq!(api.post(&format!("/v1/permissions/{agent}"), permissions).await.data()["version"], "1.0");
    let rule = format!("/v1/agents/{agent}/rules/refunds");
    api.ask(Method::PUT, &rule, Some(json!({"content": "Ask first."}))).await.is(200);
    let secrets = format!("/v1/agents/{agent}/secrets");
    let secret = json!({"secrets": {"github_token": "ghp_12345678"}});
    api.ask(Method::PUT, &secrets, Some(secret)).await.is(200);
    let scan = api.post("/v1/scans", json!({"code": "pass"})).await.data();
    let keys = api.get("/v1/keys").await.data();
    let sandbox = api.post("/v1/sandboxes", json!({"agentId": "bot"})).await.data()["id"].clone();
    let sandbox = sandbox.as_str().unwrap().to_owned();
    let swarm = api.post("/v1/swarms", json!({"name": "Growth"})).await.data()["id"].clone();
    let swarm = swarm.as_str().unwrap().to_owned();
    let run = api.post(&format!("/v1/sandboxes/{sandbox}/run"), json!({"code": "print(1)"})).await.data();
    let remembering = api.app.agent(json!({})).await;
    api.app.talk(remembering, "I live in Vienna.").await;
    let memory = crate::memory::until(api, remembering, 1).await[0]["id"].as_str().unwrap().to_owned();
    let deliveries = api.get(&format!("/v1/webhook-endpoints/{endpoint}/deliveries")).await.data();
    let snapshot = api.post(&format!("/v1/agents/{agent}/snapshots"), json!({})).await.data();
    api.app.skills.stock("stocked", "1.0.0", &[]);
    let skill = "own-skill-000000000000".to_owned();
    let body = json!({"id": skill, "name": "Own", "description": "Is its own.", "instructions": "Do it."});
    assert_eq!(api.post("/v1/skills", body).await.data()["id"], *skill);
    let install = json!({"skillId": skill, "trustLevel": "custom"});
    assert_eq!(api.post(&format!("/v1/agents/{agent}/skills"), install).await.status, 201);
    let made = crate::runs::made(api, &agent.to_string()).await;
    Things {
        workflow_run: made.run,
        artifact: made.artifact,
        file: made.file,
        snapshot: snapshot["id"].as_str().unwrap().to_owned(),
        sandbox,
        skill,
        swarm,
        run: run["id"].as_str().unwrap().to_owned(),
        agent: agent.to_string(),
        bare: api.app.agent(json!({})).await.to_string(),
        scan: scan["id"].as_str().unwrap().to_owned(),
        session: posted.session.to_string(),
        turn: posted.turn.to_string(),
        approval: approval.to_string(),
        key: keys[0]["id"].as_str().unwrap().to_owned(),
        delivery: deliveries[0]["id"].as_str().unwrap().to_owned(),
        endpoint,
        memory,
    }
}

/// Returns the scope that the document says a route needs; `None` where any key will do.
fn scope(route: &Route) -> Option<Scope> {
    let operation = &roost_api::openapi()["paths"][route.path][route.method];
    let scopes = operation["security"][0]["ApiKey"].as_array().expect("scopes are documented");
    assert_eq!(scopes.is_empty(), route.path == "/v1/account", "{}", route.path);
    scopes.first().map(|scope| scope.as_str().unwrap().parse().unwrap())
}

#[test]
fn the_table_has_every_route_and_no_other() {
    let document = roost_api::openapi();
    let mut documented = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"].is_array() {
                documented.push(format!("{method} {path}"));
            }
        }
    }
    let mut tabled: Vec<_> = rows().iter().map(|row| format!("{} {}", row.method, row.path)).collect();
    documented.sort();
    tabled.sort();
    assert_eq!(tabled, documented);
}

#[tokio::test]
async fn without_a_key_nothing_is_answered() {
    let api = Api::start().await;
    let things = things(&api).await;
    for row in rows() {
        let answer = api.send(request(row.method(), &row.path(&things), None, row.body())).await;
        answer.is_error(401, "authentication_error", "unauthorized");
        assert!(!answer.headers.contains_key("x-ratelimit-limit"));
    }
}

#[tokio::test]
async fn without_the_scope_nothing_is_done() {
    let api = Api::start().await;
    let things = things(&api).await;
    for row in rows() {
        let Some(missing) = scope(&row) else { continue };
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != missing).collect();
        let key = api.key(Style::Native, &others).await;
        let answer = api.send(request(row.method(), &row.path(&things), Some(&key), row.body())).await;
        answer.is_error(403, "authorization_error", "missing_scope");
        assert!(
            answer.message().contains(missing.name()),
            "{} {}: {}",
            row.method,
            row.path,
            answer.message()
        );
        assert!(answer.headers.contains_key("x-ratelimit-limit"));
    }
    assert_eq!(api.get(&format!("/v1/approvals/{}", things.approval)).await.data()["status"], "pending");
}

#[tokio::test]
async fn what_another_account_has_is_not_there() {
    let api = Api::start().await;
    let things = things(&api).await;
    let stranger = api.strangers_key().await;
    for row in rows().into_iter().filter(Route::is_named) {
        let answer = api.send(request(row.method(), &row.path(&things), Some(&stranger), row.body())).await;
        answer.is_error(404, "not_found_error", "not_found");
    }
    for path in ["/v1/agents", "/v1/approvals", "/v1/webhook-endpoints"] {
        let answer = api.send(request(Method::GET, path, Some(&stranger), None)).await;
        assert_eq!(answer.json()["pagination"]["total"], 0, "{path}");
    }
    let keys = api.send(request(Method::GET, "/v1/keys", Some(&stranger), None)).await;
    assert_eq!(keys.json()["pagination"]["total"], 1);
    let agent = api.get(&format!("/v1/agents/{}", things.agent)).await;
    assert_eq!(agent.data()["status"], "running", "a stranger changed something");
    for kind in ["policies", "permissions"] {
        let path = format!("/v1/{kind}/{}", things.agent);
        assert_eq!(api.get(&path).await.data()["version"], "1.0", "a stranger changed {kind}");
    }
    api.get(&format!("/v1/permissions/{}", things.bare)).await.is_error(
        404,
        "not_found_error",
        "permissions_not_found",
    );
}

#[tokio::test]
async fn what_nobody_has_is_not_there() {
    let api = Api::start().await;
    let things = things(&api).await;
    let nonsense = Things {
        // Can be no name of an agent that runs elsewhere either.
        agent: "n".repeat(201),
        bare: "n".repeat(201),
        scan: "scan_".to_owned(),
        session: "nope".to_owned(),
        turn: "turn_".to_owned(),
        approval: things.agent.clone(),
        key: "key_nope".to_owned(),
        sandbox: "sbx_nope".to_owned(),
        swarm: "nope".to_owned(),
        skill: "No_Name".to_owned(),
        run: "run_nope".to_owned(),
        snapshot: "snap_nope".to_owned(),
        endpoint: things.delivery.clone(),
        delivery: "msg_".to_owned(),
        memory: "nope".to_owned(),
        workflow_run: "wrun_nope".to_owned(),
        artifact: "art_nope".to_owned(),
        file: "file_nope".to_owned(),
    };
    for (row, number) in rows().into_iter().zip(0x0abc..).filter(|(row, _)| row.is_named()) {
        // Other names for each row, since some make what they name.
        let unknown = |text: &str| format!("{}{number:012x}", &text[..text.len() - 12]);
        let nobody = Things {
            agent: unknown(&things.agent),
            bare: unknown(&things.bare),
            scan: unknown(&things.scan),
            session: unknown(&things.session),
            turn: unknown(&things.turn),
            approval: unknown(&things.approval),
            key: unknown(&things.key),
            sandbox: unknown(&things.sandbox),
            swarm: unknown(&things.swarm),
            skill: unknown(&things.skill),
            run: unknown(&things.run),
            snapshot: unknown(&things.snapshot),
            endpoint: unknown(&things.endpoint),
            delivery: unknown(&things.delivery),
            memory: unknown(&things.memory),
            workflow_run: unknown(&things.workflow_run),
            artifact: unknown(&things.artifact),
            file: unknown(&things.file),
        };
        let ask = async |things: &Things| api.ask(row.method(), &row.path(things), row.body.clone()).await;
        let answer = ask(&nobody).await;
        match row.unknown {
            Unknown::NotFound(code) => answer.is_error(404, "not_found_error", code),
            Unknown::Conflict(code) => answer.is_error(409, "invalid_request_error", code),
            Unknown::Fine => assert!(answer.status.is_success(), "{} {}: {answer:?}", row.method, row.path),
        }
        ask(&nonsense).await.is_error(404, "not_found_error", "not_found");
        if row.path.contains("{snapshot}") {
            let snapshot = Things { snapshot: nobody.snapshot.clone(), ..things.clone() };
            ask(&snapshot).await.is_error(404, "not_found_error", "not_found");
        }
        if row.path.contains("{session}") {
            let session = Things { session: nobody.session.clone(), ..things.clone() };
            ask(&session).await.is_error(404, "not_found_error", "not_found");
        }
    }
}

#[tokio::test]
async fn malformed_bodies_and_queries_are_refused() {
    let api = Api::start().await;
    let things = things(&api).await;
    for row in rows() {
        let path = row.path(&things);
        if row.body.is_some() {
            for body in ["{\"name\": ", "[]", "\"text\"", "{\"nobody_knows\": 1}", "null"] {
                let answer =
                    api.send(request(row.method(), &path, Some(&api.key), Some(body.to_owned()))).await;
                answer.is_error(400, "invalid_request_error", "invalid_request");
            }
        }
        let operation = &roost_api::openapi()["paths"][row.path][row.method];
        if operation["parameters"].to_string().contains("\"query\"") {
            let body = row.body.clone();
            let answer = api.ask(row.method(), &format!("{path}?nobody_knows=1"), body).await;
            answer.is_error(400, "invalid_request_error", "invalid_request");
        }
    }
}

#[tokio::test]
async fn over_the_limit_nothing_is_done() {
    let api = Api::start().await;
    let things = things(&api).await;
    let mut options = generous();
    options.http.limits.requests = NonZeroU32::new(1).unwrap();
    let strict = Api { router: roost_api::router(api.app.core.clone(), options), ..api };
    assert_eq!(strict.get("/v1/agents").await.status, 200);
    for row in rows() {
        let answer = strict.ask(row.method(), &row.path(&things), row.body.clone()).await;
        answer.is_error(429, "rate_limit_error", "rate_limited");
        assert_eq!(answer.headers["retry-after"], "60", "{} {}", row.method, row.path);
        assert_eq!(answer.headers["x-ratelimit-remaining"], "0");
    }
    strict.app.clock.advance(Duration::from_secs(60));
    assert_eq!(strict.get("/v1/agents").await.data()[0]["status"], "running");
}
