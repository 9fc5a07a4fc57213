use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response as Answer};
use axum::routing::get;
use serde_json::json;
use std::collections::HashMap;

use super::*;

/// What the stand-in sends instead of an archive, by the skill's name.
async fn download(Query(query): Query<HashMap<String, String>>) -> Answer {
    match (query["slug"].as_str(), query["version"].as_str()) {
        ("gifgrep", "1.2.3") => ([(header::CONTENT_TYPE, "application/zip")], "PK").into_response(),
        ("moved", _) => Redirect::temporary("/api/v1/download?slug=gifgrep&version=1.2.3").into_response(),
        ("circles", _) => Redirect::temporary("/api/v1/download?slug=circles&version=1.0.0").into_response(),
        ("huge", _) => vec![0_u8; LARGEST_ZIP + 1].into_response(),
        ("endless", _) => {
            let pieces = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 1 << 20]));
            axum::body::Body::from_stream(pieces).into_response()
        }
        ("slow", _) => std::future::pending().await,
        ("busy", _) => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "34")]).into_response(),
        ("gone", _) => (StatusCode::GONE, "deleted").into_response(),
        ("bad", _) => (StatusCode::FORBIDDEN, "Blocked: malware").into_response(),
        ("down", _) => StatusCode::BAD_GATEWAY.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn search(Query(query): Query<HashMap<String, String>>) -> Answer {
    if query["q"] == "nonsense" {
        return "<html>".into_response();
    }
    let found = json!({"score": 0.5, "slug": "gifgrep", "displayName": "GifGrep", "summary": query["q"], "version": "1.2.3",
        "updatedAt": 0});
    axum::Json(json!({"results": [found, {"slug": "Not A Name"}, {"slug": null}]})).into_response()
}

async fn list(Query(query): Query<HashMap<String, String>>) -> Answer {
    let item = json!({"slug": "newest", "displayName": "Newest", "summary": query["limit"], "tags": {"latest": "0.1.0"},
        "stats": {"downloads": 7}, "createdAt": 0, "updatedAt": 0,
        "latestVersion": {"version": "0.1.0", "createdAt": 0, "changelog": ""}, "metadata": null});
    axum::Json(json!({"items": [item], "nextCursor": null})).into_response()
}

async fn detail(Path(slug): Path<String>) -> Answer {
    let moderation = (slug == "shady")
        .then(|| json!({"isSuspicious": true, "verdict": "suspicious", "summary": "Runs what it is sent"}));
    let told = if slug == "renamed" { "gifgrep" } else { &slug };
    if slug == "none" {
        return (StatusCode::NOT_FOUND, "Skill not found").into_response();
    }
    axum::Json(json!({
        "skill": {"slug": told, "displayName": "GifGrep", "summary": "Finds.", "tags": {}, "stats": {"installsAllTime": 12}},
        "latestVersion": {"version": "1.2.3", "createdAt": 0, "changelog": "…"},
        "metadata": null, "owner": {"handle": "somebody", "displayName": "Some Body", "image": null},
        "moderation": moderation,
    }))
    .into_response()
}

async fn registry() -> Registry {
    let app = Router::new()
        .route("/hub/api/v1/download", get(download))
        .route("/api/v1/download", get(download))
        .route("/hub/api/v1/search", get(search))
        .route("/hub/api/v1/skills", get(list))
        .route("/hub/api/v1/skills/{slug}", get(detail));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hub", listener.local_addr().unwrap()).parse().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Registry::new(RegistryOptions { url, timeout: Duration::from_secs(2) })
}

fn id(text: &str) -> SkillId {
    text.parse().unwrap()
}

#[tokio::test]
async fn skills_are_searched_listed_and_looked_up() {
    let registry = registry().await;
    let found = registry.search("gif & more", 5).await.unwrap();
    assert_eq!(found.len(), 1, "what has no name here is left out");
    let one = &found[0];
    assert_eq!((one.title.as_str(), one.summary.as_str()), ("GifGrep", "gif & more"));
    assert_eq!(one.latest, Some("1.2.3".parse().unwrap()));
    let newest = &registry.search(" ", 500).await.unwrap()[0];
    assert_eq!((newest.id.as_str(), newest.summary.as_str(), newest.installs), ("newest", "200", Some(7)));
    let detail = registry.look_up(&id("gifgrep")).await.unwrap().unwrap();
    assert_eq!(
        (detail.owner.as_deref(), detail.installs, detail.warning),
        (Some("somebody"), Some(12), None)
    );
    let shady = registry.look_up(&id("shady")).await.unwrap().unwrap();
    assert_eq!(shady.warning.as_deref(), Some("Runs what it is sent"));
    assert_eq!(registry.look_up(&id("none")).await.unwrap(), None);
    assert!(matches!(registry.look_up(&id("renamed")).await, Err(SourceError::Nonsense(_))));
    assert!(matches!(registry.search("nonsense", 5).await, Err(SourceError::Nonsense(_))));
}

#[tokio::test]
async fn archives_are_downloaded_within_bounds() {
    let registry = registry().await;
    let get = async |slug: &str, version: &str| registry.download(&id(slug), &version.parse().unwrap()).await;
    assert_eq!(get("gifgrep", "1.2.3").await.unwrap().as_deref(), Some(b"PK".as_slice()));
    assert_eq!(get("gifgrep", "9.9.9").await.unwrap(), None);
    assert_eq!(get("moved", "1.0.0").await.unwrap().as_deref(), Some(b"PK".as_slice()));
    assert!(matches!(get("circles", "1.0.0").await, Err(SourceError::Unreachable(_))));
    for long in ["huge", "endless"] {
        let error = get(long, "1.0.0").await.unwrap_err().to_string();
        assert!(error.contains("longer than"), "{long}: {error}");
    }
    let slow = get("slow", "1.0.0").await.unwrap_err().to_string();
    assert!(slow.contains("too long"), "{slow}");
    assert!(matches!(get("down", "1.0.0").await, Err(SourceError::Unreachable(_))));
    let busy = get("busy", "1.0.0").await.unwrap_err();
    assert!(matches!(busy, SourceError::Busy { retry_after: Some(wait) } if wait == Duration::from_secs(34)));
    let bad = get("bad", "1.0.0").await.unwrap_err().to_string();
    assert!(bad.contains("malware"), "{bad}");
    assert!(matches!(get("gone", "1.0.0").await, Err(SourceError::Refused(_))));
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_told() {
    let registry = Registry::new(RegistryOptions {
        url: "http://127.0.0.1:1".parse().unwrap(),
        timeout: Duration::from_secs(2),
    });
    let error = registry.look_up(&id("gifgrep")).await.unwrap_err();
    assert!(matches!(error, SourceError::Unreachable(_)), "{error}");
}
