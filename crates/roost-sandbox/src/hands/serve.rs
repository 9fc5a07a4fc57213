//! Serving the driver's requests: one thread that waits for whatever happens next.
//!
//! Looking at files is done by short-lived threads, as a search may take long; everything else happens here.

use std::collections::HashMap;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, WaitOptions};

use super::processes;
use crate::files::{Files, Writing};
use crate::wire::{FRAME_MAX, Failure, Frame, PIECE, Reply, Request, decode, encode, frame_length};

mod command;
mod dial;
mod look;

use command::Running;

/// How many outputs of commands that have ended are still read, for the processes they left behind.
const LEFT_OPEN_MAX: usize = 64;

/// Where answers go, from whichever thread.
#[derive(Clone)]
struct Answers(Arc<Mutex<UnixStream>>);

impl Answers {
    /// Sends a frame, waiting for room. If the driver is gone, the main thread learns it from the socket.
    fn send(&self, id: u32, reply: &Reply, raw: &[u8]) {
        use std::io::Write;
        let Ok(bytes) = encode(id, reply, raw) else { return };
        let mut socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // silent-ok: see above.
        let _ = socket.write_all(&bytes);
    }

    fn fail(&self, id: u32, failure: Failure) {
        self.send(id, &Reply::Failed(failure), &[]);
    }
}

struct Hands {
    answers: Answers,
    side: Arc<UnixStream>,
    files: Arc<Files>,
    /// This binary, which the machine's file system does not hold.
    program: OwnedFd,
    commands: Vec<Running>,
    writes: HashMap<u32, (Writing, u64)>,
    /// Outputs of commands that have ended, held open by processes they left behind.
    left_open: Vec<OwnedFd>,
    /// Processes stopped by [`Request::Hold`].
    held: Vec<i32>,
    buffer: Vec<u8>,
}

/// Serves until the driver closes the socket, which ends the machine.
///
/// Sockets that the driver asks for are handed over through `side`.
pub(super) fn serve(socket: UnixStream, side: UnixStream, files: Files, program: OwnedFd) {
    let Ok(writer) = socket.try_clone() else { return };
    let mut hands = Hands {
        answers: Answers(Arc::new(Mutex::new(writer))),
        side: Arc::new(side),
        files: Arc::new(files),
        program,
        commands: Vec::new(),
        writes: HashMap::new(),
        left_open: Vec::new(),
        held: Vec::new(),
        buffer: vec![0; PIECE],
    };
    let mut incoming = Incoming { socket, bytes: Vec::new() };
    loop {
        let Ok(driver) = hands.wait(&incoming.socket) else { return };
        if driver {
            // The end of the socket is the end of the machine: no process survives its first one.
            let Ok(frames) = incoming.receive() else { return };
            frames.into_iter().for_each(|frame| hands.handle(frame));
        }
        hands.attend();
    }
}

/// The driver's frames, put together from what has arrived.
struct Incoming {
    socket: UnixStream,
    bytes: Vec<u8>,
}

impl Incoming {
    fn receive(&mut self) -> io::Result<Vec<Frame<Request>>> {
        let mut piece = [0; 16 * 1024];
        let n = match self.socket.read(&mut piece) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        self.bytes.extend_from_slice(&piece[..n]);
        let mut frames = Vec::new();
        while let Some((length, rest)) = self.bytes.split_first_chunk::<4>() {
            let length = frame_length(*length)?;
            let Some(frame) = rest.get(..length) else { break };
            frames.push(decode(frame.to_vec())?);
            self.bytes.drain(..4 + length);
        }
        debug_assert!(self.bytes.len() <= 4 + FRAME_MAX);
        Ok(frames)
    }
}

