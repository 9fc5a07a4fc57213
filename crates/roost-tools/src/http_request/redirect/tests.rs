use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use super::*;
use crate::tests::spec;

fn hop(method: Method, url: &str) -> Hop {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer s"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let body = (method == Method::POST).then(|| "body".to_owned());
    Hop { method, target: Target::new(Url::parse(url).unwrap()).unwrap(), headers, body }
}

/// Says in one line what follows from a redirect.
fn follows(from: &Hop, status: u16, location: &str, profile: Profile, allow: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
    let status = StatusCode::from_u16(status).unwrap();
    match next(from, status, &headers, &spec(profile, allow, &[])) {
        Next::Answer => "answer".to_owned(),
        Next::HandBack(why) => format!("back: {why}"),
        Next::Follow(onward) => format!(
            "{} {} headers={} body={}",
            onward.method,
            onward.target.url,
            onward.headers.len(),
            onward.body.is_some()
        ),
    }
}

#[test]
fn redirects_within_a_host_keep_headers_and_lose_the_body_only_with_the_method() {
    let get = hop(Method::GET, "http://a.example/x/y");
    let post = hop(Method::POST, "http://a.example/x/y");
    let head = hop(Method::HEAD, "http://a.example/x/y");
    let table = [
        (&get, 301, "z", "GET http://a.example/x/z headers=2 body=false"),
        (&get, 302, "/z#part", "GET http://a.example/z headers=2 body=false"),
        (&get, 302, "https://a.example/", "GET https://a.example/ headers=2 body=false"),
        (&post, 301, "/z", "GET http://a.example/z headers=1 body=false"),
        (&post, 302, "/z", "GET http://a.example/z headers=1 body=false"),
        (&post, 303, "/z", "GET http://a.example/z headers=1 body=false"),
        (&post, 307, "/z", "POST http://a.example/z headers=2 body=true"),
        (&post, 308, "/z", "POST http://a.example/z headers=2 body=true"),
        (&head, 303, "/z", "HEAD http://a.example/z headers=2 body=false"),
        (&get, 304, "/z", "answer"),
        (&get, 300, "/z", "answer"),
        (&get, 200, "/z", "answer"),
    ];
    for (from, status, location, expected) in table {
        assert_eq!(follows(from, status, location, Profile::Standard, &[]), expected, "{status} {location}");
    }
}

#[test]
fn other_places_are_followed_only_where_they_are_listed_and_without_headers() {
    let get = hop(Method::GET, "http://a.example/");
    let post = hop(Method::POST, "http://a.example/");
    let handed_back = "back: it leads to b.example:80; send a request there if that is wanted";
    let allow = ["b.example", "a.example:80"];
    let table = [
        (&get, 302, Profile::Standard, "http://b.example/", "GET http://b.example/ headers=0 body=false"),
        (&get, 302, Profile::Open, "http://b.example/", "GET http://b.example/ headers=0 body=false"),
        (&get, 302, Profile::Strict, "http://b.example/", handed_back),
        (
            &get,
            302,
            Profile::Open,
            "http://c.example/",
            "back: it leads to c.example:80; send a request there if that is wanted",
        ),
        (
            &get,
            302,
            Profile::Standard,
            "http://a.example:8080/",
            "back: it leads to a.example:8080; send a request there if that is wanted",
        ),
        (&post, 303, Profile::Standard, "http://b.example/", "GET http://b.example/ headers=0 body=false"),
        (
            &post,
            307,
            Profile::Standard,
            "http://b.example/",
            "back: it would send the POST and its body to another host, b.example",
        ),
    ];
    for (from, status, profile, location, expected) in table {
        assert_eq!(follows(from, status, location, profile, &allow), expected, "{status} {location}");
    }
}

#[test]
fn redirects_to_where_a_request_may_not_go_are_handed_back() {
    let get = hop(Method::GET, "https://a.example/");
    let table = [
        ("http://a.example/", "back: it leads from https to http"),
        ("file:///etc/passwd", "back: its location must begin with http:// or https://"),
        (
            "https://u:p@a.example/",
            "back: its location must not hold a user or password; send an Authorization header",
        ),
        ("https://", "back: its location is no URL"),
    ];
    for (location, expected) in table {
        assert_eq!(follows(&get, 302, location, Profile::Open, &["*"]), expected, "{location}");
    }
}

#[test]
fn nobody_is_led_to_a_denied_host_or_out_of_a_confinement() {
    let get = hop(Method::GET, "http://a.example/");
    let lead = |network: roost_domain::network::NetworkRules, location: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        let spec = Spec { network, ..spec(Profile::Open, &["*"], &[]) };
        matches!(next(&get, StatusCode::FOUND, &headers, &spec), Next::Follow(_))
    };
    let all = || spec(Profile::Open, &["*"], &[]).network;
    let rule = |text: &str| vec![text.parse().unwrap()];
    assert!(lead(all(), "http://b.example/") && lead(all(), "https://a.example/"));
    let denied = |text: &str| roost_domain::network::NetworkRules { deny: rule(text), ..all() };
    assert!(!lead(denied("b.example"), "http://b.example/"));
    assert!(!lead(denied("a.example:443"), "https://a.example/"));
    let confined = || roost_domain::network::NetworkRules { confine: Some(rule("a.example")), ..all() };
    assert!(!lead(confined(), "http://b.example/") && lead(confined(), "https://a.example/"));
}
