use axum::http::Method;
use roost_domain::event::TurnEvent;
use roost_domain::key::{Scope, Style};
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Answer, Api, request};

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async fn agent(api: &Api) -> String {
    let new = json!({"name": "Eve", "model": "test/echo", "soulMd": "Kind.", "workflowMd": "Help."});
    api.post("/v1/agents", new).await.data()["id"].as_str().unwrap().to_owned()
}

async fn put(api: &Api, path: &str, body: Value) -> Answer {
    api.ask(Method::PUT, path, Some(body)).await
}

#[tokio::test]
async fn a_personality_is_replaced_only_by_whoever_saw_the_present_one() {
    let api = Api::start().await;
    let path = format!("/v1/agents/{}/personality", agent(&api).await);
    let before = api.get(&path).await.data();
    assert_eq!(
        (&before["soulMd"], &before["identityMd"]),
        (&json!("Kind."), &json!("# IDENTITY.md\n\n- **Name:** Eve"))
    );
    assert_eq!(before["soulMdHash"], "f9fcd6e31bd6311467d29894fae0db1c16acb84bfe9cfb30b666ea77eec43b69");
    assert!(before["soulMdUpdatedAt"].as_str().unwrap().ends_with('Z'));

    let body = json!({"soulMd": "Strict.", "expectedHash": before["soulMdHash"]});
    let written = put(&api, &path, body.clone()).await.data();
    assert_eq!((&written["soulMd"], &written["needsRestart"]), (&json!("Strict."), &json!(true)));
    assert!(written.get("identityMd").is_none());
    assert_ne!(written["soulMdHash"], before["soulMdHash"]);

    let refused = put(&api, &path, body).await;
    refused.is(409);
    assert_eq!(refused.json()["error"]["code"], "hash_mismatch");
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(written["soulMdHash"].as_str().unwrap()), "{message}");

    let both = json!({
        "soulMd": "Never.", "expectedHash": written["soulMdHash"],
        "identityMd": "Eva.", "expectedIdentityHash": EMPTY,
    });
    put(&api, &path, both).await.is(409);
    assert_eq!(api.get(&path).await.data()["soulMd"], "Strict.", "all of it or nothing");
    let both =
        json!({"soulMd": "Calm.", "identityMd": "Eva.", "expectedIdentityHash": before["identityMdHash"]});
    assert_eq!(put(&api, &path, both).await.data()["identityMd"], "Eva.");
}

#[tokio::test]
async fn what_cannot_be_a_document_is_refused_by_its_field() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let long = "ä".repeat(24_001);
    for (path, body, message) in [
        ("personality", json!({}), "soulMd"),
        ("personality", json!({"soulMd": long}), "soulMd has 48002 bytes; at most 48000 are allowed"),
        ("personality", json!({"soulMd": "a", "identityMd": long}), "identityMd has 48002 bytes"),
        ("personality", json!({"soulMd": "a", "expectedHash": "abc"}), "expectedHash must be a SHA-256"),
        (
            "personality",
            json!({"soulMd": "a", "expectedIdentityHash": EMPTY}),
            "expectedIdentityHash is of no use",
        ),
        ("workflow", json!({"workflowMd": long}), "workflowMd has 48002 bytes"),
        ("workflow", json!({"workflow": "x"}), "workflow"),
        ("rules/a", json!({"content": long}), "content has 48002 bytes"),
        ("rules/a.md", json!({"content": "x"}), "without .md"),
        ("rules/a%20b", json!({"content": "x"}), "letters, digits, hyphens and underscores"),
        (&format!("rules/{}", "a".repeat(65)), json!({"content": "x"}), "1 to 64"),
    ] {
        let refused = put(&api, &format!("/v1/agents/{id}/{path}"), body).await;
        refused.is(400);
        let said = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains(message), "{path}: {said}");
    }
    put(&api, &format!("/v1/agents/{id}/rules/a"), json!({"content": "x".repeat(48_000)})).await.is(200);
}

