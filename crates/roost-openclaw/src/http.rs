//! Requests to a gateway, each over a connection of its own into the machine.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use roost_domain::gate::Permit;
use roost_ports::machine::Machine;
use tokio_util::task::TaskTracker;

use crate::setup::PORT;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nothing was sent.
    Before(String),
    /// The request was sent, or a part of it.
    After(String),
}

/// Sends a request and returns when the head of the answer is there. Dropping the answer closes the connection.
pub(crate) async fn send(
    machine: &dyn Machine,
    permit: &Permit,
    tasks: &TaskTracker,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failed> {
    let socket = machine.dial(permit, PORT).await.map_err(|error| Failed::Before(with_cause(&error)))?;
    let stream =
        tokio::net::TcpStream::from_std(socket).map_err(|error| Failed::Before(error.to_string()))?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| Failed::Before(error.to_string()))?;
    tasks.spawn(async move {
        // silent-ok: whoever reads the answer learns of it there.
        let _ = connection.await;
    });
    sender.send_request(request).await.map_err(|error| Failed::After(error.to_string()))
}

/// Returns an error with what caused it, for people.
pub(crate) fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
