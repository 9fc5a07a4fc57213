use std::sync::Mutex;

use roost_domain::files::FileRules;
use roost_domain::machine::Size;
use tokio::io::AsyncReadExt;

use super::*;

#[derive(Default)]
struct Attempts(Mutex<Vec<Attempt>>);

impl Connections for Attempts {
    fn attempted(&self, attempt: Attempt) {
        self.0.lock().unwrap().push(attempt);
    }
}

/// Sends a request through a door and returns all that comes back, and what was noted.
async fn through(profile: Profile, private: &[String], request: &str) -> (String, Vec<Attempt>) {
    let attempts = Arc::new(Attempts::default());
    let spec = Spec {
        agent: AgentId::from_uuid(uuid::Uuid::from_u128(1)),
        limits: Size::Small.limits(),
        profile,
        network: NetworkRules {
            allow: vec!["localhost".parse().unwrap()],
            allow_private: private.iter().map(|rule| rule.parse().unwrap()).collect(),
            ..NetworkRules::default()
        },
        files: FileRules::default(),
        hosted: None,
    };
    let door = Door::new(&spec, Arc::clone(&attempts) as Arc<dyn Connections>);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (inner, _) = listener.accept().await.unwrap();
    let asking = async {
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let both = async { tokio::join!(door.connection(inner), asking) };
    let ((), answer) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    let noted = attempts.0.lock().unwrap().clone();
    (answer, noted)
}

/// A server that answers everything with what it was asked.
async fn echo(tasks: &TaskTracker) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            stream.read_to_end(&mut text).await.unwrap();
            stream.write_all(b"heard: ").await.unwrap();
            stream.write_all(&text).await.unwrap();
        }
    };
    tasks.spawn(serve);
    port
}

#[tokio::test]
async fn an_inner_address_is_refused_in_every_disguise_unless_listed() {
    let tasks = TaskTracker::new();
    let port = echo(&tasks).await;
    for host in ["127.0.0.1", "localhost", "LOCALHOST.", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]"] {
        let (answer, noted) =
            through(Profile::Open, &[], &format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\nhi")).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{host}: {answer}");
        assert!(answer.contains("config.network.allowPrivate"), "{host}: {answer}");
        assert_eq!(noted.len(), 1, "{host}");
        assert!(noted[0].refused.is_some(), "{host}");
    }
    for host in ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"] {
        let (answer, noted) =
            through(Profile::Open, &[], &format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{host}: {answer}");
        assert!(noted[0].refused.is_some(), "{host}");
    }
    let listed = [format!("localhost:{port}")];
    let (answer, noted) =
        through(Profile::Standard, &listed, &format!("CONNECT localhost:{port} HTTP/1.1\r\n\r\nhi")).await;
    assert!(answer.ends_with("\r\n\r\nheard: hi"), "{answer}");
    assert_eq!((noted[0].target.as_str(), &noted[0].refused), (format!("localhost:{port}").as_str(), &None));
}

#[tokio::test]
async fn a_plain_request_goes_through_to_a_listed_host() {
    let tasks = TaskTracker::new();
    let port = echo(&tasks).await;
    let request = format!("GET http://127.0.0.1:{port}/x HTTP/1.1\r\nHost: a\r\nUser-Agent: t\r\n\r\n");
    let (answer, _) = through(Profile::Standard, &[format!("127.0.0.1:{port}")], &request).await;
    assert_eq!(
        answer,
        format!(
            "heard: GET /x HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nUser-Agent: t\r\n\r\n"
        )
    );
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused_with_the_grant() {
    let (answer, noted) =
        through(Profile::Standard, &[], "CONNECT api.example.com:443 HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("Add \"api.example.com\" to config.network.allow"), "{answer}");
    assert_eq!(noted[0].target, "api.example.com:443");
    let (answer, _) = through(Profile::Standard, &[], "GET / HTTP/1.1\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_said_to_be_unreachable() {
    // A port that was just free.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (answer, noted) = through(
        Profile::Standard,
        &["127.0.0.1".to_owned()],
        &format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert_eq!(noted[0].refused, None, "it was let through");
}