#[tokio::test]
async fn a_workflow_is_read_and_written_with_its_rules_whatever_the_agent_is_doing() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let path = |part: &str| format!("/v1/agents/{id}/{part}");
    assert_eq!(api.get(&path("workflow")).await.data()["rules"], json!([]));
    let made = put(&api, &path("rules/new-request"), json!({"content": "Größe"})).await.data();
    assert_eq!((&made["name"], &made["needsRestart"]), (&json!("new-request"), &json!(true)));
    put(&api, &path("rules/Daily_1"), json!({"content": ""})).await.is(200);
    let rules = api.get(&path("rules")).await.data();
    assert_eq!(rules, json!({"rules": [{"name": "Daily_1", "size": 0}, {"name": "new-request", "size": 7}]}));
    let workflow = api.get(&path("workflow")).await.data();
    assert_eq!(
        (&workflow["workflowMd"], &workflow["rules"]),
        (&json!("Help."), &json!(["Daily_1.md", "new-request.md"]))
    );
    let rule = api.get(&path("rules/new-request")).await.data();
    assert_eq!((&rule["name"], &rule["content"]), (&json!("new-request"), &json!("Größe")));

    api.post(&path("stop"), json!({})).await.is(200);
    assert_eq!(api.get(&path("workflow")).await.data()["workflowMd"], "Help.", "it need not run");
    let stale =
        api.ask(Method::DELETE, &format!("{}?expectedHash={EMPTY}", path("rules/new-request")), None).await;
    stale.is(409);
    let gone = api.ask(Method::DELETE, &path("rules/new-request"), None).await.data();
    assert_eq!(gone, json!({"name": "new-request", "deleted": true, "needsRestart": true}));
    api.get(&path("rules/new-request")).await.is(404);
    api.ask(Method::DELETE, &path("rules/new-request"), None).await.is(404);
    api.post(&path("start"), json!({})).await.is(200);
    assert_eq!(api.get(&path("")[..path("").len() - 1]).await.data()["needsRestart"], false);
    let same = put(&api, &path("workflow"), json!({"workflowMd": "Help."})).await.data();
    assert_eq!(same["needsRestart"], false, "nothing was changed");
    let changed = put(&api, &path("workflow"), json!({"workflowMd": "Help more."})).await.data();
    assert_eq!((&changed["workflowMd"], &changed["needsRestart"]), (&json!("Help more."), &json!(true)));
}

#[tokio::test]
async fn an_agent_has_at_most_100_rules() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let rule = |number: usize| format!("/v1/agents/{id}/rules/r{number}");
    for number in 0..100 {
        put(&api, &rule(number), json!({"content": "x"})).await.is(200);
    }
    let refused = put(&api, &rule(100), json!({"content": "x"})).await;
    refused.is(403);
    assert_eq!(refused.json()["error"]["code"], "too_many_rules");
    put(&api, &rule(7), json!({"content": "y"})).await.is(200);
    api.ask(Method::DELETE, &rule(7), None).await.is(200);
    put(&api, &rule(100), json!({"content": "x"})).await.is(200);
    let restore = json!({"version": 1});
    let refused = api.post(&format!("/v1/agents/{id}/documents/rules:r7.md/restore"), restore).await;
    assert_eq!(refused.json()["error"]["code"], "too_many_rules");
}

#[tokio::test]
async fn every_version_can_be_listed_compared_and_restored() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let path = |part: &str| format!("/v1/agents/{id}/{part}");
    for text in ["a\nb\nc\n", "a\nB\nc\n"] {
        put(&api, &path("rules/steps"), json!({"content": text})).await.is(200);
    }
    api.ask(Method::DELETE, &path("rules/steps"), None).await.is(200);
    let documents = api.get(&path("documents")).await.data();
    let shown: Vec<_> =
        documents.as_array().unwrap().iter().map(|one| (&one["id"], &one["deleted"])).collect();
    let (yes, no) = (json!(true), json!(false));
    let ids = [json!("IDENTITY.md"), json!("SOUL.md"), json!("WORKFLOW.md"), json!("rules:steps.md")];
    assert_eq!(shown, [(&ids[0], &no), (&ids[1], &no), (&ids[2], &no), (&ids[3], &yes)]);

    let first = api.get(&path("documents/rules:steps.md/versions?limit=2")).await;
    let numbers = |answer: &Answer| {
        answer
            .data()
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["version"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&first), [3, 2]);
    assert_eq!((&first.data()[0]["deleted"], &first.data()[0]["size"]), (&json!(true), &json!(null)));
    assert_eq!((&first.data()[1]["updatedBy"], &first.data()[1]["size"]), (&json!("key:test"), &json!(6)));
    let cursor = first.json()["pagination"]["nextCursor"].as_str().unwrap().to_owned();
    let second =
        api.get(&path(&format!("documents/rules%2Fsteps.md/versions?limit=2&cursor={cursor}"))).await;
    assert_eq!((numbers(&second), second.json()["pagination"]["total"].as_u64()), (vec![1], Some(3)));

    let version = api.get(&path("documents/rules:steps.md/versions/1")).await.data();
    assert_eq!((&version["content"], &version["name"]), (&json!("a\nb\nc\n"), &json!("rules/steps.md")));
    api.get(&path("documents/rules:steps.md/versions/4")).await.is(404);
    api.get(&path("documents/NOTES.md/versions")).await.is(404);
    api.get(&path("documents/rules:other.md/diff")).await.is(404);

    let diff = api.get(&path("documents/rules:steps.md/diff?from=1&to=2")).await.data();
    let expected =
        "--- rules/steps.md (version 1)\n+++ rules/steps.md (version 2)\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";
    assert_eq!(diff["diff"], expected);
    let diff = api.get(&path("documents/rules:steps.md/diff")).await.data();
    assert_eq!((&diff["from"], &diff["to"]), (&json!(2), &json!(3)));
    assert!(diff["diff"].as_str().unwrap().ends_with("-a\n-B\n-c\n"), "{diff}");
    let diff = api.get(&path("documents/SOUL.md/diff")).await.data();
    assert_eq!((&diff["from"], &diff["to"]), (&json!(0), &json!(1)));

    let restore = path("documents/rules:steps.md/restore");
    let stale = json!({"version": 1, "expectedHash": version["hash"]});
    assert_eq!(api.post(&restore, stale).await.json()["error"]["code"], "hash_mismatch");
    api.post(&restore, json!({"version": 3})).await.is(400);
    let restored = api.post(&restore, json!({"version": 1, "expectedHash": EMPTY})).await.data();
    assert_eq!((&restored["version"], &restored["content"]), (&json!(4), &json!("a\nb\nc\n")));
    assert_eq!(api.get(&path("rules/steps")).await.data()["content"], "a\nb\nc\n");
    let latest = api.get(&path("documents/rules:steps.md/versions?limit=1")).await.data();
    assert_eq!(latest[0]["note"], "restored from version 1");
}

