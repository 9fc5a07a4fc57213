use std::sync::Arc;
use std::time::Duration;

use roost_domain::integration::OAuth;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::client::{Roots, SystemResolver};

/// Answers one request with this and returns what a renewal came to.
async fn renewed(status: &str, body: &str) -> Result<Tokens, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let serve = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&asked).contains("grant_type=refresh_token") {
            let read = stream.read(&mut part).await.unwrap();
            asked.extend_from_slice(&part[..read]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let url = |path: &str| format!("http://{host}/{path}").parse().unwrap();
    let client = OAuthClient {
        oauth: OAuth {
            authorize: url("authorize"),
            token: url("token"),
            revoke: None,
            scopes: Vec::new(),
            known_scopes: Vec::new(),
            separator: " ".to_owned(),
            pkce: true,
            client_auth: ClientAuth::Body,
            authorize_parameters: std::collections::BTreeMap::new(),
        },
        fields: std::collections::BTreeMap::new(),
        id: "roost".to_owned(),
        secret: None,
        redirect: "http://127.0.0.1/oauth/callback".to_owned(),
    };
    let rules = roost_domain::network::NetworkRules {
        allow_private: vec![host.to_string().parse().unwrap()],
        ..roost_domain::network::NetworkRules::default()
    };
    let http = Client::new(Arc::new(SystemResolver), Roots::System, rules);
    let (refresh_token, deadline) = (Secret::new("old"), Instant::now() + Duration::from_secs(20));
    let (renewed, ()) = tokio::join!(refresh(&http, &client, &refresh_token, deadline), serve);
    renewed
}

#[tokio::test]
async fn only_a_grant_that_is_over_ends_a_connection() {
    for (status, body, ends) in [
        ("400 Bad Request", r#"{"error":"invalid_grant"}"#, true),
        ("401 Unauthorized", r#"{"error":"invalid_grant","error_description":"Revoked."}"#, true),
        ("200 OK", r#"{"error":"bad_refresh_token"}"#, true),
        ("401 Unauthorized", r#"{"error":"invalid_client"}"#, false),
        ("400 Bad Request", r#"{"message":"try later"}"#, false),
        ("429 Too Many Requests", r#"{"error":"invalid_grant"}"#, false),
        ("500 Internal Server Error", r#"{"error":"invalid_grant"}"#, false),
        ("503 Service Unavailable", r#"{"error":"temporarily_unavailable"}"#, false),
        ("502 Bad Gateway", "<html>", false),
        ("200 OK", r#"{"hello":"world"}"#, false),
    ] {
        let error = renewed(status, body).await.err().unwrap();
        assert_eq!(matches!(error, Error::Refused { .. }), ends, "{status} {body}: {error}");
        assert!(ends || matches!(error, Error::NoAnswer(_)), "{status} {body}: {error}");
    }
    assert_eq!(renewed("200 OK", r#"{"access_token":"new"}"#).await.ok().unwrap().access.expose(), "new");
}
