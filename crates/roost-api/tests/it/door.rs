//! What happens before a handler is reached, and around it.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use roost_api::Options;
use roost_http::Cors;
use roost_testkit::TestApp;
use serde_json::json;

use crate::support::{Answer, Api, generous, request};

async fn with_headers(api: &Api, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri("/v1/agents");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_key_is_taken_from_either_header_and_x_api_key_goes_first() {
    let api = Api::start().await;
    let key = api.key.as_str();
    let bearer = format!("Bearer {key}");
    for good in [
        vec![("X-API-Key", key)],
        vec![("x-api-key", key)],
        vec![("X-Api-Key", key)],
        vec![("Authorization", bearer.as_str())],
        vec![("authorization", &format!("bearer {key}"))],
        vec![("X-API-Key", key), ("Authorization", "Bearer wrong")],
    ] {
        assert_eq!(with_headers(&api, &good).await.status, 200, "{good:?}");
    }
    for bad in [
        vec![],
        vec![("X-API-Key", "")],
        vec![("X-API-Key", "roost_live_00000000000000000000000000000000")],
        vec![("Authorization", key)],
        vec![("Authorization", "Basic dTpw")],
        vec![("X-API-Key", "wrong"), ("Authorization", bearer.as_str())],
        vec![("X-API-Key", &"x".repeat(5_000))],
    ] {
        let answer = with_headers(&api, &bad).await;
        answer.is_error(401, "authentication_error", "unauthorized");
        assert_eq!(answer.message(), "Invalid or missing API key");
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let api = Api::start().await;
    let key = ("X-API-Key", api.key.as_str());
    let id = |answer: &Answer| answer.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id(&with_headers(&api, &[key, ("X-Request-Id", "mine-1")]).await), "mine-1");
    let made = id(&with_headers(&api, &[key]).await);
    assert!(made.starts_with("req_") && made.len() == 28, "{made}");
    assert_ne!(id(&with_headers(&api, &[key, ("X-Request-Id", "a b")]).await), "a b");
    assert!(id(&with_headers(&api, &[]).await).starts_with("req_"));
}

#[tokio::test]
async fn a_key_has_so_many_requests_a_minute_and_hears_how_it_stands() {
    let mut options = Options::default();
    options.http.limits.requests = NonZeroU32::new(2).unwrap();
    let api = Api::over(TestApp::start().await, options);
    let limits = |answer: &Answer| -> Vec<String> {
        let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
        names.iter().map(|name| answer.headers[*name].to_str().unwrap().to_owned()).collect()
    };
    // The test's clock begins at 1770732000.
    assert_eq!(limits(&api.get("/v1/agents").await), ["2", "1", "1770732060"]);
    api.app.clock.advance(Duration::from_millis(20_500));
    let unknown = api.get("/v1/agents/00000000-0000-7000-8000-000000000009").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(limits(&unknown), ["2", "0", "1770732060"]);
    let over = api.get("/v1/agents").await;
    over.is_error(429, "rate_limit_error", "rate_limited");
    assert_eq!(over.headers["retry-after"], "40");
    assert_eq!(limits(&over), ["2", "0", "1770732060"]);
    let other = api.key(roost_domain::key::Style::Native, &[]).await;
    assert_eq!(api.send(request(Method::GET, "/v1/agents", Some(&other), None)).await.status, 200);
    api.app.clock.advance(Duration::from_millis(39_500));
    // The window now begins after the first request; the second stands in it until its own minute is over.
    assert_eq!(limits(&api.get("/v1/agents").await), ["2", "0", "1770732081"]);
    assert_eq!(api.get("/v1/agents").await.status, 429);
}

#[tokio::test]
async fn bodies_are_json_of_a_bounded_size() {
    let mut options = generous();
    options.http.body_limit = 1_000;
    let api = Api::over(TestApp::start().await, options);
    let post = |content_type: Option<&str>, body: String| {
        let mut request =
            Request::builder().method(Method::POST).uri("/v1/agents").header("X-API-Key", &api.key);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        request.body(Body::from(body)).unwrap()
    };
    let good = json!({"name": "A", "model": "test/echo"}).to_string();
    for content_type in [Some("application/json"), Some("Application/JSON; charset=utf-8"), None] {
        assert_eq!(api.send(post(content_type, good.clone())).await.status, 201, "{content_type:?}");
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let answer = api.send(post(Some(content_type), good.clone())).await;
        answer.is_error(415, "invalid_request_error", "unsupported_media_type");
    }
    let long = json!({"name": "A", "description": "x".repeat(1_000)}).to_string();
    api.send(post(None, long.clone())).await.is_error(413, "invalid_request_error", "body_too_large");
    // The same without a length that gives it away.
    let chunks =
        futures_util::stream::iter(long.into_bytes().chunks(100).map(<[u8]>::to_vec).collect::<Vec<_>>());
    let body = Body::from_stream(futures_util::StreamExt::map(chunks, Ok::<_, std::io::Error>));
    let unannounced = Request::builder()
        .method(Method::POST)
        .uri("/v1/agents")
        .header("X-API-Key", &api.key)
        .body(body)
        .unwrap();
    api.send(unannounced).await.is_error(413, "invalid_request_error", "body_too_large");
    let broken = api.send(post(None, "{\"name\": ".to_owned())).await;
    broken.is_error(400, "invalid_request_error", "invalid_request");
    assert!(broken.message().starts_with("the body is not valid JSON: EOF"), "{}", broken.message());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_the_envelope() {
    let api = Api::start().await;
    for path in ["/", "/v1", "/v1/agent", "/v1/agents/a/b/c", "/v2/agents"] {
        api.get(path).await.is_error(404, "not_found_error", "route_not_found");
    }
    let wrong = api.ask(Method::PATCH, "/v1/agents", None).await;
    wrong.is_error(405, "invalid_request_error", "method_not_allowed");
    let allowed = wrong.headers["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    api.ask(Method::POST, "/health", None).await.is_error(405, "invalid_request_error", "method_not_allowed");
}

#[tokio::test]
async fn pages_of_other_origins_may_call_only_where_the_owner_says_so() {
    let ask = async |cors: Cors, method: Method| {
        let mut options = generous();
        options.http.cors = cors;
        let api = Api::over(TestApp::start().await, options);
        let mut request = request(method, "/v1/agents", Some(&api.key), None);
        request.headers_mut().insert("Origin", "https://app.example.com".parse().unwrap());
        request.headers_mut().insert("Access-Control-Request-Method", "POST".parse().unwrap());
        request.headers_mut().insert("Access-Control-Request-Headers", "x-api-key".parse().unwrap());
        let headers = api.send(request).await.headers;
        assert!(!headers.contains_key("access-control-allow-credentials"));
        headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    let ours = || Cors::from_list(&["https://app.example.com"]).unwrap();
    let others = || Cors::from_list(&["https://other.example.com"]).unwrap();
    for method in [Method::OPTIONS, Method::GET] {
        assert_eq!(ask(Cors::Off, method.clone()).await, None);
        assert_eq!(ask(others(), method.clone()).await, None);
        assert_eq!(ask(ours(), method.clone()).await.as_deref(), Some("https://app.example.com"));
        assert_eq!(ask(Cors::Any, method).await.as_deref(), Some("*"));
    }
    for wrong in ["app.example.com", "https://app.example.com/", "https://a.example/path", "", "null"] {
        assert!(Cors::from_list(&[wrong]).is_err(), "{wrong}");
    }
}
