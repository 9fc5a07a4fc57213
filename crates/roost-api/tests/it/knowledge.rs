use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, Api, request};

async fn ingest(api: &Api, target: (&str, &str), texts: &[(&str, &str)]) -> Answer {
    let chunk =
        |(text, source): &(&str, &str)| json!({"text": text, "source": source, "metadata": {"type": "faq"}});
    let chunks: Vec<Value> = texts.iter().map(chunk).collect();
    api.post("/v1/knowledge/ingest", json!({target.0: target.1, "chunks": chunks})).await
}

const TEXTS: [(&str, &str); 3] = [
    ("Refunds are paid within fourteen days.", "refunds.md"),
    ("The office is closed on Sundays.", "office.md"),
    ("A receipt is needed for every return.", "refunds.md"),
];

#[tokio::test]
async fn texts_are_taken_in_listed_found_and_deleted_as_agento_says() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let stored = ingest(&api, ("agentId", &agent), &TEXTS).await;
    assert_eq!(stored.json(), json!({"data": {"stored": 3, "skipped": 0, "total": 3}}));
    let again = ingest(&api, ("agentId", &agent), &TEXTS[..2]).await;
    assert_eq!(again.data(), json!({"stored": 0, "skipped": 2, "total": 2}));
    let path = format!("/v1/knowledge?agentId={agent}");
    let first = api.get(&format!("{path}&limit=2")).await;
    insta::assert_json_snapshot!("listed", first.shown());
    let next = first.json()["pagination"]["nextOffset"].as_str().unwrap().to_owned();
    let rest = api.get(&format!("{path}&limit=2&offset={next}")).await.json();
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);
    assert_eq!(rest["pagination"], json!({"nextOffset": null, "hasMore": false}));
    assert_eq!(api.get(&format!("{path}&source=refunds.md")).await.data().as_array().unwrap().len(), 2);

    let query = json!({"agentId": agent, "query": "when are \"refunds\" paid (", "limit": 1});
    let found = api.post("/v1/knowledge/search", query).await.data();
    assert_eq!(found["results"][0]["text"], TEXTS[0].0);
    assert_eq!(found["results"][0]["type"], "faq");
    assert!(found["results"][0]["score"].as_f64().unwrap() > 0.9, "{found}");
    assert_eq!((&found["byMeaning"], &found["embedder"]["provider"]), (&json!(true), &json!("lexical")));

    let id = rest["data"][0]["id"].as_str().unwrap();
    for _ in 0..2 {
        let deleted = api.ask(Method::DELETE, &format!("{path}&id={id}"), None).await.data();
        assert_eq!(deleted["deleted"], true, "asking twice does no harm");
    }
    let by_source = api.ask(Method::DELETE, &format!("{path}&source=office.md"), None).await.data();
    assert_eq!(by_source, json!({"deleted": true, "count": 1}));
    let all = api.ask(Method::DELETE, &format!("{path}&all=true&confirm=true"), None).await.data();
    assert_eq!(all, json!({"deleted": true, "count": 1}));
    assert_eq!(api.get(&path).await.data(), json!([]));
}

