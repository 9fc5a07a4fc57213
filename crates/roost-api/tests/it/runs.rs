//! Runs and artifacts as the native face shows them.

use axum::body::Body;
use axum::http::{Method, Request};
use roost_testkit::Reply;
use serde_json::{Value, json};

use crate::support::{Answer, Api, PATIENCE, request};

/// What a run has that other tests name.
pub(crate) struct Made {
    pub(crate) run: String,
    pub(crate) artifact: String,
    pub(crate) file: String,
}

/// What a model that makes a page is told besides.
const HTML: &str = "Answer with one whole HTML document alone, from <!doctype html> on, with its styles and scripts in it. \
                    It is shown without a network: nothing may be loaded from elsewhere.";

/// A workflow that asks, takes a file, and makes a page.
pub(crate) fn workflow() -> Value {
    json!({"steps": [
        {"id": "report", "name": "Report", "type": "generate-artifact", "prompt": "Make {{ input.what }}"},
        {"id": "ask", "type": "form", "title": "How is <it>?", "description": "We need\n\nto know", "fields": [
            {"name": "mood", "type": "choice", "options": ["good", "bad"], "required": true, "help": "Be honest"},
            {"name": "scan", "type": "file", "max_bytes": 9, "accept": ["image/*"]},
        ]},
    ]})
}

pub(crate) async fn put(api: &Api, agent: &str, workflow: Value) {
    let path = format!("/v1/agents/{agent}/workflow/config");
    api.ask(Method::PUT, &path, Some(workflow)).await.is(200);
}

/// Starts a run and returns its path.
pub(crate) async fn start(api: &Api, agent: &str, input: Value) -> String {
    let begun = api.post(&format!("/v1/agents/{agent}/runs"), json!({"input": input})).await;
    begun.is(201);
    format!("/v1/agents/{agent}/runs/{}", begun.data()["id"].as_str().unwrap())
}

