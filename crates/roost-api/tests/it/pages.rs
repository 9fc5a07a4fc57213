//! The pages behind links: forms and runs.

use std::time::Duration;

use axum::http::Method;
use roost_domain::run::Status;
use serde_json::json;

use crate::runs::{Part, form_request, put, start, until, waiting};
use crate::support::{Answer, Api, request};

fn path(url: &serde_json::Value) -> String {
    url.as_str().unwrap().strip_prefix("http://127.0.0.1:7700").unwrap().to_owned()
}

async fn page(api: &Api, path: &str) -> Answer {
    api.send(request(Method::GET, path, None, None)).await
}

async fn send(api: &Api, path: &str, parts: &[Part<'_>]) -> Answer {
    api.send(form_request(path, None, parts)).await
}

#[tokio::test]
async fn a_form_is_filled_in_on_its_page_without_a_key_or_a_script() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let (run, view) = waiting(&api, &agent).await;
    let path = path(&view["forms"][0]["url"]);
    let shown = page(&api, &path).await;
    shown.is(200);
    assert_eq!(shown.headers["cache-control"], "no-store");
    assert_eq!(shown.headers["x-robots-tag"], "noindex, nofollow");
    assert_eq!(shown.headers["referrer-policy"], "no-referrer");
    let policy = shown.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("script"),
        "{policy}"
    );
    assert!(!shown.text.contains("<script"), "{}", shown.text);
    for part in [
        "<h1>How is &lt;it&gt;?</h1>",
        "<p>We need</p>\n<p>to know</p>",
        "<fieldset class=\"field\" aria-describedby=\"help-0\">\n<legend>Mood</legend>",
        "<span class=\"help\" id=\"help-0\">Be honest</span>",
        "<input type=\"radio\" id=\"field-0\" name=\"mood\" value=\"good\">\n<label for=\"field-0\">good</label>",
        "<label for=\"field-1\">Scan <span class=\"dim\">(optional)</span></label>",
        "<input type=\"file\" id=\"field-1\" name=\"scan\" accept=\"image/*\">",
    ] {
        assert!(shown.text.contains(part), "{part}\n{}", shown.text);
    }
    let sent =
        send(&api, &path, &[("mood", None, b"good"), ("scan", Some(("a.png", "image/png")), b"\x89PNG")])
            .await;
    sent.is(303);
    assert_eq!(Some(sent.headers["location"].to_str().unwrap()), path.rsplit('/').next());
    let done = until(&api, &run, "completed").await;
    assert_eq!(done["output"]["scan"]["name"], "a.png");
    let after = page(&api, &path).await;
    assert!(
        after.text.contains("Thank you. This was answered on 10 February 2026 at 14:00 UTC"),
        "{}",
        after.text
    );
    let twice = send(&api, &path, &[("mood", None, b"bad")]).await;
    assert!(twice.text.contains("Thank you."), "{}", twice.text);
    assert_eq!(api.get(&run).await.data()["output"]["mood"], "good", "the first answer counts");
}

#[tokio::test]
async fn what_is_wrong_is_said_above_and_at_the_fields_and_what_was_typed_stays() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let workflow = json!({"steps": [{"type": "form", "fields": [
        {"name": "who", "label": "Your name", "required": true, "help": "As on your card"},
        {"name": "mail", "type": "email"},
        {"name": "note", "type": "long-text"},
        {"name": "pets", "type": "multi-choice", "options": ["cat", "dog"]},
        {"name": "sure", "type": "boolean", "required": true},
        {"name": "scan", "type": "file", "max_bytes": 2},
    ]}]});
    put(&api, &agent, workflow).await;
    let run = start(&api, &agent, json!({})).await;
    let view = until(&api, &run, "waiting-for-input").await;
    let path = path(&view["forms"][0]["url"]);
    let parts: [Part<'_>; 5] = [
        ("who", None, b""),
        ("mail", None, b"\"><script>alert(1)</script>"),
        ("note", None, b"two\r\nlines"),
        ("pets", None, b"dog"),
        ("scan", Some(("x.bin", "application/octet-stream")), b"abc"),
    ];
    let wrong = send(&api, &path, &parts).await;
    wrong.is(400);
    let text = &wrong.text;
    for part in [
        "<title>Error: form",
        "role=\"alert\"",
        "<li><a href=\"#field-0\">Your name: must be answered</a></li>",
        "<li><a href=\"#field-4\">Sure: must be answered</a></li>",
        "<li><a href=\"#field-5\">Scan: has 3 bytes; at most 2 are taken</a></li>",
        "aria-describedby=\"help-0 error-0\" aria-invalid=\"true\"",
        "<span class=\"error\" id=\"error-1\">Mail: must be an e-mail address",
        "value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\"",
        "two\r\nlines</textarea>",
        "value=\"dog\" checked>",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("<script"), "{text}");
    let two = [("scan", Some(("a", "a/b")), b"1".as_slice()), ("scan", Some(("b", "a/b")), b"2".as_slice())];
    let twice = send(&api, &path, &two).await;
    twice.is(400);
    assert!(twice.text.contains("more than one file for the field scan"), "{}", twice.text);
    assert_eq!(api.get(&run).await.data()["status"], Status::WaitingForInput.name(), "nothing was taken");
    let parts: [Part<'_>; 3] = [("who", None, b"Ada"), ("sure", None, b"false"), ("mail", None, b"")];
    send(&api, &path, &parts).await.is(303);
    let done = until(&api, &run, "completed").await;
    let expected = json!({"who": "Ada", "mail": null, "note": null, "pets": [], "sure": false, "scan": null});
    assert_eq!(done["output"], expected);
}

