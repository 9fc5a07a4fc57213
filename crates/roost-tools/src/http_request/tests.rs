use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap as Headers, Uri, header};
use axum::response::Redirect;
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use roost_domain::gate::Profile;
use roost_domain::secret::Secret;
use roost_domain::tool::{ToolOutcome, ToolStatus};
use roost_ports::tool::{Added, Plan, Tools};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::tests::{call, permit, run, spec as machine_spec, tools};

/// A server on loopback that ends with the test.
struct Served {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

async fn serve(router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served { address, _tasks: tasks }
}

/// Says these bytes to whoever connects, once it has read the request's head; then waits for the end.
async fn serve_bytes(answer: Vec<u8>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(&answer).await.unwrap();
    });
    Served { address, _tasks: tasks }
}

/// A name service in which every name has the same addresses; counts how often it is asked.
#[derive(Default)]
struct Names {
    addresses: Vec<IpAddr>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.addresses.clone())
    }
}

fn names(addresses: &[&str]) -> Arc<Names> {
    Arc::new(Names {
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        ..Names::default()
    })
}

fn options(resolver: &Arc<Names>) -> HttpOptions {
    HttpOptions { resolver: Arc::clone(resolver) as Arc<dyn Resolver>, roots: Roots::System }
}

/// Sends a request from an agent with these privately listed hosts; every name is 127.0.0.1.
async fn send(allow_private: &[&str], arguments: Value) -> ToolOutcome {
    let tools = tools(None, options(&names(&["127.0.0.1"])));
    run(&tools, &machine_spec(Profile::Standard, &[], allow_private), NAME, arguments).await
}

async fn get_from(served: &Served, path: &str) -> ToolOutcome {
    send(&["127.0.0.1"], json!({"method": "GET", "url": format!("http://{}{path}", served.address)})).await
}

fn counting(hits: &Arc<AtomicUsize>) -> Router {
    let hits = Arc::clone(hits);
    Router::new().fallback(move || {
        hits.fetch_add(1, Ordering::SeqCst);
        async { "hello" }
    })
}

#[tokio::test]
async fn an_answer_comes_with_status_headers_and_body() {
    let echo = |method: axum::http::Method, headers: Headers, body: String| async move {
        let seen = format!("{method} {} {body}", headers["x-key"].to_str().unwrap());
        ([(header::SET_COOKIE, "session=1"), (header::ETAG, "\"v1\"")], seen)
    };
    let served = serve(Router::new().route("/a", any(echo))).await;
    let url = format!("http://{}/a", served.address);
    let arguments = json!({"method": "POST", "url": url, "headers": {"X-Key": "k"}, "body": "text"});
    let outcome = send(&["127.0.0.1"], arguments).await;
    assert_eq!(outcome.status, ToolStatus::Done);
    let text: Vec<&str> = outcome.text.lines().filter(|line| !line.starts_with("date: ")).collect();
    assert_eq!(
        text,
        [
            "HTTP 200 OK",
            "content-type: text/plain; charset=utf-8",
            "content-length: 11",
            "etag: \"v1\"",
            "",
            "POST k text"
        ]
    );
}

#[tokio::test]
async fn an_answer_that_is_an_error_is_an_answer() {
    let served = serve(Router::new()).await;
    let outcome = get_from(&served, "/none").await;
    assert_eq!(outcome.status, ToolStatus::Done);
    assert!(outcome.text.starts_with("HTTP 404 Not Found\n"), "{}", outcome.text);
    assert!(outcome.text.ends_with("\n[no body]"), "{}", outcome.text);
}

