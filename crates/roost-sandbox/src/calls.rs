//! A machine's operations, as calls to its hands.

use std::time::{Duration, Instant};

use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, Entry, EntryKind, Error, Exit, ExitStatus, FilePart, Match, Output};

use crate::remote::{Call, Remote};
use crate::wire::{self, Ended, Failure, Kind, Reply, Request};

/// How long a command may take to be gone once it is killed.
const KILL_DEADLINE: Duration = Duration::from_secs(10);
/// How long the hands may take to say the next word about a file.
const ANSWER_DEADLINE: Duration = Duration::from_secs(120);
/// The longest command: what the system passes as one argument.
const LINE_MAX: usize = 128 * 1024 - 1;

/// Runs a command. A command killed because its time is up may still be ending when this returns only if the
/// machine is frozen.
pub(crate) async fn exec(
    remote: &Remote,
    command: &Command,
    output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
) -> Result<Exit, Error> {
    if command.line.len() > LINE_MAX || command.line.contains('\0') {
        return Err(refused("start the command", libc::E2BIG));
    }
    let began = Instant::now();
    let request = Request::Exec { line: command.line.clone(), output_cap: command.output_cap.0 };
    let mut deadline = tokio::time::Instant::now() + command.timeout;
    let mut timed_out = false;
    let mut call = remote.call(&request).await?;
    loop {
        let frame = match tokio::time::timeout_at(deadline, call.next()).await {
            Ok(frame) => frame?,
            Err(_) if timed_out => {
                let took = began.elapsed();
                return Ok(Exit { status: ExitStatus::TimedOut, took, dropped: Bytes(0) });
            }
            Err(_) => {
                timed_out = true;
                deadline = tokio::time::Instant::now() + KILL_DEADLINE;
                call.cancel();
                continue;
            }
        };
        match frame.body {
            Reply::Stdout | Reply::Stderr if timed_out => {}
            Reply::Stdout => pass_on(&call, Output::Stdout(&frame.raw), output).await?,
            Reply::Stderr => pass_on(&call, Output::Stderr(&frame.raw), output).await?,
            Reply::Exited { ended, dropped } => {
                let status = match ended {
                    _ if timed_out => ExitStatus::TimedOut,
                    Ended::Code(code) => ExitStatus::Code(code),
                    Ended::Signal(signal) => ExitStatus::Signal(signal),
                };
                return Ok(Exit { status, took: began.elapsed(), dropped: Bytes(dropped) });
            }
            Reply::Failed(Failure::System(number)) => return Err(refused("start the command", number)),
            Reply::Failed(_) | Reply::Answer | Reply::Done { .. } | Reply::Used { .. } => {
                return Err(confused());
            }
        }
    }
}

async fn pass_on(
    call: &Call,
    piece: Output<'_>,
    output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
) -> Result<(), Error> {
    let length = match piece {
        Output::Stdout(bytes) | Output::Stderr(bytes) => bytes.len(),
    };
    output(piece);
    let credit = u32::try_from(length).unwrap_or(u32::MAX).max(wire::FRAME_COST);
    call.send(&Request::Credit(credit), &[]).await
}

/// Reads a part of a file.
pub(crate) async fn read(remote: &Remote, path: &str, offset: u64, max: Bytes) -> Result<FilePart, Error> {
    let request = Request::Read { path: path.to_owned(), offset, max: max.0 };
    let (content, size) = ask(remote, &request, path).await?;
    Ok(FilePart { content, size: Bytes(size) })
}

/// Writes a file whole.
pub(crate) async fn write(remote: &Remote, path: &str, content: &[u8]) -> Result<(), Error> {
    let request = Request::Write { path: path.to_owned(), size: content.len() as u64 };
    let mut call = remote.call(&request).await?;
    let sending = async {
        for piece in content.chunks(wire::PIECE) {
            call.send(&Request::Content, piece).await?;
        }
        Ok(())
    };
    within(sending).await?;
    collect(&mut call, path).await.map(drop)
}

