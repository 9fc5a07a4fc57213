use axum::http::Method;
use insta::assert_json_snapshot;
use roost_domain::key::{Scope, Style};
use roost_testkit::Reply;
use serde_json::json;

use crate::support::{Answer, Api, request};

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

fn csv(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    answer.text.lines().map(str::to_owned).collect()
}

/// An agent with two peers, one of whom has it use a tool.
async fn busy(api: &Api) -> String {
    let agent = api.app.agent_of("paid/large", json!({})).await.id.to_string();
    let path = format!("/v1/agents/{agent}/chat/messages");
    api.post(&path, json!({"message": "Hi", "peerId": "ann"})).await.is(200);
    let call = ("shell", json!({"command": "ls"}));
    api.app.models.when("look", [Reply::Use("", vec![call]), Reply::Say(vec!["Done."])]);
    api.post(&path, json!({"message": "look", "peerId": "ben"})).await.is(200);
    agent
}

#[tokio::test]
async fn usage_is_told_apart_by_whatever_is_asked_for() {
    let api = Api::start().await;
    let agent = busy(&api).await;
    let by = async |group: &str| api.get(&format!("/v1/usage?groupBy={group}")).await.data()["rows"].clone();
    let peers = by("peer").await;
    let shown: Vec<_> = peers
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (row["peer"].as_str(), row["calls"].as_u64(), row["turns"].as_u64(), row["toolCalls"].as_u64())
        })
        .collect();
    let expected =
        [(Some("peer:ann"), Some(1), Some(1), Some(0)), (Some("peer:ben"), Some(2), Some(1), Some(1))];
    assert_eq!(shown, expected);
    assert!(peers[0].get("day").is_none() && peers[0].get("model").is_none());
    let days = by("day").await;
    assert_eq!(
        (&days[0]["day"], &days[0]["turns"], &days[0]["inputTokens"]),
        (&json!("2026-02-10"), &json!(2), &json!(300))
    );
    assert_eq!(by("model,agent").await[0]["agentId"], agent);
    assert_eq!(by("model").await[0]["model"], "paid/large");
    let refused = api.get("/v1/usage?groupBy=hour").await;
    refused.is_error(400, "invalid_request_error", "invalid_request");
    assert!(refused.message().contains("day, agent, model or peer"));
}

#[tokio::test]
async fn usage_comes_in_pages_and_as_a_table() {
    let api = Api::start().await;
    busy(&api).await;
    let first = api.get("/v1/usage?groupBy=peer&limit=1").await;
    let pagination = first.json()["pagination"].clone();
    assert_eq!((&pagination["total"], &first.data()["total"]["calls"]), (&json!(2), &json!(3)));
    let cursor = pagination["nextCursor"].as_str().unwrap().to_owned();
    let second = api.get(&format!("/v1/usage?groupBy=peer&limit=1&cursor={cursor}")).await;
    assert_eq!(second.data()["rows"][0]["peer"], "peer:ben");
    assert!(second.json()["pagination"].get("nextCursor").is_none());
    api.get("/v1/usage?cursor=nonsense").await.is(400);

    let table = api.get("/v1/usage?groupBy=peer&format=csv").await;
    let expected = [
        "peer,calls,inputTokens,cachedTokens,cacheWrittenTokens,outputTokens,costMicroUsd,turns,toolCalls,machineSeconds",
        "peer:ann,1,100,40,0,20,264,1,0,0.000",
        "peer:ben,2,200,80,0,40,528,1,1,0.000",
    ];
    assert_eq!(csv(&table), expected);
    assert!(!table.headers.contains_key("x-next-cursor"));
    let mut asked = request(Method::GET, "/v1/usage?groupBy=peer&limit=1", Some(&api.key), None);
    asked.headers_mut().insert("accept", "text/csv".parse().unwrap());
    let table = api.send(asked).await;
    assert_eq!(csv(&table), expected[..2]);
    assert_eq!(table.headers["x-next-cursor"], cursor.as_str());
    api.get("/v1/usage?format=xml").await.is_error(400, "invalid_request_error", "invalid_request");
}

#[tokio::test]
async fn an_agents_usage_is_its_own() {
    let api = Api::start().await;
    let busy = busy(&api).await;
    let other = api.app.agent(json!({})).await.to_string();
    api.say(&other, "Hi").await;
    let of = async |agent: &str| api.get(&format!("/v1/agents/{agent}/usage?groupBy=agent")).await.data();
    assert_eq!(
        (&of(&busy).await["total"]["calls"], &of(&other).await["total"]["calls"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(of(&busy).await["rows"].as_array().unwrap().len(), 1);
    let key = api.key(Style::Gopilot, &[Scope::AgentsRead]).await;
    let path = format!("/v1/agents/{busy}/usage");
    api.send(request(Method::GET, &path, Some(&key), None)).await.is(403);
    api.app.core.agents().delete(&api.app.ctx(), busy.parse().unwrap()).await.unwrap();
    api.get(&path).await.is(404);
    let kept = api.get(&format!("/v1/usage?agentId={busy}")).await.data();
    assert_eq!(kept["total"]["calls"], 3, "what a deleted agent used is still told");
}