#[tokio::test]
async fn inner_addresses_are_refused_in_every_spelling_and_no_connection_is_made() {
    let hits = Arc::new(AtomicUsize::new(0));
    let served = serve(counting(&hits)).await;
    let port = served.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "0",
        "localhost",
        "files.example.",
    ] {
        let url = format!("http://{host}:{port}/");
        let outcome = send(&["other.example"], json!({"method": "GET", "url": url})).await;
        assert_eq!(outcome.status, ToolStatus::Failed, "{host}");
        assert!(outcome.text.contains("is not a public address. Add \""), "{host}: {}", outcome.text);
        assert!(outcome.text.contains("to config.network.allowPrivate"), "{host}: {}", outcome.text);
    }
    let named = send(&[], json!({"method": "GET", "url": format!("http://files.example:{port}/")})).await;
    assert_eq!(
        named.text,
        "the connection was refused: files.example resolves to 127.0.0.1, which is not a public address. Add \
         \"files.example\" to config.network.allowPrivate to allow it"
    );
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn being_listed_does_not_open_inner_addresses_and_being_listed_privately_does() {
    let hits = Arc::new(AtomicUsize::new(0));
    let served = serve(counting(&hits)).await;
    let resolver = names(&["127.0.0.1"]);
    let tools = tools(None, options(&resolver));
    let url = format!("http://files.example:{}/", served.address.port());
    let arguments = json!({"method": "GET", "url": url});
    let listed = machine_spec(Profile::Open, &["files.example", "*"], &[]);
    assert_eq!(run(&tools, &listed, NAME, arguments.clone()).await.status, ToolStatus::Failed);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
    let privately = machine_spec(Profile::Standard, &[], &["files.example"]);
    let outcome = run(&tools, &privately, NAME, arguments).await;
    assert!(outcome.text.ends_with("\nhello"), "{}", outcome.text);
    assert_eq!(hits.load(Ordering::SeqCst), 1);
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 2, "a name is resolved once for a request");
}

#[tokio::test]
async fn of_several_addresses_only_permitted_ones_remain() {
    let target = Target::new(Url::parse("https://mixed.example/").unwrap()).unwrap();
    let spec = machine_spec(Profile::Standard, &[], &["inner.example:443"]);
    let resolver = names(&["10.0.0.1", "1.1.1.1", "169.254.169.254", "2606:4700::1111", "::1"]);
    let found = resolve::permitted(resolver.as_ref(), &target, &spec.network).await.unwrap();
    let expected: Vec<SocketAddr> =
        vec!["1.1.1.1:443".parse().unwrap(), "[2606:4700::1111]:443".parse().unwrap()];
    assert_eq!(found, expected);
    let inner = Target::new(Url::parse("https://inner.example/").unwrap()).unwrap();
    assert_eq!(resolve::permitted(resolver.as_ref(), &inner, &spec.network).await.unwrap().len(), 5);
    let other_port = Target::new(Url::parse("https://inner.example:8443/").unwrap()).unwrap();
    assert_eq!(resolve::permitted(resolver.as_ref(), &other_port, &spec.network).await.unwrap().len(), 2);
    let nothing = resolve::permitted(names(&[]).as_ref(), &inner, &spec.network).await.unwrap_err();
    assert_eq!(nothing.0, "the name inner.example has no address");
}

/// `/there` leads to `location`; `/end` tells which headers arrived.
async fn redirecting(location: String) -> Served {
    let there = move || async move { Redirect::temporary(&location) };
    let end = |headers: Headers| async move { format!("key: {}", headers.contains_key("x-key")) };
    serve(Router::new().route("/there", get(there)).route("/end", get(end))).await
}

#[tokio::test]
async fn a_redirect_on_the_same_host_is_followed_with_its_headers() {
    let served = redirecting("/end".to_owned()).await;
    let url = format!("http://{}/there", served.address);
    let arguments = json!({"method": "GET", "url": url, "headers": {"X-Key": "k"}});
    let outcome = send(&["127.0.0.1"], arguments).await;
    let end = format!("[redirected to http://{}/end]\nHTTP 200 OK\n", served.address);
    assert!(outcome.text.starts_with(&end) && outcome.text.ends_with("\nkey: true"), "{}", outcome.text);
}

#[tokio::test]
async fn a_redirect_to_a_listed_host_is_followed_without_headers() {
    let other = redirecting("/".to_owned()).await;
    let served = redirecting(format!("http://b.example:{}/end", other.address.port())).await;
    let url = format!("http://a.example:{}/there", served.address.port());
    let arguments = json!({"method": "GET", "url": url, "headers": {"X-Key": "k"}});
    let outcome = send(&["a.example", "b.example"], arguments).await;
    assert!(outcome.text.ends_with("\nkey: false"), "{}", outcome.text);
}

