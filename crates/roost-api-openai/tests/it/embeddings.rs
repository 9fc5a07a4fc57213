use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use roost_core::{Dimension, ListUsage};
use roost_domain::knowledge::lexical_vector;
use roost_domain::page::Limit;
use roost_testkit::{TestApp, TestEmbedder};
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const MODEL: &str = "lexical/words";

async fn embed(api: &Api, change: Value) -> Answer {
    let mut body = json!({"model": MODEL, "input": "blue cheese"});
    let change = change.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(change);
    api.post("/v1/embeddings", body).await
}

fn floats(embedding: &Value) -> Vec<f32> {
    serde_json::from_value(embedding.clone()).unwrap()
}

#[tokio::test]
async fn texts_become_vectors_in_their_order() {
    let api = Api::start().await;
    let list: Vec<String> = (0..250).map(|n| format!("text number {n}")).collect();
    let answer = embed(&api, json!({"input": list, "user": "ann", "dimensions": 128})).await.ok();
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!(MODEL)));
    let data = answer["data"].as_array().unwrap();
    assert_eq!(data.len(), 250, "more than the embedder takes at once");
    for (place, (item, text)) in data.iter().zip(&list).enumerate() {
        assert_eq!((&item["object"], &item["index"]), (&json!("embedding"), &json!(place)));
        assert_eq!(floats(&item["embedding"]), lexical_vector(text, 128).numbers(), "{text}");
    }
    let tokens: usize = list.iter().map(|text| text.len().div_ceil(3)).sum();
    assert_eq!(answer["usage"], json!({"prompt_tokens": tokens, "total_tokens": tokens}));
    let one = embed(&api, json!({"model": "words"})).await.ok();
    assert_eq!((one["data"].as_array().unwrap().len(), &one["model"]), (1, &json!(MODEL)));
}

#[tokio::test]
async fn base64_holds_the_same_numbers() {
    let api = Api::start().await;
    let plain = embed(&api, json!({"encoding_format": "float"})).await.ok();
    let packed = embed(&api, json!({"encoding_format": "base64"})).await.ok();
    let bytes = STANDARD.decode(packed["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let (numbers, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    let numbers: Vec<f32> = numbers.iter().map(|four| f32::from_le_bytes(*four)).collect();
    assert_eq!(numbers, floats(&plain["data"][0]["embedding"]));
    assert!(numbers.iter().any(|number| *number != 0.0));
}

#[tokio::test]
async fn what_cannot_be_embedded_is_refused_and_named() {
    let api = Api::start().await;
    let (many, long) = (vec!["x"; 2_049], "x".repeat(3 * 8_192 + 1));
    let heavy = vec!["x".repeat(3 * 8_192); 37];
    for (change, param) in [
        (json!({"input": []}), "input"),
        (json!({"input": null}), "input"),
        (json!({"input": {"text": "x"}}), "input"),
        (json!({"input": ["x", true]}), "input"),
        (json!({"input": many}), "input"),
        (json!({"input": heavy}), "input"),
        (json!({"input": ""}), "input[0]"),
        (json!({"input": ["x", " \n"]}), "input[1]"),
        (json!({"input": ["x", "y", long]}), "input[2]"),
        (json!({"dimensions": 64}), "dimensions"),
        (json!({"dimensions": 0}), "dimensions"),
        (json!({"encoding_format": "int8"}), "encoding_format"),
    ] {
        embed(&api, change).await.is_invalid(param);
    }
    for tokens in [json!([1, 2, 3]), json!([[1, 2], [3]]), json!(["x", 3])] {
        let message = embed(&api, json!({"input": tokens})).await.is_invalid("input");
        assert!(message.contains("tokens") && message.contains("texts"), "{message}");
    }
    let message = embed(&api, json!({"dimensions": 64})).await.is_invalid("dimensions");
    assert!(message.contains("128"), "{message}");
    for model in ["text-embedding-3-small", "openai/words", "test/echo", "agent:Ada", ""] {
        let answer = embed(&api, json!({"model": model})).await;
        let message = answer.is_error(404, "model_not_found");
        assert!(message.contains(MODEL) && answer.json()["error"]["param"] == "model", "{answer:?}");
    }
    assert_eq!(api.app.embedder.embedded(), 0);
    let most = vec!["x"; 2_048];
    assert_eq!(embed(&api, json!({"input": most})).await.ok()["data"].as_array().unwrap().len(), 2_048);
}

#[tokio::test]
async fn an_embedder_that_is_not_there_is_an_error_of_the_server() {
    let api = Api::start().await;
    api.app.embedder.fail(true);
    let answer = embed(&api, json!({})).await;
    answer.is_error(503, "embedder_unavailable");
    assert_eq!(answer.json()["error"]["type"], "server_error");
}

#[tokio::test]
async fn a_models_name_can_be_written_whatever_its_directory_is_called() {
    let embedder = TestEmbedder::named("my model \u{e9}", 16);
    let api = Api::over(TestApp::builder().embedder(embedder).build().await);
    assert_eq!(embed(&api, json!({"model": "lexical/my-model--"})).await.ok()["model"], "lexical/my-model--");
    api.get("/v1/models/lexical/my-model--").await.ok();
}

#[tokio::test]
async fn permissions_of_the_account_hold_and_usage_is_counted() {
    let api = Api::start().await;
    embed(&api, json!({"input": ["abc", "defg"]})).await.ok();
    let today = api.app.core.now().to_zoned(TimeZone::UTC).date();
    let (by, limit) = (vec![Dimension::Model], Limit::clamped(10, 10));
    let list = ListUsage { agent: None, from: today, to: today, by, after: None, limit };
    let rows = api.app.core.usage().list(&api.app.ctx(), list).await.unwrap().page.rows;
    assert_eq!(rows.len(), 1);
    let used = &rows[0].amounts;
    assert_eq!((rows[0].key.model.as_str(), used.calls, used.usage.input.0), (MODEL, 1, 3));
    api.permit("account", json!({"tools": {"block": ["call_model"]}})).await;
    let before = api.app.embedder.embedded();
    let answer = embed(&api, json!({})).await;
    assert_eq!((answer.status.as_u16(), api.app.embedder.embedded()), (403, before), "{answer:?}");
}