/// Waits until a run is as wanted.
pub(crate) async fn until(api: &Api, run: &str, status: &str) -> Value {
    let wait = async {
        loop {
            let now = api.get(run).await.data();
            if now["status"] == status {
                return now;
            }
            assert!(now["isInProgress"].as_bool().unwrap(), "the run ended before it was {status}: {now:#}");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{run} does not become {status}"))
}

/// Starts a run that has made a page and waits for an answer.
pub(crate) async fn waiting(api: &Api, agent: &str) -> (String, Value) {
    put(api, agent, workflow()).await;
    let page = "```html\n<!doctype html><h1>Tea</h1><script>document.title = 'x'</script>\n```";
    api.app.models.when(&format!("Make tea\n\n{HTML}"), [Reply::Say(vec![page])]);
    let run = start(api, agent, json!({"what": "tea"})).await;
    let view = until(api, &run, "waiting-for-input").await;
    (run, view)
}

/// Makes a run that waits, with an artifact and a file.
pub(crate) async fn made(api: &Api, agent: &str) -> Made {
    let (run, view) = waiting(api, agent).await;
    let form = view["forms"][0]["id"].as_str().unwrap();
    let kept = upload(api, &run, form, "scan", "image/png", b"\x89PNG").await;
    let artifacts = api.get(&format!("/v1/agents/{agent}/artifacts")).await.data();
    Made {
        run: run.rsplit('/').next().unwrap().to_owned(),
        artifact: artifacts[0]["id"].as_str().unwrap().to_owned(),
        file: kept.data()["file"].as_str().unwrap().to_owned(),
    }
}

/// One part of a form: its name, the name of its file, its type, what it holds.
pub(crate) type Part<'a> = (&'a str, Option<(&'a str, &'a str)>, &'a [u8]);

pub(crate) fn form_request(path: &str, key: Option<&str>, parts: &[Part<'_>]) -> Request<Body> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        body.extend_from_slice(
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes(),
        );
        if let Some((file, media_type)) = file {
            body.extend_from_slice(format!("; filename=\"{file}\"\r\nContent-Type: {media_type}").as_bytes());
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    let mut request = request(Method::POST, path, key, None);
    request.headers_mut().insert("content-type", "multipart/form-data; boundary=edge".parse().unwrap());
    *request.body_mut() = Body::from(body);
    request
}

async fn upload(api: &Api, run: &str, form: &str, field: &str, media_type: &str, content: &[u8]) -> Answer {
    let path = format!("{run}/files?formId={form}&field={field}");
    let parts: [Part<'_>; 1] = [("file", Some(("C:\\scans\\a.png", media_type)), content)];
    api.send(form_request(&path, Some(&api.key), &parts)).await
}

#[tokio::test]
async fn a_run_is_started_shown_answered_and_followed() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let (run, view) = waiting(&api, &agent).await;
    assert_eq!(view["steps"][0]["output"]["title"], "Report", "{view:#}");
    assert_eq!((&view["steps"][0]["inputTokens"], &view["inputTokens"]), (&json!(100), &json!(100)));
    let form = &view["forms"][0];
    assert_eq!((&form["title"], &form["fields"][0]["name"]), (&json!("How is <it>?"), &json!("mood")));
    let wrong = api.post(&format!("{run}/input"), json!({"values": {"mood": "fine"}})).await;
    wrong.is_error(400, "invalid_request_error", "invalid_request");
    let body = json!({"formId": form["id"], "values": {"mood": "good"}});
    api.post(&format!("{run}/input"), body.clone()).await.is(200);
    let done = until(&api, &run, "completed").await;
    assert_eq!(done["output"], json!({"mood": "good", "scan": null}));
    api.post(&format!("{run}/input"), body).await.is_error(409, "invalid_request_error", "already_answered");
    let mut stream = api.open(request(Method::GET, &format!("{run}/events"), Some(&api.key), None)).await;
    let mut names = Vec::new();
    while let Some(event) = stream.next().await {
        if event.name.as_deref() == Some("step.answered") {
            assert_eq!(
                (&event.json()["by"], &event.json()["answer"]["mood"]),
                (&json!("test"), &json!("good"))
            );
        }
        names.extend(event.name);
    }
    assert_eq!(
        names,
        [
            "created",
            "step.started",
            "step.completed",
            "step.started",
            "step.answered",
            "step.completed",
            "ended"
        ]
    );
    let mut again = request(Method::GET, &format!("{run}/events"), Some(&api.key), None);
    again.headers_mut().insert("last-event-id", "6".parse().unwrap());
    let last = api.open(again).await.next().await.unwrap();
    assert_eq!((last.name.as_deref(), last.id.as_deref()), (Some("ended"), Some("7")));
}

#[tokio::test]
async fn a_run_is_done_again_from_a_step_and_with_another_input() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let steps = json!({"steps": [
        {"id": "a", "type": "generate-text", "prompt": "First {{ input.x }}"},
        {"id": "b", "type": "generate-text", "prompt": "Then {{ steps.a.output }}"},
    ]});
    put(&api, &agent, steps).await;
    let run = start(&api, &agent, json!({"x": 1})).await;
    until(&api, &run, "completed").await;
    let again = api.post(&format!("{run}/rerun"), json!({"from": "b"})).await;
    again.is(201);
    let path = format!("/v1/agents/{agent}/runs/{}", again.data()["id"].as_str().unwrap());
    let done = until(&api, &path, "completed").await;
    assert_eq!(
        (&done["steps"][0]["isTakenOver"], &done["steps"][1]["isTakenOver"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(done["cause"]["runId"], json!(run.rsplit('/').next().unwrap()));
    let fork = api.post(&format!("{run}/fork"), json!({"input": {"x": 2}})).await.data();
    let path = format!("/v1/agents/{agent}/runs/{}", fork["id"].as_str().unwrap());
    let done = until(&api, &path, "completed").await;
    assert_eq!(done["output"], "You said: Then You said: First 2");
    let listed = api.get(&format!("/v1/agents/{agent}/runs?status=completed&limit=2")).await.json();
    assert_eq!(listed["pagination"]["total"], 3);
    let next = listed["pagination"]["nextCursor"].as_str().unwrap();
    let rest =
        api.get(&format!("/v1/agents/{agent}/runs?status=completed&limit=2&cursor={next}")).await.json();
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_is_uploaded_named_in_an_answer_and_downloaded() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let (run, view) = waiting(&api, &agent).await;
    let form = view["forms"][0]["id"].as_str().unwrap();
    for (field, media_type, content) in
        [("mood", "image/png", &b"x"[..]), ("scan", "text/plain", b"x"), ("scan", "image/png", b"ten bytes!")]
    {
        let refused = upload(&api, &run, form, field, media_type, content).await;
        refused.is_error(400, "invalid_request_error", "invalid_request");
    }
    let kept = upload(&api, &run, form, "scan", "image/png", b"\x89PNG").await;
    kept.is(201);
    assert_eq!((&kept.data()["name"], &kept.data()["size"]), (&json!("a.png"), &json!(4)));
    let file = kept.data()["file"].clone();
    let forged =
        json!({"values": {"mood": "bad", "scan": {"file": "file_00000000000070008000000000000001"}}});
    api.post(&format!("{run}/input"), forged).await.is_error(400, "invalid_request_error", "invalid_request");
    let answer = json!({"values": {"mood": "bad", "scan": {"file": file, "size": 9_999}}});
    api.post(&format!("{run}/input"), answer).await.is(200);
    let done = until(&api, &run, "completed").await;
    assert_eq!(done["output"]["scan"], kept.data(), "what the store knows of it counts");
    let got = api.get(&format!("{run}/files/{}", file.as_str().unwrap())).await;
    assert_eq!(got.headers["content-disposition"], "attachment; filename=\"a.png\"");
    assert_eq!(got.headers["content-security-policy"], "sandbox; default-src 'none'");
    assert!(got.text.ends_with("PNG"));
    let late = upload(&api, &run, form, "scan", "image/png", b"x").await;
    late.is_error(409, "invalid_request_error", "run_not_waiting");
}

#[tokio::test]
async fn an_artifact_is_listed_downloaded_and_shown_where_it_reaches_nothing() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    waiting(&api, &agent).await;
    api.app.clock.advance(std::time::Duration::from_secs(1));
    waiting(&api, &agent).await;
    let list = format!("/v1/agents/{agent}/artifacts");
    let all = api.get(&format!("{list}?title=Report")).await.data();
    assert_eq!((&all[0]["version"], &all[1]["version"]), (&json!(2), &json!(1)), "versions of one title");
    let id = all[0]["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("{list}/{id}")).await.data(), all[0]);
    let of_run = format!("{list}?runId={}", all[1]["runId"].as_str().unwrap());
    assert_eq!(api.get(&of_run).await.data(), json!([all[1]]));
    let content = api.get(&format!("{list}/{id}/content")).await;
    assert_eq!(content.headers["content-disposition"], "attachment; filename=\"Report-2.html\"");
    assert_eq!(content.text, "<!doctype html><h1>Tea</h1><script>document.title = 'x'</script>");
    let link = api.ask(Method::POST, &format!("{list}/{id}/link"), None).await.data();
    let path = link["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:7700").unwrap().to_owned();
    let wrapper = api.send(request(Method::GET, &path, None, None)).await;
    wrapper.is(200);
    assert!(
        !wrapper.text.contains("<h1>Tea</h1>"),
        "what is opened alone is a page around it: {}",
        wrapper.text
    );
    assert!(!wrapper.headers["content-security-policy"].to_str().unwrap().contains("script"));
    let raw = format!("{path}/raw");
    let alone = api.send(request(Method::GET, &raw, None, None)).await;
    assert!(alone.is(200).headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let mut framed = request(Method::GET, &raw, None, None);
    framed.headers_mut().insert("sec-fetch-dest", "iframe".parse().unwrap());
    for request in [framed, request(Method::GET, &format!("{list}/{id}/view"), Some(&api.key), None)] {
        let page = api.send(request).await;
        page.is(200);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("sandbox allow-scripts; default-src 'none';"), "{policy}");
        for never in ["allow-same-origin", "connect-src", "http", "'self' ", "*"] {
            assert!(!policy.contains(never), "{policy}");
        }
        assert_eq!(page.headers["cache-control"], "no-store");
        assert!(page.text.contains("<h1>Tea</h1>"));
    }
    api.app.clock.advance(std::time::Duration::from_secs(3_601));
    api.send(request(Method::GET, &path, None, None)).await.is(409);
}

#[tokio::test]
async fn a_deleted_run_takes_its_artifacts_along() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let (run, _) = waiting(&api, &agent).await;
    let list = format!("/v1/agents/{agent}/artifacts");
    let artifact = api.get(&list).await.data()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(api.ask(Method::DELETE, &run, None).await.data()["deleted"], true);
    api.get(&run).await.is_error(404, "not_found_error", "not_found");
    api.get(&format!("{list}/{artifact}")).await.is_error(404, "not_found_error", "not_found");
}