#[tokio::test]
async fn a_redirect_to_an_unlisted_host_is_handed_back() {
    let hits = Arc::new(AtomicUsize::new(0));
    let other = serve(counting(&hits)).await;
    let location = format!("http://b.example:{}/end", other.address.port());
    let served = redirecting(location.clone()).await;
    let url = format!("http://a.example:{}/there", served.address.port());
    let outcome = send(&["a.example"], json!({"method": "GET", "url": url})).await;
    assert_eq!(outcome.status, ToolStatus::Done);
    assert!(
        outcome.text.starts_with("[the redirect was not followed: it leads to b.example:"),
        "{}",
        outcome.text
    );
    assert!(outcome.text.contains("HTTP 307 Temporary Redirect\n"), "{}", outcome.text);
    assert!(outcome.text.contains(&format!("\nlocation: {location}\n")), "{}", outcome.text);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_to_a_listed_host_with_an_inner_address_is_refused() {
    let hits = Arc::new(AtomicUsize::new(0));
    let other = serve(counting(&hits)).await;
    let served = redirecting(format!("http://b.example:{}/end", other.address.port())).await;
    let tools = tools(None, options(&names(&["127.0.0.1"])));
    let url = format!("http://a.example:{}/there", served.address.port());
    let spec = machine_spec(Profile::Standard, &["b.example"], &["a.example"]);
    let outcome = run(&tools, &spec, NAME, json!({"method": "GET", "url": url})).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert!(outcome.text.contains("b.example resolves to 127.0.0.1"), "{}", outcome.text);
    assert_eq!(hits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    let served = serve(Router::new().fallback(move |uri: Uri| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { Redirect::permanent(&format!("{}x", uri.path())) }
    }))
    .await;
    let outcome = get_from(&served, "/").await;
    assert!(outcome.text.contains("[redirected more than 5 times; not followed on]"), "{}", outcome.text);
    assert_eq!(hits.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap() {
    let endless = || async {
        let chunk = Bytes::from(vec![b'x'; 8192]);
        Body::from_stream(stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone())))
    };
    let served = serve(Router::new().route("/", get(endless))).await;
    let outcome = get_from(&served, "/").await;
    assert_eq!(outcome.status, ToolStatus::Done);
    assert!(outcome.text.ends_with("x\n[the body is cut after 256KiB]"));
    assert!((256 * 1024..257 * 1024).contains(&outcome.text.len()), "{}", outcome.text.len());
}

#[tokio::test]
async fn a_slow_body_ends_at_the_deadline_with_what_had_come() {
    let slow = || async {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]);
        Body::from_stream(first.chain(stream::pending()))
    };
    let served = serve(Router::new().route("/", get(slow))).await;
    let url = format!("http://{}/", served.address);
    let outcome = send(&["127.0.0.1"], json!({"method": "GET", "url": url, "timeout_s": 1})).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert!(
        outcome.text.ends_with("\nfirst\n[the time ran out after 5B of the body; the rest is missing]"),
        "{}",
        outcome.text
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_at_the_deadline() {
    let served = serve(Router::new().fallback(std::future::pending::<()>)).await;
    let url = format!("http://{}/", served.address);
    let outcome = send(&["127.0.0.1"], json!({"method": "GET", "url": url, "timeout_s": 1})).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert_eq!(outcome.text, "127.0.0.1 did not answer within 1 s; a larger timeout_s (up to 120) may help");
}

#[tokio::test]
async fn half_a_body_is_not_taken_for_a_whole_one() {
    let served = serve_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec()).await;
    let outcome = get_from(&served, "/").await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert!(outcome.text.contains("\nhalf\n[the body broke off after 4B: "), "{}", outcome.text);
}

#[tokio::test]
async fn nonsense_in_place_of_http_is_told() {
    let served = serve_bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()).await;
    let outcome = get_from(&served, "/").await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert!(outcome.text.starts_with("no answer from 127.0.0.1:"), "{}", outcome.text);
}

