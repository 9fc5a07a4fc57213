use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use roost_domain::id::DeliveryId;
use roost_domain::secret::Secret;
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A name service that knows one answer and counts how often it is asked.
struct Always(Vec<IpAddr>, AtomicUsize);

#[async_trait]
impl Resolver for Always {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

fn resolving(addresses: &[&str]) -> Arc<Always> {
    Arc::new(Always(addresses.iter().map(|one| one.parse().unwrap()).collect(), AtomicUsize::new(0)))
}

fn sender(allow_private: &[&str], resolver: &Arc<Always>) -> Webhooks {
    let rules = allow_private.iter().map(|rule| rule.parse().unwrap()).collect();
    Webhooks::new(WebhookOptions { resolver: resolver.clone(), ..WebhookOptions::system(rules) })
}

fn request(url: &str) -> WebhookRequest {
    WebhookRequest {
        id: DeliveryId::from_uuid(Uuid::from_u128(7)),
        url: url.to_owned(),
        at: Timestamp::from_second(1_770_732_000).unwrap(),
        body: "{\"type\":\"gate.blocked\",\"data\":{\"why\":\"ö\"}}".to_owned(),
        secrets: vec![Secret::new(SECRET)],
    }
}

/// Reads one request whole and answers it.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), answer: &str) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if let (Some((head, _)), Some(length)) = (text.split_once("\r\n\r\n"), length)
            && bytes.len() >= head.len() + 4 + length
        {
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            return text;
        }
        match stream.read(&mut chunk).await.unwrap() {
            0 => return text,
            n => bytes.extend_from_slice(&chunk[..n]),
        }
    }
}

/// Takes one connection and answers its request; returns the port and, later, the request.
async fn receiver(answer: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[expect(clippy::disallowed_methods, reason = "each test awaits its receiver")]
    let request = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        exchange(&mut stream, answer).await
    });
    (port, request)
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let head = request.split("\r\n\r\n").next().unwrap();
    let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {head}"))
}

