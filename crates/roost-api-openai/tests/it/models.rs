use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn agents_and_models_are_listed_as_models() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    let list = api.get("/v1/models").await.ok();
    assert_eq!(list["object"], "list");
    let first = &list["data"][0];
    assert_eq!(first["id"], format!("agent:{agent}"));
    assert_eq!(
        (&first["object"], &first["owned_by"], &first["name"]),
        (&json!("model"), &json!("roost"), &json!("Ada"))
    );
    let others: Vec<_> =
        list["data"].as_array().unwrap()[1..].iter().map(|model| model["id"].clone()).collect();
    assert_eq!(others, [json!("paid/mid"), json!("test/echo"), json!("lexical/words")]);
}

#[tokio::test]
async fn a_model_is_found_by_id_by_an_agents_name_and_not_at_all() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await;
    let id = format!("agent:{agent}");
    for path in [
        format!("/v1/models/agent:{agent}"),
        "/v1/models/agent:Ada".to_owned(),
        "/v1/models/agent%3AAda".to_owned(),
    ] {
        assert_eq!(api.get(&path).await.ok()["id"], id, "{path}");
    }
    for path in ["/v1/models/test/echo", "/v1/models/test%2Fecho"] {
        assert_eq!(api.get(path).await.ok()["id"], "test/echo", "{path}");
    }
    for path in ["/v1/models/lexical/words", "/v1/models/words"] {
        assert_eq!(api.get(path).await.ok()["id"], "lexical/words", "{path}");
    }
    for path in [
        "/v1/models/agent:ada",
        "/v1/models/agent:%20%F0%9F%A6%80%20Ada",
        "/v1/models/gpt-5.5",
        "/v1/models/nobody/x",
    ] {
        api.get(path).await.is_error(404, "model_not_found");
    }
    let other = api.app.agent(json!({})).await;
    let message = api.get("/v1/models/agent:Ada").await.is_invalid("model");
    assert!(message.contains(&other.to_string()) && message.contains(&agent.to_string()), "{message}");
}
