use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

fn operation(method: &str, path: &str, parameters: Vec<Parameter>, body: Option<Body>) -> Operation {
    Operation {
        name: "test".into(),
        method: method.into(),
        path: path.into(),
        base: None,
        summary: String::new(),
        description: String::new(),
        tags: Vec::new(),
        parameters,
        body,
        schema: json!({}),
    }
}

fn parameter(name: &str, place: Place, style: Style) -> Parameter {
    Parameter { name: name.into(), argument: name.into(), place, style }
}

fn body(media: Media, content_type: &str, deep: &[&str]) -> Option<Body> {
    let deep = deep.iter().map(|name| (*name).to_owned()).collect();
    Some(Body { argument: "body".into(), media, content_type: content_type.into(), deep })
}

fn bound(operation: &Operation, arguments: Value) -> Result<Request, Fault> {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    operation.bind("https://api.example.com/v1/", &arguments)
}

#[test]
fn a_name_is_short_and_plain() {
    for good in ["github", "google-drive", "a1"] {
        assert_eq!(good.parse::<IntegrationName>().unwrap().as_str(), good);
    }
    for bad in ["", "GitHub", "1password", "a_b", "-a", "a".repeat(32).as_str(), "a/b"] {
        assert!(bad.parse::<IntegrationName>().is_err(), "{bad:?}");
    }
    assert_eq!("google-drive".parse::<IntegrationName>().unwrap().tool_prefix(), "google_drive__");
}

#[test]
fn a_template_takes_blanks_and_lets_no_value_lead_it_elsewhere() {
    let template: UrlTemplate = "https://{shop}.example.com/oauth/{tenant}/token".parse().unwrap();
    assert_eq!(template.names(), ["shop", "tenant"]);
    let values = |shop: &str| {
        BTreeMap::from([("shop".to_owned(), shop.to_owned()), ("tenant".to_owned(), "common".to_owned())])
    };
    assert_eq!(template.fill(&values("toys")).unwrap(), "https://toys.example.com/oauth/common/token");
    assert_eq!(template.fill(&BTreeMap::new()), Err("shop".to_owned()));
    for evil in [
        "evil.com/",
        "evil.com#",
        "evil.com?",
        "a@evil.com",
        "evil.com:8080",
        "",
        "..",
        "a..b",
        ".a",
        "a b",
        "ä",
    ] {
        assert_eq!(template.fill(&values(evil)), Err("shop".to_owned()), "{evil:?}");
    }
    for bad in [
        "http://example.com/",
        "ftp://example.com",
        "https://a@example.com/",
        "https://x/#f",
        "https://{}x/",
        "https://{a/",
        "nothing",
    ] {
        assert!(bad.parse::<UrlTemplate>().is_err(), "{bad:?}");
    }
    assert!("http://127.0.0.1:9/token".parse::<UrlTemplate>().is_ok(), "this machine may do without TLS");
}

#[test]
fn arguments_go_where_the_operation_says() {
    let get = operation(
        "GET",
        "/repos/{owner}/issues/{number}",
        vec![
            parameter("owner", Place::Path, Style::Exploded),
            parameter("number", Place::Path, Style::Exploded),
            parameter("labels", Place::Query, Style::Commas),
            parameter("state", Place::Query, Style::Exploded),
            parameter("ids", Place::Query, Style::Exploded),
            parameter("filter", Place::Query, Style::Deep),
            parameter("q", Place::Query, Style::Json),
            parameter("X-Version", Place::Header, Style::Exploded),
            parameter("Authorization", Place::Header, Style::Exploded),
            parameter("session", Place::Cookie, Style::Exploded),
        ],
        None,
    );
    let request = bound(
        &get,
        json!({
            "owner": "a/b c", "number": 7, "labels": ["bug", "x,y"], "state": "open", "ids": [1, 2],
            "filter": {"from": "now", "deep": {"a": [true]}}, "q": {"a": 1}, "X-Version": "2", "session": "s t",
            "Authorization": "Bearer mine",
        }),
    )
    .unwrap();
    assert_eq!(
        request.url,
        "https://api.example.com/v1/repos/a%2Fb%20c/issues/7?labels=bug,x%2Cy&state=open&ids=1&ids=2\
         &filter%5Bdeep%5D%5Ba%5D%5B0%5D=true&filter%5Bfrom%5D=now&q=%7B%22a%22%3A1%7D"
    );
    let header =
        |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("X-Version"), Some("2"));
    assert_eq!(header("Cookie"), Some("session=s%20t"));
    assert_eq!(header("Authorization"), None, "the credential is not the model's to write");
    assert_eq!(request.body, None);
}