#[tokio::test]
async fn a_swarms_knowledge_is_its_agents() {
    let api = Api::start().await;
    let (swarm, [ann, bob]) = api.app.swarm("Support", [("Ann", json!({})), ("Bob", json!({}))]).await;
    ingest(&api, ("agentId", &ann.to_string()), &TEXTS[..1]).await.data();
    ingest(&api, ("swarmId", &swarm.id.to_string()), &TEXTS[1..]).await.data();
    for target in [format!("agentId={ann}"), format!("agentId={bob}"), format!("swarmId={}", swarm.id)] {
        assert_eq!(api.get(&format!("/v1/knowledge?{target}")).await.data().as_array().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    ingest(&api, ("agentId", &agent), &TEXTS).await.data();
    for (query, words) in [
        ("", "agentId or swarmId is required"),
        ("agentId=x", "agentId is wrong"),
        (&format!("agentId={agent}&swarmId={agent}"), "swarmId and agentId are both given"),
        (&format!("agentId={agent}&offset=x"), "offset is not one"),
    ] {
        let answer = api.get(&format!("/v1/knowledge?{query}")).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(words), "{}", answer.message());
    }
    for (query, words) in [
        ("", "source is required, or id, or all=true&confirm=true"),
        ("&all=true", "confirm must be true"),
        ("&all=true&confirm=false", "confirm must be true"),
        ("&all=yes&confirm=true", "all must be true or false"),
        ("&source=a&id=b", "source id and all exclude each other"),
        ("&source=refunds.md&all=true&confirm=true", "source id and all exclude each other"),
        ("&id=nope", "id is wrong"),
    ] {
        let answer = api.ask(Method::DELETE, &format!("/v1/knowledge?agentId={agent}{query}"), None).await;
        answer.is_error(400, "invalid_request_error", "invalid_request");
        assert!(answer.message().starts_with(words), "{query}: {}", answer.message());
    }
    assert_eq!(api.get(&format!("/v1/knowledge?agentId={agent}")).await.data().as_array().unwrap().len(), 3);
    let body = json!({"agentId": agent, "chunks": [{"text": "a", "source": "b", "metadata": 3}]});
    let answer = api.post("/v1/knowledge/ingest", body).await;
    answer.is_error(400, "invalid_request_error", "invalid_request");
    assert!(answer.message().contains("chunks[0].metadata"), "{}", answer.message());
    let nobody = "0190a000-0000-7000-8000-000000000000";
    ingest(&api, ("agentId", nobody), &TEXTS).await.is_error(404, "not_found_error", "not_found");
    ingest(&api, ("swarmId", nobody), &TEXTS).await.is_error(404, "not_found_error", "not_found");
    let strange = api.strangers_key().await;
    let path = format!("/v1/knowledge?agentId={agent}");
    let answer = api.send(request(Method::GET, &path, Some(&strange), None)).await;
    answer.is_error(404, "not_found_error", "not_found");
}

/// Makes a request with a form: fields, then the file.
fn form(key: &str, fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Request<Body> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .into_bytes(),
        );
    }
    if let Some((name, bytes)) = file {
        let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=";
        body.extend(format!("{head}\"{name}\"\r\nContent-Type: text/plain\r\n\r\n").into_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--edge--\r\n");
    let request =
        Request::builder().method(Method::POST).uri("/v1/knowledge/upload").header("X-API-Key", key);
    request.header("Content-Type", "multipart/form-data; boundary=edge").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn documents_are_uploaded_and_uploaded_again() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    let target = [("agentId", agent.as_str())];
    let handbook = b"# Holidays\nThirty days a year.".as_slice();
    let answer = api.send(form(&api.key, &target, Some(("handbook.md", handbook)))).await;
    assert_eq!(answer.data(), json!({"source": "handbook.md", "stored": 1, "skipped": 0, "total": 1}));
    let again =
        api.send(form(&api.key, &target, Some(("handbook.md", b"# Holidays\nForty days a year.")))).await;
    assert_eq!(again.data()["stored"], 1);
    let entries = api.get(&format!("/v1/knowledge?agentId={agent}")).await.data();
    assert_eq!(
        (entries.as_array().unwrap().len(), &entries[0]["text"]),
        (1, &json!("Holidays\n\nForty days a year."))
    );
    assert_eq!(entries[0]["type"], "document");

    // Longer than other bodies may be: more than a mebibyte.
    let long: String =
        (0..40_000).map(|number| format!("line {number} of the long list of all things\n")).collect();
    let named = [("agentId", agent.as_str()), ("source", "long list")];
    let answer = api.send(form(&api.key, &named, Some(("long.txt", long.as_bytes())))).await;
    assert_eq!(answer.data()["source"], "long list");

    for (fields, file, code, words) in [
        (&target[..], None, "invalid_request", "file is missing"),
        (&target[..], Some(("a.exe", b"x".as_slice())), "", ""),
        (&[][..], Some(("a.md", b"x".as_slice())), "invalid_request", "agentId or swarmId"),
        (&[("agentId", agent.as_str()), ("nope", "x")][..], None, "invalid_request", "nope is not known"),
        (&target[..], Some(("a.pdf", b"%DAMAGED".as_slice())), "unreadable_document", "no readable"),
    ] {
        let answer = api.send(form(&api.key, fields, file)).await;
        if code.is_empty() {
            // The media type says what the name does not.
            assert!(answer.status.is_success(), "{answer:?}");
            continue;
        }
        answer.is_error(400, "invalid_request_error", code);
        assert!(answer.message().contains(words), "{}", answer.message());
    }
    let no_form = api.post("/v1/knowledge/upload", json!({"file": "x"})).await;
    no_form.is_error(415, "invalid_request_error", "unsupported_media_type");
}

#[tokio::test]
async fn who_embeds_is_told_and_everything_is_embedded_anew() {
    let api = Api::start().await;
    let agent = api.app.agent(json!({})).await.to_string();
    ingest(&api, ("agentId", &agent), &TEXTS).await.data();
    insta::assert_json_snapshot!("status", api.get("/v1/knowledge/status").await.shown());
    let before = api.app.embedder.embedded();
    let begun = api.ask(Method::POST, "/v1/knowledge/reembed", None).await;
    assert_eq!((begun.status.as_u16(), &begun.data()["entries"]), (202, &json!(3)));
    let wait = async {
        while api.get("/v1/knowledge/status").await.data()["pending"] != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, wait).await.expect("it is done in time");
    assert_eq!(api.app.embedder.embedded() - before, 3);
    api.app.embedder.fail(true);
    let answer = ingest(&api, ("agentId", &agent), &[("Something new.", "new.md")]).await;
    answer.is_error(503, "server_error", "embedder_unavailable");
}
