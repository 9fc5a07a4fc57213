//! Skills over HTTP.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::Api;

async fn start() -> (Api, String) {
    let api = Api::start().await;
    let text = "---\nname: web-search\ndescription: Search the web.\ntitle: Web Search\nauthor: roost\ncategory: research\n\
                tags: search, web\nuse-cases: Research questions; Fact-checking\nenhanced-description: Finds it.\n---\n";
    api.app.skills.stock("web-search", "1.2.0", &[("SKILL.md", text), ("scripts/a.sh", "true")]);
    api.app.skills.stock("other", "1.0.0", &[]);
    let agent = api.app.agent(json!({})).await.to_string();
    (api, agent)
}

fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_marketplace_answers_as_agento_documents_it() {
    let (api, _) = start().await;
    let list = api.get("/v1/skills?search=WEB&category=research&page=1&pageSize=20").await.is(200).json();
    assert_eq!(list["pagination"], json!({"total": 1, "limit": 20, "offset": 0}));
    let skill = &list["data"][0];
    for (field, value) in [
        ("id", json!("web-search")),
        ("name", json!("Web Search")),
        ("description", json!("Search the web.")),
        ("author", json!("roost")),
        ("category", json!("research")),
        ("installCount", json!(0)),
        ("latestVersion", json!("1.2.0")),
        ("securityScore", json!(100)),
    ] {
        assert_eq!(skill[field], value, "{field}");
    }
    let one = api.get("/v1/skills/web-search").await.is(200).data();
    for (field, value) in [
        ("id", json!("web-search")),
        ("enhancedDescription", json!("Finds it.")),
        ("tags", json!(["search", "web"])),
        ("useCases", json!(["Research questions", "Fact-checking"])),
        ("toolCount", json!(1)),
        ("securityScore", json!(100)),
    ] {
        assert_eq!(one[field], value, "{field}");
    }
    let second = api.get("/v1/skills?page=2&pageSize=1").await.is(200).json();
    assert_eq!(second["pagination"], json!({"total": 2, "limit": 1, "offset": 1}));
    assert_eq!(second["data"][0]["id"], "web-search");
    assert_eq!(api.get("/v1/skills?page=9").await.is(200).data(), json!([]));
    for bad in ["page=0", "pageSize=0", "pageSize=101", "page=x", "trustLevel=best", "limit=5"] {
        api.get(&format!("/v1/skills?{bad}")).await.is_error(400, "invalid_request_error", "invalid_request");
    }
}

#[tokio::test]
async fn a_skill_is_installed_listed_and_uninstalled_as_agento_documents_it() {
    let (api, agent) = start().await;
    let path = format!("/v1/agents/{agent}/skills");
    let body = json!({"skillId": "web-search", "trustLevel": "verified"});
    let made = api.post(&path, body.clone()).await.is(201).data();
    assert!(made["id"].as_str().unwrap().starts_with("as_"), "{made}");
    for (field, value) in [
        ("skillId", json!("web-search")),
        ("name", json!("Web Search")),
        ("installedVersion", json!("1.2.0")),
        ("trustLevel", json!("verified")),
        ("isEnabled", json!(true)),
        ("needsRestart", json!(false)),
        ("status", json!("active")),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    api.post(&path, body).await.is_error(409, "invalid_request_error", "skill_installed");
    let list = api.get(&path).await.is(200).json();
    assert_eq!(list["pagination"], json!({"total": 1, "limit": 1, "offset": 0}));
    assert_eq!(list["data"][0]["id"], made["id"]);
    for field in ["skillId", "name", "installedVersion", "trustLevel", "isEnabled", "installedAt"] {
        assert!(fields(&list["data"][0]).contains(&field), "{field}");
    }
    assert_eq!(api.get("/v1/skills/web-search").await.data()["installCount"], 1);
    let one = format!("{path}/web-search");
    let off = api.ask(Method::PATCH, &one, Some(json!({"isEnabled": false}))).await.is(200).data();
    assert_eq!((&off["isEnabled"], &off["status"]), (&json!(false), &json!("disabled")));
    let latest = api.ask(Method::PATCH, &one, Some(json!({"version": "latest", "isEnabled": true}))).await;
    assert_eq!(latest.is(200).data()["status"], "active");
    let bad = api.ask(Method::PATCH, &one, Some(json!({"version": "1.0.0"}))).await;
    bad.is_error(400, "invalid_request_error", "invalid_request");
    let gone = api.ask(Method::DELETE, &one, None).await.is(200).data();
    assert_eq!(gone, json!({"skillId": "web-search", "uninstalled": true, "needsRestart": false}));
    api.ask(Method::DELETE, &one, None).await.is_error(404, "not_found_error", "not_found");
    assert_eq!(api.get(&path).await.data(), json!([]));
    for (body, field) in [
        (json!({"skillId": "../x", "trustLevel": "verified"}), "skillId"),
        (json!({"skillId": "web-search", "trustLevel": "best"}), "trustLevel"),
        (json!({"skillId": "web-search"}), "trustLevel"),
    ] {
        let answer = api.post(&path, body).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().contains(field), "{}", answer.message());
    }
    let none = json!({"skillId": "nobody-has-it", "trustLevel": "verified"});
    api.post(&path, none).await.is_error(404, "not_found_error", "not_found");
}