#[tokio::test]
async fn a_message_comes_with_a_signature_that_its_receiver_can_check() {
    let (port, received) = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
    let webhooks = sender(&["127.0.0.1"], &resolving(&[]));
    let answer = webhooks.send(request(&format!("http://127.0.0.1:{port}/hook?token=x"))).await;
    assert_eq!(answer, Ok(Answer { status: 204, retry_after: None }));

    let received = received.await.unwrap();
    assert!(received.starts_with("POST /hook?token=x HTTP/1.1\r\n"), "{received}");
    assert_eq!(header(&received, "content-type"), "application/json");
    let (id, timestamp) = (header(&received, "webhook-id"), header(&received, "webhook-timestamp"));
    assert_eq!((id, timestamp), ("msg_00000000000000000000000000000007", "1770732000"));
    let body = received.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(body, request("").body);
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    let signature =
        STANDARD.decode(header(&received, "webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    mac.verify_slice(&signature).unwrap();
}

#[tokio::test]
async fn redirects_are_answers_and_retry_after_is_told() {
    let (port, received) = receiver(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let webhooks = sender(&["127.0.0.1"], &resolving(&[]));
    let send = async |port| webhooks.send(request(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
    assert_eq!(send(port).await.status, 307);
    received.await.unwrap();
    let (port, received) =
        receiver("HTTP/1.1 503 Busy\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(send(port).await, Answer { status: 503, retry_after: Some(Duration::from_secs(120)) });
    received.await.unwrap();
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_before_anything_is_sent() {
    for address in
        ["127.0.0.1", "10.0.0.8", "192.168.1.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1"]
    {
        let resolver = resolving(&[address]);
        let refused =
            sender(&[], &resolver).send(request("http://hooks.example.com/secret")).await.unwrap_err();
        assert!(matches!(refused, SendError::NotPublic { .. }), "{address}: {refused}");
        let text = refused.to_string();
        assert!(text.contains("hooks.example.com:80") && text.contains(address), "{text}");
        assert!(text.contains("webhooks.allow_private") && !text.contains("secret"), "{text}");
        assert_eq!(resolver.1.load(Ordering::SeqCst), 1, "a name is looked up once");
    }
    let webhooks = sender(&[], &resolving(&[]));
    for url in [
        "http://127.0.0.1:9/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest",
    ] {
        assert!(matches!(webhooks.check(url), Err(SendError::NotPublic { .. })), "{url}");
        assert!(matches!(webhooks.send(request(url)).await, Err(SendError::NotPublic { .. })), "{url}");
    }
}

#[tokio::test]
async fn a_listed_host_may_be_private_and_its_name_is_looked_up_once() {
    let (port, received) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let resolver = resolving(&["127.0.0.1"]);
    let webhooks = sender(&["*.internal"], &resolver);
    let answer = webhooks.send(request(&format!("http://hooks.internal:{port}/"))).await.unwrap();
    assert_eq!((answer.status, resolver.1.load(Ordering::SeqCst)), (200, 1));
    assert_eq!(header(&received.await.unwrap(), "host"), format!("hooks.internal:{port}"));
    assert!(webhooks.send(request(&format!("http://other.example:{port}/"))).await.is_err());
}

#[tokio::test]
async fn only_urls_that_can_be_sent_to_are_taken() {
    let webhooks = sender(&[], &resolving(&[]));
    assert_eq!(webhooks.check("https://example.com/hook?token=1"), Ok(()));
    let long = format!("https://example.com/{}", "a".repeat(2_000));
    for url in
        ["", "example.com", "ftp://example.com/", "https://a:b@example.com/", "https://example.com/#x", &long]
    {
        assert!(matches!(webhooks.check(url), Err(SendError::BadUrl(_))), "{url}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_timeout_and_a_closed_door_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let rules = vec!["127.0.0.1".parse().unwrap()];
    let options = WebhookOptions { timeout: Duration::from_millis(50), ..WebhookOptions::system(rules) };
    let webhooks = Webhooks::new(options);
    let url = format!("http://127.0.0.1:{port}/secret");
    let silent = webhooks.send(request(&url)).await.unwrap_err().to_string();
    assert_eq!(silent, format!("127.0.0.1:{port} did not answer within 0.05 s"));
    drop(listener);
    let closed = webhooks.send(request(&url)).await.unwrap_err().to_string();
    assert!(closed.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{closed}");
    assert!(!closed.contains("secret"), "{closed}");
}

#[tokio::test]
async fn an_endless_body_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[expect(clippy::disallowed_methods, reason = "the test awaits it")]
    let endless = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        exchange(&mut stream, "HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let webhooks = sender(&["127.0.0.1"], &resolving(&[]));
    assert_eq!(webhooks.send(request(&format!("http://127.0.0.1:{port}/"))).await.unwrap().status, 200);
    endless.await.unwrap();
}

#[tokio::test]
async fn certificates_are_checked() {
    let made = rcgen::generate_simple_self_signed(["hooks.internal".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[expect(clippy::disallowed_methods, reason = "the test awaits it")]
    let served = tokio::spawn(async move {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err(), "the first does not trust it");
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        exchange(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        // The client may have closed already.
        let _ = stream.shutdown().await;
    });
    let resolver = resolving(&["127.0.0.1"]);
    let url = format!("https://hooks.internal:{port}/");
    let refused = sender(&["*.internal"], &resolver).send(request(&url)).await.unwrap_err().to_string();
    assert!(refused.starts_with("cannot connect to") && refused.contains("certificate"), "{refused}");
    let rules = vec!["*.internal".parse().unwrap()];
    let roots = Roots::SystemAnd(vec![made.cert.der().clone()]);
    let trusting = Webhooks::new(WebhookOptions { resolver, roots, ..WebhookOptions::system(rules) });
    assert_eq!(trusting.send(request(&url)).await.unwrap().status, 200);
    served.await.unwrap();
}
