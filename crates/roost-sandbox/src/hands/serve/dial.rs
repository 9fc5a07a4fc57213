//! Connecting to what listens in the machine, for the driver.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::Answers;
use crate::files::system;
use crate::handover;
use crate::wire::{Failure, Reply};

/// How long a listener that has no room may take to have some.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects in a thread of its own, as the listener may have no room, and hands the socket over.
pub(super) fn answer(id: u32, port: u16, side: &Arc<UnixStream>, answers: &Answers) {
    let (side, own) = (Arc::clone(side), answers.clone());
    let work = move || match dial(id, port, &side) {
        Ok(()) => own.send(id, &Reply::Done { size: 0 }, &[]),
        Err(failure) => own.fail(id, failure),
    };
    let thread = std::thread::Builder::new().name("dial".to_owned()).stack_size(256 * 1024).spawn(work);
    if let Err(error) = thread {
        answers.fail(id, system(&error));
    }
}

fn dial(id: u32, port: u16, side: &UnixStream) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| system(&error))?;
    handover::send(side, stream.as_fd(), id).map_err(|error| system(&error))
}