#[tokio::test]
async fn a_small_answer_does_not_unfold_into_a_large_one() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packer, &vec![b'x'; 16 * 1024 * 1024]).unwrap();
    let packed = Bytes::from(packer.finish().unwrap());
    let bomb = move |headers: Headers| {
        assert!(!headers.contains_key(header::ACCEPT_ENCODING), "nobody asks for compression");
        let packed = packed.clone();
        async move { ([(header::CONTENT_ENCODING, "gzip")], packed) }
    };
    let served = serve(Router::new().route("/", get(bomb))).await;
    let outcome = get_from(&served, "/").await;
    assert!(outcome.text.contains("\n[the body is compressed (gzip), "), "{}", outcome.text);
    assert!(outcome.text.len() < 1000, "{}", outcome.text.len());
}

#[tokio::test]
async fn binary_is_told_by_type_and_size_and_text_is_decoded() {
    let image = || async { ([(header::CONTENT_TYPE, "image/png")], b"\x89PNG\r\n\x1a\n\0\0\0\r".to_vec()) };
    let latin =
        || async { ([(header::CONTENT_TYPE, "text/plain; charset=\"ISO-8859-1\"")], b"na\xefve".to_vec()) };
    let marked = || async { b"\xff\xfeh\0i\0".to_vec() };
    let served =
        serve(Router::new().route("/png", get(image)).route("/latin", get(latin)).route("/bom", get(marked)))
            .await;
    let png = get_from(&served, "/png").await.text;
    assert!(png.ends_with("\n[the body is binary (image/png), 12B, and not shown]"), "{png}");
    assert!(get_from(&served, "/latin").await.text.ends_with("\nnaïve"));
    assert!(get_from(&served, "/bom").await.text.ends_with("\nhi"));
}

