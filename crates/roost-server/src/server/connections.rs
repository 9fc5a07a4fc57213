//! Connections: accepted up to a bound, read with patience that ends, closed in good order.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use roost_http::Patient;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::config::file;

/// How long to wait before accepting again after the system could not (mostly because files ran out).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The open connections of a server.
pub(crate) struct Connections {
    tasks: TaskTracker,
    places: Arc<Semaphore>,
    header_timeout: Duration,
    write_timeout: Duration,
    /// No more requests: idle connections close, running requests finish.
    finishing: CancellationToken,
    /// Event streams end too.
    ending: CancellationToken,
}

impl Connections {
    pub(crate) fn new(options: &file::Server) -> Self {
        Self {
            tasks: TaskTracker::new(),
            places: Arc::new(Semaphore::new(options.max_connections.clamp(1, Semaphore::MAX_PERMITS))),
            header_timeout: options.header_timeout.0,
            write_timeout: options.write_timeout.0,
            finishing: CancellationToken::new(),
            ending: CancellationToken::new(),
        }
    }

    /// Accepts connections and serves each, for ever.
    ///
    /// # Cancel
    ///
    /// Safe: connections that are open go on.
    pub(crate) async fn accept(&self, listener: &TcpListener, router: &Router) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let serving = self.serve(stream, peer, router.clone());
                    self.tasks.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, router: Router) -> impl Future<Output = ()> + use<> {
        let (finishing, ending) = (self.finishing.clone(), self.ending.clone());
        let (header_timeout, write_timeout) = (self.header_timeout, self.write_timeout);
        async move {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection ended before it began");
                return;
            }
            let until = ending.clone();
            let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                let (router, until) = (router.clone(), until.clone());
                async move {
                    // silent-ok: a router's service never fails
                    let response =
                        router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never| match never {});
                    Ok::<_, Infallible>(ending_with(response, &until))
                }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(header_timeout)
                .serve_connection(TokioIo::new(Patient::new(stream, write_timeout)), service);
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = finishing.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, %peer, "a connection broke off");
            }
        }
    }

    /// Lets running requests finish and begins no more.
    pub(crate) fn finish_requests(&self) {
        self.finishing.cancel();
        self.tasks.close();
    }

    /// Ends event streams where they are and waits until every connection is closed.
    pub(crate) async fn end_streams(&self) {
        self.ending.cancel();
        self.tasks.wait().await;
    }
}

/// Makes an event stream end when the server does: by itself it never would, and a connection that is cut off in
/// the middle of an answer looks like a fault to its client.
fn ending_with(response: Response, ending: &CancellationToken) -> Response {
    let is_stream = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        return response;
    }
    let ending = ending.clone();
    response.map(|body| {
        let (mut data, mut ended) = (body.into_data_stream(), Box::pin(ending.cancelled_owned()));
        // What is ready goes out first.
        Body::from_stream(poll_fn(move |context| match data.poll_next_unpin(context) {
            Poll::Pending => ended.as_mut().poll(context).map(|()| None),
            ready => ready,
        }))
    })
}

#[cfg(test)]
mod tests;
