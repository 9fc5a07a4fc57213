//! Webhooks from the real binary to a receiver on this machine, which checks signatures by itself.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::DEADLINE;
use crate::roost::{Options, Server};

/// Lets tests look again and again until something has come to be.
const GENEROUS: &str = "[api]\nrequests_per_minute = 1000000\n";

/// Lets webhooks come to this machine.
const LOOPBACK: &str = "[webhooks]\nallow_private = ['127.0.0.1']\n";

/// A receiver that answers as it is told and hands on what came.
struct Hook {
    url: String,
    came: Receiver<Message>,
}

/// A message that came, as text.
struct Message {
    head: String,
    body: String,
}

impl Hook {
    /// Answers the requests that come with these statuses, then with 204. 0 never answers.
    fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (sender, came) = channel();
        thread::spawn(move || {
            let mut silent = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.expect("a connection");
                let message = Message::read(&mut stream);
                match statuses.get(number).unwrap_or(&204) {
                    0 => silent.push(stream),
                    status => {
                        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                        // The server may be gone already.
                        let _ = stream.write_all(answer.as_bytes());
                    }
                }
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self { url, came }
    }

    fn next(&self) -> Message {
        self.came.recv_timeout(DEADLINE).expect("a webhook comes in time")
    }
}

impl Message {
    fn read(stream: &mut TcpStream) -> Self {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let length =
                text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if let (Some((head, body)), Some(length)) = (text.split_once("\r\n\r\n"), length)
                && body.len() >= length
            {
                return Self { head: head.to_owned(), body: body.to_owned() };
            }
            match stream.read(&mut chunk).expect("the request comes whole") {
                0 => panic!("the request broke off: {text}"),
                n => bytes.extend_from_slice(&chunk[..n]),
            }
        }
    }

    fn header(&self, name: &str) -> &str {
        let value = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("no {name}: {}", self.head))
    }

    /// Checks the signature as the specification says it, with an HMAC of the test's own.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let signed =
            format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let expected = format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

/// HMAC-SHA-256 (RFC 2104) for keys of at most a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded =
        |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

fn server(config: &str) -> Server {
    let server = Server::start(Options { config: format!("{GENEROUS}{config}"), ..Options::default() });
    server.agent("robin", "scripted/demo", &["--policy", "strict"]);
    server
}

async fn endpoint(server: &Server, url: &str) -> (String, String) {
    let (status, body) = server.post("/v1/webhook-endpoints", &json!({"url": url})).await;
    assert_eq!(status, 201, "{body}");
    let text = |field: &str| body["data"][field].as_str().expect("a text").to_owned();
    (text("id"), text("secret"))
}

#[tokio::test]
async fn an_approval_is_told_with_a_signature_and_no_secret_is_ever_logged() {
    let hook = Hook::start(&[]);
    let server = server(&format!("{LOOPBACK}[log]\nfilter = 'trace'\n"));
    let (id, secret) = endpoint(&server, &hook.url).await;
    assert_eq!(server.run(&["chat", "run `true`"]).status.code(), Some(3));
    let asked = hook.next();
    assert_eq!(asked.json()["type"], "approval.requested");
    assert!(asked.is_signed_with(&secret), "{} {}", asked.head, asked.body);
    let approval = asked.json()["data"]["approval_id"].as_str().expect("an id").to_owned();

    let (status, rotated) = server.post(&format!("/v1/webhook-endpoints/{id}/rotate"), &json!({})).await;
    assert_eq!(status, 200, "{rotated}");
    let new = rotated["data"]["secret"].as_str().expect("a secret").to_owned();
    server.print(&["approvals", "deny", &approval]);
    let denied = hook.next();
    assert_eq!(denied.json()["type"], "approval.denied");
    assert!(denied.is_signed_with(&secret) && denied.is_signed_with(&new));
    for secret in [secret, new] {
        assert!(!server.log().contains(&secret["whsec_".len()..]), "the log holds a secret");
        let (_, listed) = server.get("/v1/webhook-endpoints").await;
        assert!(!listed.to_string().contains("whsec_"), "{listed}");
    }
}

#[tokio::test]
async fn what_was_under_way_or_waiting_goes_on_after_kill_9_under_the_same_id() {
    let hook = Hook::start(&[0, 204, 500]);
    let mut server = server(LOOPBACK);
    let (id, secret) = endpoint(&server, &hook.url).await;
    assert_eq!(server.run(&["chat", "run `true`"]).status.code(), Some(3));
    let unanswered = hook.next();
    server.kill9();
    server.restart();
    let again = hook.next();
    assert_eq!(unanswered.header("webhook-id"), again.header("webhook-id"));
    assert_eq!(unanswered.body, again.body);

    let approval = again.json()["data"]["approval_id"].as_str().expect("an id").to_owned();
    server.print(&["approvals", "deny", &approval]);
    let refused = hook.next();
    let waiting = async |server: &Server| {
        let (_, body) = server.get(&format!("/v1/webhook-endpoints/{id}/deliveries?status=pending")).await;
        body["data"][0]["lastStatus"] == 500
    };
    let deadline = Instant::now() + DEADLINE;
    while !waiting(&server).await {
        assert!(Instant::now() < deadline, "what was refused does not wait for its next try");
    }
    server.kill9();
    server.restart();
    let taken = hook.next();
    assert_eq!(refused.header("webhook-id"), taken.header("webhook-id"));
    assert!(taken.is_signed_with(&secret));
}

#[tokio::test]
async fn nothing_is_posted_to_this_machine_where_its_owner_does_not_say_so() {
    let server = server("");
    for url in ["http://127.0.0.1:1/", "http://[::1]:1/", "http://169.254.169.254/latest/meta-data"] {
        let (status, body) = server.post("/v1/webhook-endpoints", &json!({"url": url})).await;
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains("webhooks.allow_private"), "{body}");
    }
    // A name is looked up when something is sent.
    let (id, _) = endpoint(&server, "http://localhost:1/").await;
    assert_eq!(server.run(&["chat", "run `true`"]).status.code(), Some(3));
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (_, body) = server.get(&format!("/v1/webhook-endpoints/{id}/deliveries")).await;
        if let Some(why) = body["data"][0]["lastError"].as_str() {
            assert!(
                why.contains("localhost:1 resolves to") && why.contains("is not a public address"),
                "{why}"
            );
            return;
        }
        assert!(Instant::now() < deadline, "{body}");
    }
}