#[tokio::test]
async fn secrets_of_a_request_are_in_no_error() {
    // The port of a listener that is gone refuses connections.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/?token=hunter2");
    let headers = json!({"Authorization": "Bearer hunter2"});
    let outcome = send(&["127.0.0.1"], json!({"method": "GET", "url": url, "headers": headers})).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert!(outcome.text.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{}", outcome.text);
    assert!(outcome.text.contains("refused") && !outcome.text.contains("hunter2"), "{}", outcome.text);
}

#[tokio::test]
async fn dropping_the_call_closes_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let tools = tools(None, options(&names(&[])));
    let call = call(NAME, json!({"method": "GET", "url": url}));
    let Plan::Act { action, .. } = tools.plan(&call).unwrap() else { panic!() };
    let spec = machine_spec(Profile::Standard, &[], &["127.0.0.1"]);
    let mut stream = {
        let permit = permit(&call, action);
        let mut progress = |_: &str| {};
        let none = Injections::default();
        let running = tools.run(&permit, &call, &spec, &none, &mut progress);
        tokio::select! {
            _ = running => panic!("nobody answered"),
            accepted = listener.accept() => accepted.unwrap().0,
        }
    };
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
    // A reset is as good as an end: nobody holds the other side.
    assert!(closed.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn tls_is_spoken_with_those_whose_certificate_is_trusted() {
    let made = rcgen::generate_simple_self_signed(["secure.example".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let spec = machine_spec(Profile::Standard, &[], &["*"]);
    let ask = |host: &str| json!({"method": "GET", "url": format!("https://{host}:{port}/")});
    let resolver: Arc<dyn Resolver> = names(&["127.0.0.1"]);
    let trusting =
        HttpOptions { resolver: Arc::clone(&resolver), roots: Roots::SystemAnd(vec![certificate]) };
    let tools_trusting = tools(None, trusting);
    let outcome = run(&tools_trusting, &spec, NAME, ask("secure.example")).await;
    assert!(outcome.text.ends_with("\nsecret"), "{}", outcome.text);
    let other_name = run(&tools_trusting, &spec, NAME, ask("other.example")).await;
    assert_eq!(other_name.status, ToolStatus::Failed, "{}", other_name.text);
    let tools_doubting = tools(None, HttpOptions { resolver, roots: Roots::System });
    let unknown = run(&tools_doubting, &spec, NAME, ask("secure.example")).await;
    assert_eq!(unknown.status, ToolStatus::Failed, "{}", unknown.text);
    assert!(unknown.text.contains("certificate") || unknown.text.contains("TLS"), "{}", unknown.text);
}

#[test]
fn requests_become_the_action_with_host_and_port_as_they_will_be_used() {
    let action = |url: &str| HttpRequest::read(&json!({"method": "GET", "url": url})).ok().unwrap().action();
    let table = [
        ("https://API.example./x?y=1#part", "https://api.example./x?y=1", "api.example", 443),
        ("http://example.com", "http://example.com/", "example.com", 80),
        ("http://127.1:8080/", "http://127.0.0.1:8080/", "127.0.0.1", 8080),
        ("http://[::1]/", "http://[::1]/", "[::1]", 80),
        ("https://bücher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
    ];
    for (url, whole, host, port) in table {
        let host = host.parse().unwrap();
        let expected =
            Action::SendHttp { method: "GET".into(), url: whole.into(), host, port, carries: false };
        assert_eq!(action(url), expected);
    }
}

#[test]
fn only_asking_is_idempotent() {
    for (method, idempotent) in
        [("GET", true), ("HEAD", true), ("POST", false), ("PUT", false), ("DELETE", false)]
    {
        let request = HttpRequest::read(&json!({"method": method, "url": "http://a.example"})).ok().unwrap();
        assert_eq!(request.is_idempotent(), idempotent, "{method}");
    }
}

#[test]
fn requests_that_cannot_be_sent_are_told_how_to_write_them() {
    let url = "https://a.example/";
    let table = [
        (json!({"method": "GET", "url": "a.example"}), "`url` is no URL (relative URL without a base)"),
        (json!({"method": "GET", "url": "ftp://a.example"}), "`url` must begin with http:// or https://"),
        (json!({"method": "GET", "url": "https://u:p@a.example"}), "`url` must not hold a user or password"),
        (
            json!({"method": "BREW", "url": url}),
            "`method` must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ),
        (json!({"method": "get", "url": url}), "`method` must be one of GET"),
        (json!({"method": "HEAD", "url": url, "body": "x"}), "`body` cannot be sent with HEAD"),
        (json!({"method": "GET", "url": url, "headers": {"Host": "b"}}), "`headers.Host` cannot be set"),
        (json!({"method": "GET", "url": url, "headers": {"a b": "c"}}), "`headers.a b` is no header name"),
        (
            json!({"method": "GET", "url": url, "headers": {"a": "b\r\nc: d"}}),
            "`headers.a` must be a string without",
        ),
        (json!({"method": "GET", "url": url, "headers": {"a": 1}}), "`headers.a` must be a string, not 1"),
        (json!({"method": "GET", "url": url, "headers": {"a": "1", "A": "2"}}), "is given twice"),
        (
            json!({"method": "GET", "url": url, "timeout_s": 121}),
            "`timeout_s` must be a whole number from 1 to 120",
        ),
    ];
    for (arguments, expected) in table {
        let problem = HttpRequest::read(&arguments).err().unwrap().0;
        assert!(problem.contains(expected), "{problem}");
    }
}

/// Sends a request that was given a secret for one place.
async fn send_with(given: &Injections, arguments: Value) -> ToolOutcome {
    let tools = tools(None, options(&names(&["127.0.0.1"])));
    let call = call(NAME, arguments);
    let Plan::Act { action, .. } = tools.plan(&call).unwrap() else { panic!() };
    let spec = machine_spec(Profile::Standard, &["other.example"], &["127.0.0.1", "other.example"]);
    tools.run(&permit(&call, action), &call, &spec, given, &mut |_| {}).await
}

fn given(served: &Served, method: &str, value: &str) -> Injections {
    let values = vec![("token".to_owned(), Secret::new(value))];
    Injections::new("127.0.0.1".parse().unwrap(), served.address.port(), method.to_owned(), values)
}

/// Sends back all that came, in many guises.
fn echo() -> Router {
    let all = |uri: Uri, headers: Headers| async move {
        let authorization = headers.get("authorization").map_or("none", |value| value.to_str().unwrap());
        let token = authorization.trim_start_matches("Bearer ").to_owned();
        let url: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &token);
        let json = json!({"seen": token}).to_string();
        ([(header::ETAG, token)], format!("{uri} [{authorization}] {url} {base64} {json}"))
    };
    Router::new().fallback(all)
}

#[tokio::test]
async fn a_secret_goes_into_a_header_and_out_of_the_answer() {
    let served = serve(echo()).await;
    let (value, path) = ("s3cr\"et/+=\\value", format!("http://{}/x", served.address));
    let given = given(&served, "GET", value);
    let headers = json!({"Authorization": "Bearer {{secret:token}}"});
    let outcome = send_with(&given, json!({"method": "GET", "url": path, "headers": headers})).await;
    assert_eq!(outcome.status, ToolStatus::Done, "{}", outcome.text);
    let put = "{{secret:token}}";
    let expected = format!("/x [Bearer {put}] {put} {put} {{\"seen\":\"{put}\"}}");
    assert!(outcome.text.ends_with(&expected), "{}", outcome.text);
    assert!(
        outcome.text.contains(&format!("etag: {put}")) && !outcome.text.contains("s3cr"),
        "{}",
        outcome.text
    );
    assert_eq!(given.status(), Some(200));
}

#[tokio::test]
async fn a_secret_goes_nowhere_it_was_not_given_out_for() {
    let hits = Arc::new(AtomicUsize::new(0));
    let served = serve(counting(&hits)).await;
    let other = serve(counting(&hits)).await;
    let headers = json!({"Authorization": "Bearer {{secret:token}}"});
    let url = format!("http://{}/x", served.address);
    for (given, method, url, headers) in [
        (Injections::default(), "GET", url.clone(), headers.clone()),
        (given(&served, "POST", "value"), "GET", url.clone(), headers.clone()),
        (given(&served, "GET", "value"), "GET", format!("http://{}/x", other.address), headers.clone()),
        (
            given(&served, "GET", "value"),
            "GET",
            format!("http://localhost:{}/", served.address.port()),
            headers,
        ),
        (given(&served, "GET", "value"), "GET", url.clone(), json!({"X-Key": "{{secret:other}}"})),
        (given(&served, "GET", "two\nlines"), "GET", url.clone(), json!({"X-Key": "{{secret:token}}"})),
    ] {
        let outcome = send_with(&given, json!({"method": method, "url": url, "headers": headers})).await;
        assert_eq!(outcome.status, ToolStatus::Failed, "{}", outcome.text);
        assert!(!outcome.text.contains("value") && !outcome.text.contains("two"), "{}", outcome.text);
        assert_eq!(given.status(), None);
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0, "nothing was sent");
}

#[tokio::test]
async fn a_redirect_does_not_carry_a_secret_to_another_place() {
    let headers = json!({"X-Key": "{{secret:token}}"});
    let other = serve(echo_key()).await;
    let onward = format!("http://{}/here", other.address);
    let elsewhere = format!("http://other.example:{}/here", other.address.port());
    let router = Router::new()
        .route("/away", any(move || async move { Redirect::temporary(&onward) }))
        .route("/listed", any(move || async move { Redirect::temporary(&elsewhere) }))
        .route("/changes", any(|| async { Redirect::to("/here") }))
        .route("/stays", any(|| async { Redirect::temporary("/here") }))
        .merge(echo_key());
    let served = serve(router).await;
    let send = async |method: &str, path: &str| {
        let given = given(&served, method, "hunter2hunter2");
        let url = format!("http://{}{path}", served.address);
        send_with(&given, json!({"method": method, "url": url, "headers": headers})).await.text
    };
    for path in ["/away", "/listed"] {
        let away = send("GET", path).await;
        assert!(away.contains("redirected to") && away.ends_with("key none"), "{path}: {away}");
    }
    let changes = send("POST", "/changes").await;
    assert!(changes.contains("the redirect was not followed: GET 127.0.0.1"), "{changes}");
    assert!(send("GET", "/stays").await.ends_with("key {{secret:token}}"), "the same place may have it");
}

fn echo_key() -> Router {
    let key = |headers: Headers| async move {
        format!("key {}", headers.get("x-key").map_or("none", |value| value.to_str().unwrap()))
    };
    Router::new().route("/here", any(key))
}

#[tokio::test]
async fn what_is_left_of_a_secret_at_the_end_of_a_cut_body_is_taken_off() {
    let body = format!("{}hunter2-hunter2-hunter2", "x".repeat(256 * 1024 - 12));
    let served = serve(Router::new().fallback(move || async move { body })).await;
    let given = given(&served, "GET", "hunter2-hunter2-hunter2");
    let url = format!("http://{}/", served.address);
    let arguments = json!({"method": "GET", "url": url, "headers": {"X-Key": "{{secret:token}}"}});
    let text = send_with(&given, arguments).await.text;
    assert!(text.contains("[the body is cut") && !text.contains("hunter"), "{}", &text[text.len() - 200..]);
}

#[tokio::test]
async fn what_is_left_of_a_secret_at_the_end_of_a_cut_header_is_none() {
    let value = "hunter2-hunter2-hunter2";
    let long = format!("{}{value}", "x".repeat(2048 - 12));
    let served = serve(Router::new().fallback(move || async move { [(header::ETAG, long)] })).await;
    let given = given(&served, "GET", value);
    let url = format!("http://{}/", served.address);
    let arguments = json!({"method": "GET", "url": url, "headers": {"X-Key": "{{secret:token}}"}});
    let text = send_with(&given, arguments).await.text;
    assert!(text.contains("etag: xxx") && !text.contains("hunter"), "{text}");
}

#[tokio::test]
async fn a_secret_is_known_again_however_it_is_written() {
    let value = " a<b>/\"c'&d-\u{e9} ";
    let bare = value.trim();
    let html = "a&lt;b&gt;/&quot;c&#39;&amp;d-\u{e9}";
    let lower = "a%3cb%3e%2f%22c%27%26d-%c3%a9";
    let padded = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, bare);
    let body = [bare, html, lower, &padded].join("\n");
    let served = serve(Router::new().fallback(move || async move { body })).await;
    let given = given(&served, "GET", value);
    let url = format!("http://{}/", served.address);
    let arguments = json!({"method": "GET", "url": url, "headers": {"X-Key": "{{secret:token}}"}});
    let text = send_with(&given, arguments).await.text;
    assert_eq!(text.matches("{{secret:token}}").count(), 4, "{text}");
}

#[test]
fn placeholders_stand_in_headers_only_and_are_named() {
    let read = |arguments: Value| HttpRequest::read(&arguments);
    for (part, arguments) in [
        ("url", json!({"method": "GET", "url": "https://example.com/?key={{secret:token}}"})),
        ("body", json!({"method": "POST", "url": "https://example.com/", "body": "{{secret:token}}"})),
    ] {
        let refused = read(arguments).err().unwrap().to_string();
        assert!(refused.contains(part) && refused.contains("cannot hold a secret"), "{refused}");
    }
    let headers = json!({"A": "{{secret:b}} {{secret:a}}", "C": "{{secret:b}}", "D": "plain"});
    let request =
        read(json!({"method": "GET", "url": "https://example.com/", "headers": headers})).ok().unwrap();
    assert_eq!(request.secrets(), ["b", "a"]);
}

#[tokio::test]
async fn what_the_server_adds_goes_to_its_place_alone_and_out_of_the_answer() {
    let hits = Arc::new(AtomicUsize::new(0));
    let other = serve(counting(&hits)).await;
    let onward = format!("http://other.example:{}/here", other.address.port());
    let router =
        Router::new().route("/away", any(move || async move { Redirect::temporary(&onward) })).merge(echo());
    let served = serve(router).await;
    let value = "hunter2&hunter2";
    let adding = |method: &str| {
        given(&served, method, value).adding(vec![
            Added::Header { name: "Authorization".into(), value: Secret::new(format!("Bearer {value}")) },
            Added::Query { name: "key".into(), value: Secret::new(value) },
        ])
    };
    let url = format!("http://{}/x?a=1", served.address);
    // The model's own header of that name is nobody's.
    let arguments = json!({"method": "GET", "url": url, "headers": {"authorization": "mine"}});
    let secrets = adding("GET");
    let text = send_with(&secrets, arguments).await.text;
    assert!(text.contains("/x?a=1&key={{secret:token}} [Bearer {{secret:token}}]"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(secrets.status(), Some(200));
    // Another method than the one that was decided about is another place.
    let text = send_with(&adding("POST"), json!({"method": "GET", "url": url})).await.text;
    assert!(text.contains("/x?a=1 [none]"), "{text}");
    let away = format!("http://{}/away", served.address);
    let text = send_with(&adding("GET"), json!({"method": "GET", "url": away})).await.text;
    assert!(text.contains("may not have the secret") && hits.load(Ordering::SeqCst) == 0, "{text}");
}
