//! The hands of a machine, seen from the server: calls go out, answers come back, many at once over one socket.
//!
//! Drivers differ in how they start the process inside; how it is spoken to is the same for all.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use roost_ports::machine::Error;

use crate::handover;
use crate::wire::{self, Failure, Frame, Reply, Request};

/// Calls under way at once; more wait.
const CALLS_MAX: usize = 128;
/// Frames waiting to be written.
const OUTBOX: usize = 16;
/// Frames of one call waiting to be taken. The hands never send more before they hear from the caller: a command
/// by its window, everything else by the bound on an answer.
const INBOX: usize = wire::ANSWER_MAX / wire::PIECE + (wire::WINDOW / wire::FRAME_COST) as usize + 16;
/// How long the socket may take a frame; hands that do not read for so long are broken.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// A connection to a machine's hands. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Remote {
    shared: Arc<Shared>,
}

struct Shared {
    outbox: mpsc::Sender<Vec<u8>>,
    calls: Mutex<HashMap<u32, mpsc::Sender<Frame<Reply>>>>,
    /// Calls whose callers are gone. At most [`CALLS_MAX`], as each gives its place up only with its entry here.
    cancelled: Mutex<Vec<(u32, OwnedSemaphorePermit)>>,
    wake: Notify,
    places: Arc<Semaphore>,
    next: AtomicU32,
    gone: CancellationToken,
    /// Where the machine hands sockets over; one call at a time, so that each gets its own.
    side: tokio::sync::Mutex<StdUnixStream>,
}

impl Remote {
    /// Takes over a socket whose other end is ready. The two tasks that serve it end with the connection.
    /// `side` is where the machine hands sockets over; it does not wait.
    pub(crate) fn new(socket: UnixStream, side: StdUnixStream, tasks: &TaskTracker) -> Self {
        let (outbox, waiting) = mpsc::channel(OUTBOX);
        let shared = Arc::new(Shared {
            outbox,
            calls: Mutex::new(HashMap::new()),
            cancelled: Mutex::new(Vec::new()),
            wake: Notify::new(),
            places: Arc::new(Semaphore::new(CALLS_MAX)),
            next: AtomicU32::new(1),
            gone: CancellationToken::new(),
            side: tokio::sync::Mutex::new(side),
        });
        let (reading, writing) = socket.into_split();
        tasks.spawn(read_all(Arc::clone(&shared), reading));
        tasks.spawn(write_all(Arc::clone(&shared), writing, waiting));
        Self { shared }
    }

    /// Tells whether the connection has ended, and the machine with it.
    pub(crate) fn is_gone(&self) -> bool {
        self.shared.gone.is_cancelled()
    }

    /// Ends the connection; the machine ends with it.
    pub(crate) fn close(&self) {
        self.shared.gone.cancel();
    }

    /// Waits until the connection has ended.
    pub(crate) async fn closed(&self) {
        self.shared.gone.cancelled().await;
    }

    /// Connects to a port inside.
    pub(crate) async fn dial(&self, port: u16) -> Result<std::net::TcpStream, Error> {
        let failed = |source| Error::Host { act: "connect to the port", source };
        let side = self.shared.side.lock().await;
        let mut call = self.call(&Request::Dial { port }).await?;
        match call.next().await?.body {
            Reply::Done { .. } => {}
            Reply::Failed(Failure::System(number)) => {
                return Err(failed(io::Error::from_raw_os_error(number)));
            }
            Reply::Failed(_)
            | Reply::Stdout
            | Reply::Stderr
            | Reply::Answer
            | Reply::Exited { .. }
            | Reply::Used { .. } => return Err(failed(io::ErrorKind::InvalidData.into())),
        }
        // What callers who went away have left comes first.
        while let Some((socket, of)) = handover::receive(&side).map_err(failed)? {
            if of == call.id {
                let socket = std::net::TcpStream::from(socket);
                socket.set_nonblocking(true).map_err(failed)?;
                return Ok(socket);
            }
        }
        Err(failed(io::ErrorKind::NotConnected.into()))
    }

    /// Begins a call.
    pub(crate) async fn call(&self, request: &Request) -> Result<Call, Error> {
        let shared = &self.shared;
        let place = tokio::select! {
            place = Arc::clone(&shared.places).acquire_owned() => place.map_err(|_| Error::Gone)?,
            () = shared.gone.cancelled() => return Err(Error::Gone),
        };
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let (sender, inbox) = mpsc::channel(INBOX);
        lock(&shared.calls).insert(id, sender);
        let call = Call { shared: Arc::clone(shared), id, inbox, place: Some(place), over: false };
        // After the entry, so that an end in between is seen either here or by whoever ended it.
        if shared.gone.is_cancelled() {
            return Err(Error::Gone);
        }
        call.send(request, &[]).await?;
        Ok(call)
    }
}