/// Lists a directory.
pub(crate) async fn list(remote: &Remote, path: &str, depth: u32, max: u32) -> Result<Vec<Entry>, Error> {
    let request = Request::List { path: path.to_owned(), depth, max };
    let (json, _) = ask(remote, &request, path).await?;
    let rows: Vec<wire::Entry> = serde_json::from_slice(&json).map_err(|_| confused())?;
    Ok(rows.into_iter().map(entry).collect())
}

/// Searches files.
pub(crate) async fn search(
    remote: &Remote,
    path: &str,
    pattern: &str,
    max: u32,
) -> Result<Vec<Match>, Error> {
    let request = Request::Search { path: path.to_owned(), pattern: pattern.to_owned(), max };
    let (json, _) = ask(remote, &request, path).await?;
    let rows: Vec<wire::Match> = serde_json::from_slice(&json).map_err(|_| confused())?;
    Ok(rows.into_iter().map(found).collect())
}

/// Makes a call that is answered whole.
pub(crate) async fn ask(remote: &Remote, request: &Request, path: &str) -> Result<(Vec<u8>, u64), Error> {
    let mut call = within(remote.call(request)).await?;
    collect(&mut call, path).await
}

async fn collect(call: &mut Call, path: &str) -> Result<(Vec<u8>, u64), Error> {
    let mut answer = Vec::new();
    loop {
        let frame = within(call.next()).await?;
        match frame.body {
            Reply::Answer => answer.extend_from_slice(&frame.raw),
            Reply::Done { size } => return Ok((answer, size)),
            Reply::Failed(failure) => return Err(error(failure, path)),
            Reply::Stdout | Reply::Stderr | Reply::Exited { .. } | Reply::Used { .. } => {
                return Err(confused());
            }
        }
    }
}

/// Asks what the machine uses, where there are no cgroups: bytes, CPU time, processes.
pub(crate) async fn usage(remote: &Remote) -> Result<(Bytes, Duration, u32), Error> {
    let mut call = within(remote.call(&Request::Usage)).await?;
    match within(call.next()).await?.body {
        Reply::Used { memory_bytes, cpu_micros, processes } => {
            Ok((Bytes(memory_bytes), Duration::from_micros(cpu_micros), processes))
        }
        Reply::Stdout
        | Reply::Stderr
        | Reply::Answer
        | Reply::Exited { .. }
        | Reply::Done { .. }
        | Reply::Failed(_) => Err(confused()),
    }
}

async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late =
        |_| Error::Host { act: "hear from the machine in time", source: std::io::ErrorKind::TimedOut.into() };
    tokio::time::timeout(ANSWER_DEADLINE, work).await.map_err(late)?
}

/// Says in the port's words what a caller's path ran into.
pub(crate) fn error(failure: Failure, path: &str) -> Error {
    let path = path.to_owned();
    match failure {
        Failure::NotFound => Error::NotFound { path },
        Failure::Outside => Error::Outside { path },
        Failure::Denied(why) => Error::Denied { path, why },
        Failure::WrongKind { found, needed } => {
            Error::WrongKind { path, found: found.words(), needed: needed.words() }
        }
        Failure::BadPattern(problem) => Error::BadPattern { problem },
        Failure::NoSpace => Error::NoSpace { path },
        Failure::System(number) => refused("use the file", number),
    }
}

pub(crate) fn entry(row: wire::Entry) -> Entry {
    let kind = match row.kind {
        Kind::File => EntryKind::File,
        Kind::Directory => EntryKind::Directory,
        Kind::Link => EntryKind::Link,
        Kind::Other => EntryKind::Other,
    };
    Entry { path: row.path, kind, size: Bytes(row.size) }
}

pub(crate) fn found(row: wire::Match) -> Match {
    Match { path: row.path, line: row.line, text: row.text }
}

fn refused(act: &'static str, number: i32) -> Error {
    Error::Host { act, source: std::io::Error::from_raw_os_error(number) }
}

fn confused() -> Error {
    Error::Host { act: "understand the machine", source: std::io::ErrorKind::InvalidData.into() }
}
