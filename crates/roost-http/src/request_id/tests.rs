use axum::http::HeaderValue;

use super::*;

fn taken(value: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("X-Request-Id", HeaderValue::from_bytes(value.as_bytes()).unwrap());
    given(&headers) == Some(value)
}

#[test]
fn usual_request_names_are_taken_and_odd_ones_are_not() {
    for good in ["a", "req_0123", "7b3f1c2e-0000-4000-8000-000000000000", "trace:1/2+3=", &"x".repeat(128)] {
        assert!(taken(good), "{good}");
    }
    for bad in ["", "with space", "semi;colon", "<script>", "ümlaut", "tab\there", &"x".repeat(129)] {
        assert!(!taken(bad), "{bad}");
    }
}