/// A call under way. Dropping it before its end cancels it in the machine.
pub(crate) struct Call {
    shared: Arc<Shared>,
    id: u32,
    inbox: mpsc::Receiver<Frame<Reply>>,
    place: Option<OwnedSemaphorePermit>,
    over: bool,
}

impl Call {
    /// Sends something that belongs to the call.
    pub(crate) async fn send(&self, request: &Request, raw: &[u8]) -> Result<(), Error> {
        let frame = wire::encode(self.id, request, raw)
            .map_err(|source| Error::Host { act: "put the request into a frame", source })?;
        tokio::select! {
            sent = self.shared.outbox.send(frame) => sent.map_err(|_| Error::Gone),
            () = self.shared.gone.cancelled() => Err(Error::Gone),
        }
    }

    /// Returns the next answer; after one that ends the call there is none.
    pub(crate) async fn next(&mut self) -> Result<Frame<Reply>, Error> {
        let frame = self.inbox.recv().await.ok_or(Error::Gone)?;
        self.over = match frame.body {
            Reply::Stdout | Reply::Stderr | Reply::Answer => false,
            Reply::Exited { .. } | Reply::Done { .. } | Reply::Used { .. } | Reply::Failed(_) => true,
        };
        Ok(frame)
    }

    /// Orders the call to be ended; its last answer is still to come.
    pub(crate) fn cancel(&mut self) {
        if let Some(place) = self.place.take() {
            lock(&self.shared.cancelled).push((self.id, place));
            self.shared.wake.notify_one();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        lock(&self.shared.calls).remove(&self.id);
        if !self.over {
            self.cancel();
        }
    }
}

async fn read_all(shared: Arc<Shared>, mut socket: OwnedReadHalf) {
    let reading = async {
        loop {
            let mut length = [0; 4];
            socket.read_exact(&mut length).await?;
            let mut bytes = vec![0; wire::frame_length(length)?];
            socket.read_exact(&mut bytes).await?;
            hand_over(&shared, wire::decode(bytes)?)?;
        }
    };
    let ended: io::Result<()> = tokio::select! {
        ended = reading => ended,
        () = shared.gone.cancelled() => Ok(()),
    };
    if let Err(error) = ended
        && error.kind() != io::ErrorKind::UnexpectedEof
        && error.kind() != io::ErrorKind::ConnectionReset
    {
        tracing::warn!(%error, "the connection to a machine broke");
    }
    shared.gone.cancel();
    // Callers that wait see the end of their inbox.
    lock(&shared.calls).clear();
}

fn hand_over(shared: &Shared, frame: Frame<Reply>) -> io::Result<()> {
    // An answer to a call that was cancelled has nobody to go to.
    let Some(inbox) = lock(&shared.calls).get(&frame.id).cloned() else { return Ok(()) };
    match inbox.try_send(frame) {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        Err(mpsc::error::TrySendError::Full(_)) => Err(io::Error::other("the machine sent more than it may")),
    }
}

async fn write_all(shared: Arc<Shared>, mut socket: OwnedWriteHalf, mut waiting: mpsc::Receiver<Vec<u8>>) {
    loop {
        let frames = tokio::select! {
            biased;
            () = shared.gone.cancelled() => break,
            frame = waiting.recv() => match frame {
                Some(frame) => vec![frame],
                None => break,
            },
            () = shared.wake.notified() => cancellations(&shared, &mut waiting),
        };
        for frame in frames {
            if !write(&shared, &mut socket, &frame).await {
                shared.gone.cancel();
                return;
            }
        }
    }
    shared.gone.cancel();
}

/// Returns the cancellations that are due, after the frames that wait already: a call must not be cancelled before
/// it began.
fn cancellations(shared: &Shared, waiting: &mut mpsc::Receiver<Vec<u8>>) -> Vec<Vec<u8>> {
    let cancelled = std::mem::take(&mut *lock(&shared.cancelled));
    let mut frames = Vec::new();
    while let Ok(frame) = waiting.try_recv() {
        frames.push(frame);
        if frames.len() > OUTBOX {
            break;
        }
    }
    // The places are free again once the cancellations are on their way.
    for (id, _place) in cancelled {
        frames.extend(wire::encode(id, &Request::Cancel, &[]));
    }
    frames
}

async fn write(shared: &Shared, socket: &mut OwnedWriteHalf, frame: &[u8]) -> bool {
    tokio::select! {
        written = tokio::time::timeout(WRITE_DEADLINE, socket.write_all(frame)) => matches!(written, Ok(Ok(()))),
        () = shared.gone.cancelled() => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
