//! Lines typed by a person, without holding up anything else.

use std::io::{self, Write as _};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// A thread that waits at the keyboard, one line at a time, and only when it is asked.
pub(super) struct Keyboard {
    asked: SyncSender<()>,
    lines: Receiver<io::Result<Option<String>>>,
    /// A line was asked for and has not come yet: whoever asked went away.
    pending: bool,
}

impl Keyboard {
    pub(super) fn new() -> Self {
        let (asked, asks) = sync_channel::<()>(1);
        let (sender, lines) = channel(1);
        // Ends with the process at the latest: nothing can wake a thread that waits at the keyboard.
        thread::spawn(move || {
            while asks.recv().is_ok() {
                let mut text = String::new();
                let line =
                    io::stdin().read_line(&mut text).map(|read| (read > 0).then(|| text.trim().to_owned()));
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { asked, lines, pending: false }
    }

    /// Asks for a line; `None` when there is no more.
    ///
    /// # Errors
    ///
    /// If the keyboard cannot be read.
    ///
    /// # Cancel
    ///
    /// Safe: a line that is typed later is the next one's.
    pub(super) async fn line(&mut self, prompt: &str) -> io::Result<Option<String>> {
        let mut err = io::stderr().lock();
        err.write_all(prompt.as_bytes())?;
        err.flush()?;
        drop(err);
        if !self.pending {
            self.asked.send(()).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.pending = true;
        }
        let line = self.lines.recv().await;
        self.pending = false;
        line.unwrap_or(Ok(None))
    }
}
