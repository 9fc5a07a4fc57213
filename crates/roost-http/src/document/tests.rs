use axum::body::Body;
use serde_json::json;

use super::*;

async fn read(content_type: &str, body: &str) -> Result<Value, (u16, String)> {
    let request = Request::builder().header("Content-Type", content_type).body(Body::from(body.to_owned()));
    let read = Document::from_request(request.unwrap(), &()).await;
    read.map(|Document(value)| value)
        .map_err(|failure| (failure.status().as_u16(), failure.message().to_owned()))
}

#[tokio::test]
async fn yaml_and_json_mean_the_same() {
    let expected = json!({"allow": ["a*", {"tool": "b"}], "n": 1});
    assert_eq!(read("application/yaml", "allow:\n  - a*\n  - tool: b\nn: 1\n").await, Ok(expected.clone()));
    assert_eq!(
        read("text/plain; charset=utf-8", "{allow: [a*, {tool: b}], n: 1}").await,
        Ok(expected.clone())
    );
    assert_eq!(read("application/json", &expected.to_string()).await, Ok(expected));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let refused = async |kind: &str, body: &str| read(kind, body).await.unwrap_err();
    assert_eq!(refused("image/png", "a: 1").await.0, 415);
    assert!(refused("application/json", "{").await.1.starts_with("the body is not valid JSON: "));
    assert!(refused("application/yaml", "a: [").await.1.starts_with("the body is not valid YAML: "));
    assert!(refused("application/yaml", "  \n").await.1.contains("is empty"));
    let bomb = (0..30).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        format!("{text}a{}: &a{} [{}]\n", n + 1, n + 1, vec![format!("*a{n}"); 9].join(","))
    });
    assert_eq!(refused("application/yaml", &bomb).await.0, 400, "aliases that grow without end are refused");
}
