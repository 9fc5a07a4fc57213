//! A terminal with a person at it, as a program sees them.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::DEADLINE;
use crate::roost::Process;

/// A program that runs at a terminal.
pub(crate) struct Terminal {
    process: Process,
    keyboard: File,
    pieces: Receiver<String>,
    seen: String,
}

impl Terminal {
    /// Starts a command at a terminal; standard error is not part of it, but read too.
    pub(crate) fn start(mut command: Command) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&controller).expect("it is ours");
        unlockpt(&controller).expect("it is ours");
        let name = ptsname(&controller, Vec::new()).expect("it has a name").into_string().expect("text");
        let open = || -> OwnedFd {
            let mut options = File::options();
            options.read(true).write(true).open(&name).expect("the terminal").into()
        };
        command.stdin(Stdio::from(open())).stdout(Stdio::from(open()));
        let process = Process::start(command);
        let keyboard = File::from(controller);
        let mut screen = keyboard.try_clone().expect("a second handle");
        let (sender, pieces) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when nobody holds the terminal's other end any more.
            while let Ok(n) = screen.read(&mut bytes) {
                let piece = String::from_utf8_lossy(&bytes[..n]).into_owned();
                if n == 0 || sender.send(piece).is_err() {
                    return;
                }
            }
        });
        Self { process, keyboard, pieces, seen: String::new() }
    }

    /// Waits until a text stands on the screen after what was waited for before.
    pub(crate) fn wait_for(&mut self, wanted: &str) {
        self.until(wanted);
    }

    /// Waits as [`Terminal::wait_for`] does, and returns what came on the screen up to the text's end.
    pub(crate) fn until(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(at) = self.seen.find(wanted) {
                return self.seen.drain(..at + wanted.len()).collect();
            }
            match self.pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(piece) => self.seen += &piece,
                Err(error) => {
                    panic!("no {wanted:?} on the screen ({error}): {:?}\n{}", self.seen, self.process.log())
                }
            }
        }
    }

    /// Waits until standard error has a text after what was waited for there before.
    pub(crate) fn wait_for_note(&mut self, wanted: &str) {
        self.process.wait_for(wanted);
    }

    /// Waits until the program wants the person's next message.
    pub(crate) fn prompt(&mut self) {
        self.wait_for_note("you> ");
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").expect("the terminal takes it");
    }

    /// Types Ctrl-C.
    pub(crate) fn interrupt(&self) {
        self.process.signal(Signal::INT);
    }

    /// Waits until the program has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.process.ended()
    }
}