impl Hands {
    /// Waits until something happens; tells whether the driver has written.
    fn wait(&mut self, socket: &UnixStream) -> io::Result<bool> {
        let orphans = self.reap();
        let mut watched = vec![PollFd::new(socket, PollFlags::IN)];
        self.commands.iter().for_each(|command| command.watch(&mut watched));
        watched.extend(self.left_open.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        // Nobody tells when a process that lost its parent ends, so while there are children they are looked after
        // once a second. A machine at rest has none and sleeps.
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        match poll(&mut watched, orphans.then_some(&second)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(!watched[0].revents().is_empty())
    }

    /// Collects children that have ended; tells whether any is left.
    fn reap(&self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn handle(&mut self, frame: Frame<Request>) {
        let Frame { id, body, raw } = frame;
        match body {
            Request::Exec { line, output_cap } => self.exec(id, &line, output_cap),
            Request::Credit(bytes) => {
                if let Some(command) = self.commands.iter_mut().find(|command| command.id == id) {
                    command.credit = command.credit.saturating_add(bytes);
                }
            }
            Request::Cancel => {
                self.writes.remove(&id);
                if let Some(command) = self.commands.iter_mut().find(|command| command.id == id) {
                    command.kill();
                }
            }
            Request::Write { path, size } => match self.files.write(&path) {
                Ok(writing) => self.write_on(id, writing, size, &[]),
                Err(failure) => self.answers.fail(id, failure),
            },
            Request::Content => {
                // What belongs to a write that failed or was cancelled is thrown away.
                if let Some((writing, left)) = self.writes.remove(&id) {
                    self.write_on(id, writing, left, &raw);
                }
            }
            Request::Read { .. } | Request::List { .. } | Request::Search { .. } => {
                look::answer(id, &body, &self.files, &self.answers);
            }
            Request::Hold(hold) => {
                self.hold(hold);
                self.answers.send(id, &Reply::Done { size: 0 }, &[]);
            }
            Request::Dial { port } => dial::answer(id, port, &self.side, &self.answers),
            Request::Usage => self.answers.send(id, &usage(), &[]),
        }
    }

    fn exec(&mut self, id: u32, line: &str, output_cap: u64) {
        match Running::start(id, line, output_cap, self.program.as_raw_fd()) {
            Ok(command) => self.commands.push(command),
            Err(error) => self.answers.fail(id, Failure::System(error.raw_os_error().unwrap_or(libc::EIO))),
        }
    }

    fn write_on(&mut self, id: u32, mut writing: Writing, left: u64, piece: &[u8]) {
        let left = left.checked_sub(piece.len() as u64);
        let result = match left {
            None => Err(Failure::System(libc::EMSGSIZE)),
            Some(0) => writing.append(piece).and_then(|()| writing.finish()),
            Some(left) => match writing.append(piece) {
                Ok(()) => {
                    self.writes.insert(id, (writing, left));
                    return;
                }
                Err(failure) => Err(failure),
            },
        };
        match result {
            Ok(()) => self.answers.send(id, &Reply::Done { size: 0 }, &[]),
            Err(failure) => self.answers.fail(id, failure),
        }
    }

    /// Passes on what the commands have said and done.
    fn attend(&mut self) {
        let mut index = 0;
        while let Some(command) = self.commands.get_mut(index) {
            if command.attend(&self.answers, &mut self.buffer) {
                let command = self.commands.swap_remove(index);
                self.left_open.extend(command.into_open_outputs());
            } else {
                index += 1;
            }
        }
        // The oldest are closed first: who writes there then is told that nobody listens.
        let excess = self.left_open.len().saturating_sub(LEFT_OPEN_MAX);
        self.left_open.drain(..excess);
        let buffer = &mut self.buffer;
        self.left_open.retain(|pipe| !matches!(rustix::io::read(pipe.as_fd(), &mut *buffer), Ok(0)));
    }

    /// Stops every other process, or lets go on those that were stopped here.
    fn hold(&mut self, hold: bool) {
        if !hold {
            self.held.drain(..).for_each(|pid| processes::signal(pid, Signal::CONT));
            return;
        }
        // What is started meanwhile is found by the next look, as its parent is stopped by this one.
        loop {
            let found: Vec<_> =
                processes::all().into_iter().filter(|pid| *pid != 1 && !self.held.contains(pid)).collect();
            if found.is_empty() {
                return;
            }
            found.iter().for_each(|pid| processes::signal(*pid, Signal::STOP));
            self.held.extend(found);
        }
    }
}

/// Adds up what the machine's processes use.
fn usage() -> Reply {
    let pids = processes::all();
    let (mut pages, mut ticks) = (0, 0);
    for stat in pids.iter().filter_map(|pid| processes::stat(*pid)) {
        pages += stat.pages();
        ticks += stat.ticks();
    }
    let page = rustix::param::page_size() as u64;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Reply::Used {
        memory_bytes: pages * page,
        cpu_micros: ticks * 1_000_000 / per_second,
        processes: u32::try_from(pids.len()).unwrap_or(u32::MAX),
    }
}