#[tokio::test]
async fn reading_needs_agents_read_and_writing_agents_write() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let reader = api.key(Style::Agento, &[Scope::AgentsRead]).await;
    let writer = api.key(Style::Agento, &[Scope::AgentsWrite]).await;
    for (part, body) in [
        ("personality", json!({"soulMd": "x"})),
        ("workflow", json!({"workflowMd": "x"})),
        ("rules/a", json!({"content": "x"})),
    ] {
        let path = format!("/v1/agents/{id}/{part}");
        let body = Some(body.to_string());
        api.send(request(Method::PUT, &path, Some(&reader), body.clone())).await.is(403);
        api.send(request(Method::PUT, &path, Some(&writer), body)).await.is(200);
        api.send(request(Method::GET, &path, Some(&writer), None)).await.is(403);
        api.send(request(Method::GET, &path, Some(&reader), None)).await.is(200);
    }
}

#[tokio::test]
async fn what_an_agent_proposes_takes_effect_when_a_person_approves_it() {
    let api = Api::start().await;
    let id = agent(&api).await;
    let propose = json!({"document": "SOUL.md", "content": "Kind and brief.", "reason": "Ann asked me to."});
    let wants = Reply::Use("", vec![("change_document", propose)]);
    api.app.models.when("be brief", [wants, Reply::Say(vec!["Done."])]);
    let agent = id.parse().unwrap();
    let posted = api.app.post(agent, "be brief").await;
    let asked = |event: &TurnEvent| matches!(event, TurnEvent::ApprovalRequested { .. });
    api.app.until(agent, &posted, asked).await;
    let approval = api.get("/v1/approvals?status=pending").await.data()[0].clone();
    let summary = approval["summary"].as_str().unwrap();
    assert!(
        summary.contains("Ann asked me to.")
            && summary.contains("-Kind.")
            && summary.contains("+Kind and brief."),
        "{summary}"
    );
    assert_eq!(api.get(&format!("/v1/agents/{id}/personality")).await.data()["soulMd"], "Kind.");
    let approve = format!("/v1/approvals/{}/approve", approval["id"].as_str().unwrap());
    api.post(&approve, json!({})).await.is(200);
    let ended = |event: &roost_domain::event::TurnEvent| {
        matches!(event, roost_domain::event::TurnEvent::Ended { .. })
    };
    api.app.until(agent, &posted, ended).await;
    assert_eq!(api.get(&format!("/v1/agents/{id}/personality")).await.data()["soulMd"], "Kind and brief.");
    let versions = api.get(&format!("/v1/agents/{id}/documents/SOUL.md/versions")).await.data();
    assert_eq!(
        (&versions[0]["updatedBy"], &versions[0]["note"]),
        (&json!("agent"), &json!("Ann asked me to."))
    );
}