#[tokio::test]
async fn a_skill_of_ones_own_is_made_changed_read_and_deleted() {
    let (api, agent) = start().await;
    let text = "---\nname: mine\ndescription: Is mine.\n---\nDo it.\n";
    let body = json!({"files": {"SKILL.md": text, "a/data.bin": {"base64": "AAEC/w=="}}});
    let made = api.post("/v1/skills", body.clone()).await.is(201).data();
    assert_eq!((&made["id"], &made["latestVersion"]), (&json!("mine"), &json!("1.0.0")));
    assert_eq!(made["files"][1]["sizeBytes"], 4);
    assert_eq!(api.post("/v1/skills", body).await.is(200).data()["latestVersion"], "1.0.0");
    let changed = json!({"name": "Mine", "files": {"SKILL.md": text}});
    let changed = api.ask(Method::PUT, "/v1/skills/mine", Some(changed)).await.is(200).data();
    assert_eq!((&changed["latestVersion"], &changed["name"]), (&json!("1.0.1"), &json!("Mine")));
    let versions: Vec<&Value> =
        changed["versions"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(versions, ["1.0.1", "1.0.0"]);
    let file = api.get("/v1/skills/mine/files/SKILL.md").await;
    assert_eq!(
        (file.is(200).text.as_str(), &file.headers["content-type"]),
        (text, &"application/octet-stream".parse().unwrap())
    );
    assert_eq!(file.headers["x-content-type-options"], "nosniff");
    for path in ["none.md", "..%2F..%2Fetc%2Fpasswd", "a/data.bin"] {
        let answer = api.get(&format!("/v1/skills/mine/files/{path}")).await;
        answer.is_error(404, "not_found_error", "not_found");
    }
    let body = json!({"skillId": "mine", "trustLevel": "custom"});
    api.post(&format!("/v1/agents/{agent}/skills"), body).await.is(201);
    let gone = api.ask(Method::DELETE, "/v1/skills/mine", None).await.is(200).data();
    assert_eq!(gone, json!({"id": "mine", "deleted": true}));
    api.get("/v1/skills/mine").await.is_error(404, "not_found_error", "not_found");
    api.ask(Method::DELETE, "/v1/skills/web-search", None).await.is_error(
        404,
        "not_found_error",
        "not_found",
    );
    let taken = json!({"files": {"SKILL.md": "---\nname: web-search\ndescription: x\n---\n"}});
    api.post("/v1/skills", taken).await.is_error(409, "invalid_request_error", "skill_id_taken");
    for (body, code, word) in [
        (json!({"files": {"SKILL.md": text, "../x": "y"}}), "invalid_skill", "leads out"),
        (json!({"files": {"SKILL.md": text, "A": "1", "a": "2"}}), "invalid_skill", "kept apart"),
        (json!({"files": {"SKILL.md": text, "x": {"base64": "?"}}}), "invalid_request", "files.x.base64"),
        (json!({"files": {"SKILL.md": text, "x": 3}}), "invalid_request", "must be a text"),
        (json!({"files": {"SKILL.md": text}, "description": "z"}), "invalid_request", "leave it out"),
        (json!({"id": "Not A Name", "files": {"SKILL.md": text}}), "invalid_request", "id"),
        (json!({"name": "No words"}), "invalid_request", "description"),
    ] {
        let answer = api.post("/v1/skills", body).await;
        answer.is_error(400, "invalid_request_error", code);
        assert!(answer.message().contains(word), "{word}: {}", answer.message());
    }
}

#[tokio::test]
async fn a_skill_that_is_too_large_is_refused() {
    let (api, _) = start().await;
    let text = "---\nname: big\ndescription: Is big.\n---\n";
    let just = json!({"files": {"SKILL.md": text, "data": "x".repeat(5 * 1024 * 1024 - 200)}});
    api.post("/v1/skills", just).await.is(201);
    let more = json!({"files": {"SKILL.md": text, "data": "x".repeat(5 * 1024 * 1024)}});
    api.post("/v1/skills", more).await.is_error(400, "invalid_request_error", "invalid_skill");
    let far = json!({"files": {"SKILL.md": text, "data": "x".repeat(9 * 1024 * 1024)}});
    assert_eq!(api.post("/v1/skills", far).await.status, 413);
    let zip =
        Request::post("/v1/skills").header("X-API-Key", &api.key).header("Content-Type", "application/zip");
    let answer = api.send(zip.body(Body::from(vec![0; 9 * 1024 * 1024])).unwrap()).await;
    assert_eq!(answer.status, 413);
    let zip =
        Request::post("/v1/skills").header("X-API-Key", &api.key).header("Content-Type", "application/zip");
    let answer = api.send(zip.body(Body::from("no archive")).unwrap()).await;
    answer.is_error(400, "invalid_request_error", "invalid_skill");
}
