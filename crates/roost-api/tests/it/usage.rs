use insta::assert_json_snapshot;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn usage_is_told_by_day_agent_and_model_with_its_sum() {
    let api = Api::start().await;
    let agent = api.app.agent_of("paid/large", json!({})).await.id.to_string();
    api.say(&agent, "Hi").await;
    api.app.clock.advance(std::time::Duration::from_secs(86_400));
    api.say(&agent, "Ho").await;
    assert_json_snapshot!(api.get("/v1/usage").await.shown());
    let first = api.get("/v1/usage?to=2026-02-10").await.data();
    assert_eq!((&first["total"]["calls"], &first["from"]), (&json!(1), &json!("2026-01-12")));
    let other = api.get("/v1/usage?agentId=00000000-0000-7000-8000-000000000009").await.data();
    assert_eq!(other["rows"], json!([]));
}

#[tokio::test]
async fn wrong_days_are_told() {
    let api = Api::start().await;
    for (query, message) in [
        ("from=yesterday", "from must be a day like 2026-01-31"),
        ("from=2026-02-10&to=2026-02-01", "to is before from (2026-02-01 < 2026-02-10)"),
        ("from=2020-01-01", "from may be at most 366 days before to"),
        ("agentId=7", "agentId \"7\" is not an agent id (a UUID)"),
    ] {
        let answer = api.get(&format!("/v1/usage?{query}")).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert_eq!(answer.message(), message);
    }
}
