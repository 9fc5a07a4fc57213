//! What a driver and a machine that starts hand each other, whatever the driver.

use std::io;
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::wire::{self, Begun, Start};

/// Tells a machine's process what to do next.
pub(crate) async fn tell(control: &mut UnixStream, start: &Start) -> Result<(), String> {
    let frame = wire::encode(0, start, &[]).map_err(|error| error.to_string())?;
    control.write_all(&frame).await.map_err(|error| format!("talk to its process: {error}"))
}

/// Hears how far a machine's process got.
pub(crate) async fn hear(control: &mut UnixStream) -> Result<Begun, String> {
    let frame = async {
        let mut length = [0; 4];
        control.read_exact(&mut length).await?;
        let mut bytes = vec![0; wire::frame_length(length)?];
        control.read_exact(&mut bytes).await?;
        wire::decode(bytes)
    };
    match frame.await {
        Ok(wire::Frame { body: Begun::Broken(problem), .. }) => Err(problem),
        Ok(frame) => Ok(frame.body),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err("its process ended without a word".to_owned())
        }
        Err(error) => Err(format!("talk to its process: {error}")),
    }
}

/// Checks that a machine's hands speak this server's version.
pub(crate) fn check_version(version: u32) -> Result<(), String> {
    if version == wire::VERSION {
        return Ok(());
    }
    Err(format!("its hands speak version {version}, not {}", wire::VERSION))
}

pub(crate) fn confused() -> String {
    "its process answered out of turn".to_owned()
}

/// Takes the proxy's socket that the machine has sent before it said that it is ready.
pub(crate) fn take_listener(side: &StdUnixStream) -> io::Result<Option<tokio::net::TcpListener>> {
    side.set_nonblocking(true)?;
    let Some((descriptor, _)) = receive(side)? else { return Ok(None) };
    let listener = TcpListener::from(descriptor);
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener).map(Some)
}

/// Sends a descriptor, with the number of what it belongs to.
pub(crate) fn send(side: &StdUnixStream, descriptor: BorrowedFd<'_>, of: u32) -> io::Result<()> {
    let descriptors = [descriptor];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("there is no room for the descriptor"));
    }
    sendmsg(side, &[io::IoSlice::new(&of.to_le_bytes())], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives a descriptor and the number of what it belongs to; `None` if none has been sent and the socket does not
/// wait.
pub(crate) fn receive(side: &StdUnixStream) -> io::Result<Option<(OwnedFd, u32)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut of = [0; 4];
    let mut buffers = [io::IoSliceMut::new(&mut of)];
    match recvmsg(side.as_fd(), &mut buffers, &mut control, RecvFlags::CMSG_CLOEXEC) {
        Ok(_) => {}
        Err(rustix::io::Errno::AGAIN) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message
            && let Some(descriptor) = descriptors.next()
        {
            return Ok(Some((descriptor, u32::from_le_bytes(of))));
        }
    }
    Ok(None)
}
