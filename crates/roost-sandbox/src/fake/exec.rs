//! Commands of the stand-in.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus as ProcessStatus, Stdio};
use std::time::Instant;

use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, Error, Exit, ExitStatus, Output};
use tokio::net::unix::pipe::Receiver;
use tokio::process::Child;

use super::machine::FakeMachine;
use super::marked;

/// How much of a command's output can still be in its pipe when it has ended.
const PIPE: usize = 64 * 1024;

/// A command that runs. Dropped before its end, it is killed with all that it started.
struct Running {
    child: Child,
    pipes: [Option<Receiver>; 2],
    mark: String,
    ended: bool,
    cap_left: u64,
    dropped: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            marked::kill(&self.mark);
        }
    }
}

pub(super) async fn exec(
    machine: &FakeMachine,
    command: &Command,
    output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
) -> Result<Exit, Error> {
    let began = Instant::now();
    let started = start(machine, command);
    let mut running = started.map_err(|source| Error::Host { act: "start the command", source })?;
    let timeout = tokio::time::sleep(command.timeout);
    tokio::pin!(timeout);
    let mut buffer = vec![0; 16 * 1024];
    let status = loop {
        let [stdout, stderr] = &running.pipes;
        tokio::select! {
            // The pipes first, so that what is there is passed on before the end is looked at.
            biased;
            () = machine.gone.cancelled() => return Err(Error::Gone),
            () = readable(stdout.as_ref()) => { running.take(0, &mut buffer, output); }
            () = readable(stderr.as_ref()) => { running.take(1, &mut buffer, output); }
            status = running.child.wait() => {
                let status = status.map_err(|source| Error::Host { act: "wait for the command", source })?;
                break ended(status);
            }
            () = &mut timeout => {
                marked::kill(&running.mark);
                break ExitStatus::TimedOut;
            }
        }
    };
    running.ended = true;
    running.rest(&mut buffer, output);
    for pipe in running.pipes.iter_mut().filter_map(Option::take) {
        // Processes that were left behind may go on writing.
        let gone = machine.gone.clone();
        machine.tasks.spawn(async move {
            tokio::select! { () = gone.cancelled() => {}, () = swallow(pipe) => {} }
        });
    }
    // A machine that is stopped kills its commands, which must not look like an end of their own.
    if machine.gone.is_cancelled() {
        return Err(Error::Gone);
    }
    Ok(Exit { status, took: began.elapsed(), dropped: Bytes(running.dropped) })
}

fn start(machine: &FakeMachine, command: &Command) -> io::Result<Running> {
    let (stdout, stdout_end) = io::pipe()?;
    let (stderr, stderr_end) = io::pipe()?;
    let mark = machine.next_mark();
    let mut process = tokio::process::Command::new("/bin/sh");
    process.arg("-c").arg(&command.line).current_dir(&machine.path).process_group(0);
    process.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &machine.path);
    process.env("LANG", "C.UTF-8").env("TERM", "dumb").env(marked::VARIABLE, &mark);
    process.stdin(Stdio::null()).stdout(stdout_end).stderr(stderr_end);
    let child = process.spawn()?;
    drop(process);
    let pipes =
        [Some(Receiver::from_owned_fd(stdout.into())?), Some(Receiver::from_owned_fd(stderr.into())?)];
    Ok(Running { child, pipes, mark, ended: false, cap_left: command.output_cap.0, dropped: 0 })
}

impl Running {
    /// Passes on a piece of one output; returns how much there was.
    fn take(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
    ) -> usize {
        let Some(pipe) = &self.pipes[index] else { return 0 };
        // Through the runtime first, which notes that it is empty, and then past it: what the command wrote just
        // before its end may be there while the runtime has not heard of it yet.
        let read = match pipe.try_read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                rustix::io::read(pipe, &mut *buffer).map_err(io::Error::from)
            }
            read => read,
        };
        let n = match read {
            Ok(n) if n > 0 => n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return 0,
            Ok(_) | Err(_) => {
                self.pipes[index] = None;
                return 0;
            }
        };
        let passed = usize::try_from(self.cap_left).unwrap_or(usize::MAX).min(n);
        self.cap_left -= passed as u64;
        self.dropped += (n - passed) as u64;
        match index {
            _ if passed == 0 => {}
            0 => output(Output::Stdout(&buffer[..passed])),
            _ => output(Output::Stderr(&buffer[..passed])),
        }
        n
    }

    /// Passes on what a command that has ended left in its pipes.
    fn rest(&mut self, buffer: &mut [u8], output: &mut (dyn for<'a> FnMut(Output<'a>) + Send)) {
        for index in [0, 1] {
            let mut left = PIPE;
            while left > 0 {
                let n = self.take(index, buffer, output);
                if n == 0 {
                    break;
                }
                left = left.saturating_sub(n);
            }
        }
    }
}

fn ended(status: ProcessStatus) -> ExitStatus {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, signal) => ExitStatus::Signal(signal.unwrap_or(0)),
    }
}

/// Waits until there is something to read; for ever where there is no pipe.
async fn readable(pipe: Option<&Receiver>) {
    match pipe {
        // silent-ok: the next read says what is wrong.
        Some(pipe) => drop(pipe.readable().await),
        None => std::future::pending().await,
    }
}

async fn swallow(pipe: Receiver) {
    let mut buffer = vec![0; 4096];
    loop {
        readable(Some(&pipe)).await;
        match pipe.try_read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
