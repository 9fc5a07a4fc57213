use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn code_is_scanned_and_the_scan_can_be_read_again() {
    let api = Api::start().await;
    let body = json!({"code": "one\nFINDS CRITICAL\n", "filename": "agent.py", "framework": "langchain"});
    let made = api.post("/v1/scans", body.clone()).await;
    assert_json_snapshot!("scanned", made.shown());
    let id = made.data()["id"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&format!("/v1/scans/{id}")).await.data(), made.data());
    assert_eq!(
        api.post("/v1/scans", body).await.data()["id"],
        made.data()["id"],
        "the same code, the same scan"
    );
}

#[tokio::test]
async fn what_cannot_be_scanned_is_refused() {
    let api = Api::start().await;
    let long = api.post("/v1/scans", json!({"code": "x".repeat(100 * 1024 + 1)})).await;
    long.is_error(413, "invalid_request_error", "scan_failed");
    for (body, field) in [
        (json!({"code": " "}), "code"),
        (json!({"code": "x", "framework": "cobol"}), "framework"),
        (json!({"code": "x", "filename": ""}), "filename"),
    ] {
        let answer = api.post("/v1/scans", body).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(field), "{}", answer.message());
    }
}
