use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::response::sse::Event;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::event_stream;

/// Accepts patient connections, as the server does.
struct Listener(TcpListener, Duration);

impl axum::serve::Listener for Listener {
    type Io = Patient<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        let (stream, addr) = axum::serve::Listener::accept(&mut self.0).await;
        (Patient::new(stream, self.1), addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Tells when a stream is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Serves endless events, and tells when the stream was dropped.
async fn endless(patience: Duration) -> (TcpStream, Arc<AtomicBool>, tokio::task::JoinSet<()>) {
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let handler = async move || {
        let guard = Dropped(Arc::clone(&flag));
        let line = "x".repeat(16 * 1024);
        event_stream(futures_util::stream::repeat_with(move || {
            let _held = &guard;
            Event::default().data(&line)
        }))
    };
    let app = Router::new().route("/", get(handler));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = tcp.local_addr().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(Listener(tcp, patience), app).await.unwrap() });
    let mut client = TcpStream::connect(addr).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    (client, dropped, tasks)
}

async fn until(condition: impl Fn() -> bool) -> bool {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.is_ok()
}

#[tokio::test]
async fn a_reader_that_takes_nothing_loses_its_stream() {
    let (client, dropped, _server) = endless(Duration::from_millis(200)).await;
    assert!(until(|| dropped.load(Ordering::SeqCst)).await, "the stream of a silent reader lives on");
    drop(client);
}

#[tokio::test]
async fn a_slow_reader_that_takes_something_now_and_then_keeps_its_stream() {
    let patience = Duration::from_millis(400);
    let (mut client, dropped, _server) = endless(patience).await;
    let begun = Instant::now();
    let mut buffer = vec![0; 4 << 20];
    while begun.elapsed() < 4 * patience {
        // Takes enough each time that the kernel's buffers drain and the server writes again.
        let mut taken = 0;
        while taken < 8 << 20 {
            taken += client.read(&mut buffer).await.unwrap();
        }
        tokio::time::sleep(patience / 4).await;
    }
    assert!(!dropped.load(Ordering::SeqCst), "the stream of a slow reader was closed");
}