#[tokio::test]
async fn a_form_whose_time_is_over_or_whose_run_was_cancelled_says_so() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let form = json!({"type": "form", "expires_after": "1h", "fields": [{"name": "x"}]});
    put(&api, &agent, json!({"steps": [form]})).await;
    let run = start(&api, &agent, json!({})).await;
    let cancelled = path(&until(&api, &run, "waiting-for-input").await["forms"][0]["url"]);
    api.ask(Method::POST, &format!("{run}/cancel"), None).await.is(200);
    let shown = page(&api, &cancelled).await;
    assert!(shown.text.contains("does not have to be answered any more"), "{}", shown.text);
    let run = start(&api, &agent, json!({})).await;
    let late = path(&until(&api, &run, "waiting-for-input").await["forms"][0]["url"]);
    assert!(page(&api, &late).await.text.contains("asks for an answer until 10 February 2026 at 15:00 UTC"));
    api.app.clock.advance(Duration::from_secs(3_601));
    let shown = page(&api, &late).await;
    assert!(shown.text.contains("The time to answer this is over"), "{}", shown.text);
    let sent = send(&api, &late, &[("x", None, b"y")]).await;
    assert!(sent.text.contains("The time to answer this is over"), "{}", sent.text);
    api.app.clock.advance(Duration::from_secs(8 * 86_400));
    let shown = page(&api, &late).await;
    shown.is(409);
    assert!(shown.text.contains("This link is no longer good"), "{}", shown.text);
}

#[tokio::test]
async fn a_link_that_was_changed_leads_nowhere() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let (run, view) = waiting(&api, &agent).await;
    let form = path(&view["forms"][0]["url"]);
    let token = form.rsplit('/').next().unwrap().to_owned();
    let swapped = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    for at in (0..token.len()).step_by(7) {
        let shown = page(&api, &format!("/forms/{}", swapped(at))).await;
        shown.is(404);
        assert!(shown.text.contains("leads nowhere"), "{}", shown.text);
    }
    // A link is for what it is for.
    for other in ["runs", "artifacts"] {
        page(&api, &format!("/{other}/{token}")).await.is(404);
    }
    let link = api.ask(Method::POST, &format!("{run}/link"), None).await.data();
    let of_run = path(&link["url"]);
    page(&api, &format!("/forms/{}", of_run.rsplit('/').next().unwrap())).await.is(404);
}

#[tokio::test]
async fn the_page_of_a_run_shows_how_it_stands_and_what_it_made() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let (run, _) = waiting(&api, &agent).await;
    let link = api.ask(Method::POST, &format!("{run}/link"), None).await.data();
    let path = path(&link["url"]);
    let shown = page(&api, &path).await;
    shown.is(200);
    let text = &shown.text;
    for part in [
        "<meta http-equiv=\"refresh\" content=\"3\">",
        "Waits for an answer",
        "Answer: How is &lt;it&gt;?",
        "<iframe src=\"../artifacts/",
        "sandbox=\"allow-scripts\"",
        "<span class=\"status waiting-for-input\">",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("<h1>Tea"), "what a model wrote is no part of the page");
    let frame = text.split("src=\"..").nth(1).unwrap().split('"').next().unwrap();
    assert!(frame.ends_with("/raw"), "{frame}");
    // By itself it is saved and not shown: it could take whoever looks elsewhere.
    let saved = page(&api, frame).await;
    assert!(saved.text.contains("<h1>Tea</h1>"));
    assert!(saved.headers["content-disposition"].to_str().unwrap().starts_with("attachment"), "{saved:?}");
    let framed = |target: &'static str| {
        let mut request = request(Method::GET, frame, None, None);
        request.headers_mut().insert("sec-fetch-dest", target.parse().unwrap());
        api.send(request)
    };
    assert!(framed("document").await.headers.contains_key("content-disposition"));
    let inside = framed("iframe").await;
    assert!(!inside.headers.contains_key("content-disposition"), "{inside:?}");
    assert!(
        inside.headers["content-security-policy"].to_str().unwrap().starts_with("sandbox allow-scripts;")
    );
    let around = page(&api, frame.strip_suffix("/raw").unwrap()).await;
    around.is(200);
    let policy = around.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-src 'self'") && !policy.contains("script-src"), "{policy}");
    assert!(
        around.text.contains("sandbox=\"allow-scripts\"") && !around.text.contains("<h1>Tea"),
        "{}",
        around.text
    );
    api.post(&format!("{run}/input"), json!({"values": {"mood": "good"}})).await.is(200);
    until(&api, &run, "completed").await;
    let shown = page(&api, &path).await;
    assert!(!shown.text.contains("http-equiv") && shown.text.contains("Completed"), "{}", shown.text);
}
