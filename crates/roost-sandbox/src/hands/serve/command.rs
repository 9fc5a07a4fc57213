//! A command that runs, as the machine's first process sees it.

use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};

use super::Answers;
use crate::hands::{COMMAND, run};
use crate::wire::{Ended, FRAME_COST, Failure, PIECE, Reply, WINDOW};

/// A command that runs.
pub(super) struct Running {
    pub(super) id: u32,
    /// What it may still send.
    pub(super) credit: u32,
    /// Leads to the process above the command.
    control: UnixStream,
    said: Vec<u8>,
    outputs: [Output; 2],
    /// How much output may still be passed on; the rest is thrown away.
    cap_left: u64,
    dropped: u64,
    group: Option<Pid>,
    ended: Option<Ended>,
}

struct Output {
    pipe: Option<OwnedFd>,
    /// Once the command has ended: how much of its output can still be in the pipe. A process that it left behind
    /// may go on writing for ever.
    left: Option<usize>,
}

impl Running {
    /// Starts a command; `program` is this binary's descriptor.
    pub(super) fn start(id: u32, line: &str, output_cap: u64, program: RawFd) -> io::Result<Self> {
        let (stdout, stdout_end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let (stderr, stderr_end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        for pipe in [&stdout, &stderr] {
            rustix::fs::fcntl_setfl(pipe, OFlags::NONBLOCK)?;
        }
        let (control, control_end) = UnixStream::pair()?;
        control.set_nonblocking(true)?;
        let mut command = Command::new(format!("/proc/self/fd/{program}"));
        command.arg0("roost").args([COMMAND, "run", line]);
        command.stdin(Stdio::from(OwnedFd::from(control_end))).stdout(stdout_end).stderr(stderr_end);
        // Its end is noticed on the socket, and it is reaped with all others.
        command.spawn()?;
        let outputs = [stdout, stderr].map(|pipe| Output { pipe: Some(pipe), left: None });
        let said = Vec::new();
        Ok(Self {
            id,
            credit: WINDOW,
            control,
            said,
            outputs,
            cap_left: output_cap,
            dropped: 0,
            group: None,
            ended: None,
        })
    }

    /// Adds what is to be waited for.
    pub(super) fn watch<'a>(&'a self, watched: &mut Vec<PollFd<'a>>) {
        if self.ended.is_none() {
            watched.push(PollFd::new(&self.control, PollFlags::IN));
        }
        if self.may_send() {
            let pipes = self.outputs.iter().filter_map(|output| output.pipe.as_ref());
            watched.extend(pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        }
    }

    fn may_send(&self) -> bool {
        self.credit > 0 || self.cap_left == 0
    }

    /// Orders the command and all its descendants to be ended.
    pub(super) fn kill(&mut self) {
        // What is still in the pipes is of no use to anybody, so the end need not wait for it.
        self.cap_left = 0;
        // silent-ok: if nobody is there to be told, it has ended already.
        let _ = self.control.shutdown(std::net::Shutdown::Write);
    }

    /// Passes on what has come; tells whether the command is done with.
    pub(super) fn attend(&mut self, answers: &Answers, buffer: &mut [u8]) -> bool {
        // The end first: what the command wrote before it is then in the pipes for sure.
        if self.ended.is_none() {
            match self.hear() {
                Ok(()) => {}
                Err(failure) => {
                    answers.fail(self.id, failure);
                    return true;
                }
            }
        }
        let stdout = self.pass_on(0, answers, buffer);
        let stderr = self.pass_on(1, answers, buffer);
        let Some(ended) = self.ended.filter(|_| stdout && stderr) else { return false };
        answers.send(self.id, &Reply::Exited { ended, dropped: self.dropped }, &[]);
        true
    }

    /// Returns the outputs that processes which the command left behind still hold open.
    pub(super) fn into_open_outputs(self) -> impl Iterator<Item = OwnedFd> {
        self.outputs.into_iter().filter_map(|output| output.pipe)
    }

    /// Hears what the process above the command says.
    fn hear(&mut self) -> Result<(), Failure> {
        let mut piece = [0; 4 * run::MESSAGE];
        let closed = match rustix::io::read(&self.control, &mut piece) {
            Ok(0) => true,
            Ok(n) => {
                self.said.extend_from_slice(&piece[..n]);
                false
            }
            Err(Errno::AGAIN | Errno::INTR) => false,
            Err(_) => true,
        };
        while let Some((message, rest)) = self.said.split_first_chunk::<{ run::MESSAGE }>() {
            let [kind, number @ ..] = *message;
            let number = i32::from_le_bytes(number);
            self.said = rest.to_vec();
            match kind {
                run::STARTED => self.group = Pid::from_raw(number),
                run::REFUSED => return Err(Failure::System(number)),
                run::CODE => self.end(Ended::Code(number)),
                run::SIGNAL => self.end(Ended::Signal(number)),
                _ => {}
            }
        }
        if closed && self.ended.is_none() {
            // The command ended its own warden, or memory ran out. Whoever is left in its group goes too.
            if let Some(group) = self.group {
                // silent-ok: nobody was left.
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            self.end(Ended::Signal(Signal::KILL.as_raw()));
        }
        Ok(())
    }

    fn end(&mut self, ended: Ended) {
        self.ended = Some(ended);
        for output in &mut self.outputs {
            // silent-ok: a size that cannot be told is taken to be the usual one.
            let size = output.pipe.as_ref().and_then(|pipe| rustix::pipe::fcntl_getpipe_size(pipe).ok());
            output.left = Some(size.unwrap_or(PIECE));
        }
    }

    /// Passes on what is in one of the pipes; tells whether it holds no more of the command's output.
    fn pass_on(&mut self, index: usize, answers: &Answers, buffer: &mut [u8]) -> bool {
        while self.may_send() {
            let output = &mut self.outputs[index];
            let Some(pipe) = output.pipe.as_ref() else { return true };
            if output.left == Some(0) {
                return true;
            }
            let most = output.left.unwrap_or(usize::MAX).min(buffer.len());
            let n = match rustix::io::read(pipe.as_fd(), &mut buffer[..most]) {
                Ok(0) => {
                    output.pipe = None;
                    return true;
                }
                Ok(n) => n,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return output.left.is_some(),
                Err(_) => {
                    output.pipe = None;
                    return true;
                }
            };
            output.left = output.left.map(|left| left - n);
            self.send(index, &buffer[..n], answers);
            if output_is_running(self.outputs[index].left) {
                // One piece at a time, so that others get their turn.
                return false;
            }
        }
        false
    }

    fn send(&mut self, index: usize, piece: &[u8], answers: &Answers) {
        let passed = usize::try_from(self.cap_left).unwrap_or(usize::MAX).min(piece.len());
        self.dropped += (piece.len() - passed) as u64;
        self.cap_left -= passed as u64;
        if passed > 0 {
            let cost = u32::try_from(passed).unwrap_or(u32::MAX).max(FRAME_COST);
            self.credit = self.credit.saturating_sub(cost);
            let reply = if index == 0 { Reply::Stdout } else { Reply::Stderr };
            answers.send(self.id, &reply, &piece[..passed]);
        }
    }
}

/// Tells whether the command that writes to this output has not ended yet.
const fn output_is_running(left: Option<usize>) -> bool {
    left.is_none()
}
