use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, Api, request};

fn issues(code: &str) -> Value {
    json!({"code": code, "description": "a test", "agent_name": "bot", "framework": "langchain"})
}

#[tokio::test]
async fn a_scan_answers_as_documented_and_can_be_read_again() {
    let api = Api::start().await;
    let scanned = api.post("/api/scan", issues("x = 1\ny # FINDS HIGH\nz # FINDS MEDIUM")).await.ok();
    assert!(scanned["scan_id"].as_str().unwrap().starts_with("scan_"));
    assert_eq!((&scanned["trust_score"], &scanned["risk_level"]), (&json!(77), &json!("MODERATE")));
    assert_eq!(scanned["total_issues"], 2);
    assert_eq!(
        scanned["issues"][0],
        json!({
            "id": "issue_001", "type": "LLM02_INSECURE_OUTPUT", "severity": "HIGH", "description": "It says so",
            "line": 2, "code_snippet": "y # FINDS HIGH", "fix": "Do not say so", "owasp": "LLM02", "cwe": "CWE-95",
            "rule": "TEST",
        })
    );
    assert!(scanned["scan_time_ms"].is_u64() && scanned["share_url"].is_string());
    assert_eq!(scanned["created_at"], "2026-02-10T14:00:00.000Z");
    assert!(scanned.get("files_scanned").is_none());
    let path = format!("/api/v1/scan/{}", scanned["scan_id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.ok(), scanned);
}

#[tokio::test]
async fn identical_code_gives_the_cached_result() {
    let api = Api::start().await;
    let first = api.post("/api/scan", json!({"code": "a FINDS LOW"})).await.ok();
    api.app.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(api.post("/api/scan", json!({"code": "a FINDS LOW"})).await.ok(), first);
    let other = api.post("/api/scan", json!({"code": "a FINDS LOW "})).await.ok();
    assert_ne!(other["scan_id"], first["scan_id"]);
    let framework = api.post("/api/scan", json!({"code": "a FINDS LOW", "framework": "crewai"})).await.ok();
    assert_ne!(framework["scan_id"], first["scan_id"]);
}

#[tokio::test]
async fn the_score_and_its_bands_are_those_of_the_documents() {
    let api = Api::start().await;
    for (code, score, risk) in [
        ("nothing", 100, "SAFE"),
        ("FINDS INFO", 100, "LOW"),
        ("FINDS LOW\nFINDS MEDIUM", 89, "LOW"),
        ("FINDS CRITICAL\nFINDS HIGH", 60, "MODERATE"),
        ("FINDS CRITICAL\nFINDS CRITICAL", 50, "HIGH"),
        ("FINDS CRITICAL\nFINDS CRITICAL\nFINDS CRITICAL", 25, "CRITICAL"),
        ("FINDS CRITICAL\n FINDS CRITICAL\nFINDS CRITICAL\nFINDS CRITICAL\nFINDS CRITICAL", 0, "CRITICAL"),
    ] {
        let scanned = api.post("/api/scan", json!({"code": code})).await.ok();
        assert_eq!(
            (&scanned["trust_score"], &scanned["risk_level"]),
            (&json!(score), &json!(risk)),
            "{code}"
        );
    }
}

#[tokio::test]
async fn code_over_its_limit_is_refused_as_documented() {
    let api = Api::start().await;
    let most = "x".repeat(100 * 1024);
    assert_eq!(api.post("/api/scan", json!({"code": most})).await.status, 200);
    for code in ["x".repeat(100 * 1024 + 1), "x".repeat(2_000_000)] {
        let refused = api.post("/api/scan", json!({"code": code})).await;
        refused.is_error(413, "scan_failed");
        assert_eq!(refused.message(), "Code too large to scan (max 100KB)");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_scan_is_named() {
    let api = Api::start().await;
    for (body, field) in [
        (json!({}), "code"),
        (json!({"code": ""}), "code"),
        (json!({"code": 7}), "code"),
        (json!({"code": "x", "framework": "django"}), "framework"),
        (json!({"code": "x", "description": "y".repeat(2_001)}), "description"),
        (json!({"code": "x", "colour": 1}), "colour"),
    ] {
        let refused = api.post("/api/scan", body).await;
        refused.is_error(400, "invalid_request");
        assert!(refused.message().contains(field), "{}", refused.message());
    }
    api.get("/api/scan/scan_nope").await.is_error(404, "not_found");
}

fn upload(key: &str, parts: &[(&str, &[u8])]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head =
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.zip\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--B--\r\n");
    Request::post("/api/scan/zip")
        .header("X-AgentCop-Key", key)
        .header("Content-Type", "multipart/form-data; boundary=B")
        .body(Body::from(body))
        .unwrap()
}

async fn sent(api: &Api, parts: &[(&str, &[u8])]) -> Answer {
    api.send(upload(&api.key, parts)).await
}

#[tokio::test]
async fn archives_are_refused_with_their_reason_and_nothing_is_kept() {
    let api = Api::start().await;
    let refused = sent(&api, &[("file", b"this is no archive")]).await;
    refused.is_error(400, "scan_failed");
    let refused = sent(&api, &[("file", &vec![0; 10 * 1024 * 1024 + 1])]).await;
    refused.is_error(413, "scan_failed");
    assert_eq!(refused.message(), "Archive too large to scan (max 10MB)");
    let refused = sent(&api, &[("file", &vec![0; 11 * 1024 * 1024])]).await;
    refused.is_error(413, "scan_failed");
    sent(&api, &[("description", b"x")]).await.is_error(400, "invalid_request");
    sent(&api, &[("files", b"x")]).await.is_error(400, "invalid_request");
    sent(&api, &[("framework", b"django"), ("file", b"x")]).await.is_error(400, "invalid_request");
    let json = request(Method::POST, "/api/scan/zip", Some(&api.key), Some("{}".to_owned()));
    api.send(json).await.is_error(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_badge_shows_the_score_in_its_colour_to_everybody() {
    let api = Api::start().await;
    for (code, colour, text) in [
        ("nothing", "#10b891", "100/100 SAFE"),
        ("FINDS LOW", "#10b891", "97/100 LOW RISK"),
        ("FINDS CRITICAL", "#f59e0b", "75/100 MODERATE"),
        ("FINDS CRITICAL\nFINDS CRITICAL", "#f97316", "50/100 HIGH RISK"),
        ("FINDS CRITICAL\nFINDS CRITICAL\nFINDS CRITICAL", "#ef4444", "25/100 CRITICAL"),
    ] {
        let scanned = api.post("/api/scan", json!({"code": code})).await.ok();
        let id = scanned["scan_id"].as_str().unwrap();
        for prefix in ["/api", "/api/v1"] {
            let badge = api.send(request(Method::GET, &format!("{prefix}/badge/{id}"), None, None)).await;
            assert_eq!(badge.status, 200);
            assert_eq!(badge.headers["content-type"], "image/svg+xml");
            assert_eq!(badge.headers["cache-control"], "max-age=3600");
            assert!(badge.text.starts_with("<svg ") && badge.text.contains(colour), "{}", badge.text);
            assert!(badge.text.contains(text), "{}", badge.text);
        }
    }
    let nobody = request(Method::GET, "/api/badge/scan_00000000000070008000000000000000", None, None);
    api.send(nobody).await.is_error(404, "not_found");
}

#[tokio::test]
async fn scans_are_kept_as_long_as_the_plan_says() {
    let api = Api::under(roost_domain::plan::BuiltinPlan::Free).await;
    let scanned = api.post("/api/scan", json!({"code": "x"})).await.ok();
    let path = format!("/api/scan/{}", scanned["scan_id"].as_str().unwrap());
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    api.app.clock.advance(day * 89);
    assert_eq!(api.app.core.scans().expire().await.unwrap(), 0);
    assert_eq!(api.get(&path).await.status, 200);
    api.app.clock.advance(day * 2);
    api.app.core.scans().expire().await.unwrap();
    api.get(&path).await.is_error(404, "not_found");
}