#[test]
fn no_argument_leads_a_request_elsewhere() {
    let get = operation("GET", "/files/{path}", vec![parameter("path", Place::Path, Style::Exploded)], None);
    for evil in ["..", ".", "%2e%2e", ""] {
        let fault = bound(&get, json!({"path": evil}));
        // What is percent-encoded already is encoded once more, so it is a name and no way up.
        if evil == "%2e%2e" {
            assert_eq!(fault.unwrap().url, "https://api.example.com/v1/files/%252e%252e");
        } else {
            assert!(fault.is_err(), "{evil:?}");
        }
    }
    assert_eq!(bound(&get, json!({"path": "../a"})).unwrap().url, "https://api.example.com/v1/files/..%2Fa");
    assert_eq!(bound(&get, json!({})).unwrap_err().to_string(), "arguments.path is missing; the path has it");
    let head = operation("GET", "/", vec![parameter("X-A", Place::Header, Style::Exploded)], None);
    let fault = bound(&head, json!({"X-A": "a\r\nX-B: c"})).unwrap_err();
    assert_eq!(fault.path, "arguments.X-A");
}

#[test]
fn bodies_are_written_as_their_media_type_wants() {
    let json = operation("POST", "/a", Vec::new(), body(Media::Json, "application/json", &[]));
    let sent = bound(&json, json!({"body": {"a": [1, {"b": null}]}})).unwrap();
    assert_eq!(sent.body.as_deref(), Some(r#"{"a":[1,{"b":null}]}"#));
    assert!(sent.headers.contains(&("Content-Type".into(), "application/json".into())));

    let form = operation(
        "POST",
        "/a",
        Vec::new(),
        body(Media::Form, "application/x-www-form-urlencoded", &["deep"]),
    );
    let given = json!({"body": {"a": "x y&z", "deep": [1, 2], "list": [1, 2], "of": {"c": {"d": true}}}});
    let sent = bound(&form, given).unwrap();
    assert_eq!(
        sent.body.as_deref(),
        Some("a=x%20y%26z&deep%5B0%5D=1&deep%5B1%5D=2&list=1&list=2&of%5Bc%5D%5Bd%5D=true")
    );
    assert_eq!(bound(&form, json!({"body": "text"})).unwrap_err().path, "arguments.body");

    let parts = operation("POST", "/a", Vec::new(), body(Media::Multipart, "multipart/form-data", &["file"]));
    let sent =
        bound(&parts, json!({"body": {"file": "one\r\ntwo", "title": "t", "meta": {"a": 1}}})).unwrap();
    let text = sent.body.unwrap();
    let kind = &sent.headers.iter().find(|(name, _)| name == "Content-Type").unwrap().1;
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert_eq!(text.matches(boundary).count(), 4);
    assert!(text.contains(
        "name=\"file\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\none\r\ntwo\r\n"
    ));
    assert!(text.contains("name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n"));
    assert!(text.ends_with(&format!("--{boundary}--\r\n")));
}

#[test]
fn what_is_meant_comes_first() {
    let names = ["issues_list", "issues_create", "pulls_create", "repos_create_in_org", "gists_list"];
    let found = rank(&names, "create an issue", |name| vec![*name]);
    assert_eq!(*found[0], "issues_create");
    assert_eq!(rank(&names, "", |name| vec![*name]).len(), 5);
    assert!(rank(&names, "weather", |name| vec![*name]).is_empty());
    assert!(score("listIssues", &["/list/{issues}"]) > 0);
}
