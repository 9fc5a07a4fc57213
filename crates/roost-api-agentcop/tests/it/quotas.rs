use std::time::Duration;

use roost_domain::key::Scope;
use roost_domain::plan::BuiltinPlan;
use serde_json::json;

use crate::support::Api;

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn the_free_plan_has_its_scans_in_any_24_hours() {
    let api = Api::under(BuiltinPlan::Free).await;
    let scan = async |n: u32| api.post("/api/scan", json!({"code": format!("x{n}")})).await;
    for n in 0..100 {
        if n == 60 {
            api.app.clock.advance(HOUR);
        }
        assert_eq!(scan(n).await.status, 200, "{n}");
    }
    let refused = scan(100).await;
    refused.is_error(429, "rate_limit_exceeded");
    assert_eq!(refused.headers["retry-after"], (23 * 3_600).to_string());
    api.app.clock.advance(HOUR * 23);
    for n in 100..160 {
        assert_eq!(scan(n).await.status, 200, "the first sixty count no more: {n}");
    }
    scan(160).await.is_error(429, "rate_limit_exceeded");
}

#[tokio::test]
async fn evaluations_and_approvals_are_counted_apart_and_by_key() {
    let api = Api::under(BuiltinPlan::Free).await;
    api.policy("bot", json!({"default": "allow", "require_approval": ["send"]})).await;
    for n in 0..500 {
        let asked = api.evaluate("bot", "send", json!({"n": n})).await;
        assert_eq!(asked["decision"], "require_approval");
    }
    let body = json!({"agent_id": "bot", "tool_name": "send", "parameters": {}});
    let refused = api.post("/api/gate/evaluate", body.clone()).await;
    refused.is_error(429, "rate_limit_exceeded");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(api.get("/api/approvals").await.ok()["total"], 500, "nothing was asked beyond the quota");
    let other = api.key(&Scope::ALL).await;
    let by_other = api.with_key(&other, axum::http::Method::POST, "/api/gate/evaluate", Some(body)).await;
    assert_eq!(by_other.status, 200);
}

#[tokio::test]
async fn enterprise_is_without_limits() {
    let api = Api::under(BuiltinPlan::Enterprise).await;
    for n in 0..110 {
        assert_eq!(api.post("/api/scan", json!({"code": format!("x{n}")})).await.status, 200);
    }
}
