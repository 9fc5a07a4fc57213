use super::*;

fn request(method: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> HookRequest {
    HookRequest {
        token: Secret::new("t"),
        method: method.into(),
        query: query.into(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: body.into(),
    }
}

#[test]
fn a_body_is_json_a_form_or_text() {
    let read = |kind: &str, body: &str| {
        let headers = if kind.is_empty() { vec![] } else { vec![("content-type", kind)] };
        event(&request("POST", "", &headers, body.as_bytes())).unwrap()["body"].clone()
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(read("application/json; charset=utf-8", "{\"a\": [1]}"), json!({"a": [1]}));
    assert_eq!(read("application/vnd.api+json", "1"), json!(1));
    assert_eq!(read("", "{\"a\": 1}"), json!({"a": 1}));
    assert_eq!(read(form, "a=1&b=x+y&a=2&a=3"), json!({"a": ["1", "2", "3"], "b": "x y"}));
    assert_eq!(read(form, "{\"curl\": true}"), json!({"curl": true}));
    assert_eq!(read("text/plain", "größer"), json!("größer"));
    assert_eq!(read("application/json", ""), json!(null));
}

#[test]
fn a_body_that_is_not_what_it_says_is_refused() {
    let error = event(&request("POST", "", &[("content-type", "application/json")], b"{")).unwrap_err();
    assert!(error.public().contains("says that it is JSON and is not"), "{error}");
    let error = event(&request("POST", "", &[], &[0xff, 0xfe])).unwrap_err();
    assert!(error.public().contains("UTF-8"), "{error}");
}

#[test]
fn a_run_sees_what_happened_and_no_credential() {
    let headers = [
        ("content-type", "text/plain"),
        ("x-github-event", "issues"),
        ("authorization", "Bearer sk-1"),
        ("cookie", "a=b"),
        ("x-hub-signature-256", "sha256=00"),
        ("x-webhook-secret", "s"),
        ("x-gitlab-token", "s"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    let event = event(&request("POST", "ref=main&ref=dev&x=1", &headers, b"hello")).unwrap();
    assert_eq!(
        event,
        json!({
            "type": "webhook",
            "method": "POST",
            "query": {"ref": ["main", "dev"], "x": "1"},
            "headers": {"content-type": "text/plain", "x-github-event": "issues"},
            "body": "hello",
        })
    );
}

#[test]
fn documented_questions_are_answered_and_others_are_not() {
    let secrets = [Secret::new("verify-me")];
    let ask = |request: HookRequest| challenge(&request, &secrets, true);
    let text = |text: &str| Some(Challenge::Text(text.to_owned()));
    let slack: &[u8] = br#"{"token":"x","challenge":"3eZb","type":"url_verification"}"#;
    assert_eq!(ask(request("POST", "", &[], slack)), text("3eZb"));
    assert_eq!(challenge(&request("POST", "", &[], slack), &secrets, false), None, "not signed");
    let hub = |token: &str| format!("hub.mode=subscribe&hub.challenge=115&hub.verify_token={token}");
    assert_eq!(ask(request("GET", &hub("verify-me"), &[], b"")), text("115"));
    assert_eq!(ask(request("GET", &hub("guess"), &[], b"")), None);
    assert_eq!(ask(request("GET", "challenge=abc", &[], b"")), text("abc"));
    assert_eq!(ask(request("POST", "validationToken=a%20b", &[], b"")), text("a b"));
    let okta = [("x-okta-verification-challenge", "v")];
    assert_eq!(ask(request("GET", "", &okta, b"")), Some(Challenge::Json(json!({"verification": "v"}))));
    let zoom: &[u8] = br#"{"event":"endpoint.url_validation","payload":{"plainToken":"forged body"}}"#;
    assert_eq!(ask(request("POST", "", &[], zoom)), None, "it wants something signed");
    assert_eq!(ask(request("GET", "a=b", &[], b"")), None);
    assert_eq!(ask(request("GET", &format!("challenge={}", "a".repeat(1_001)), &[], b"")), None);
}
