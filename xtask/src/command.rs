//! Runs a command: every line it prints is shown and looked at, and it has until a deadline.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long a command that is told to end may take to do so.
const GRACE: Duration = Duration::from_secs(10);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With exit code 0.
    Well,
    /// With another exit code, or by a signal.
    Badly,
    /// The deadline came first.
    OutOfTime,
}

/// Runs a command without input, shows its output and calls `on_line` with each line.
///
/// # Errors
///
/// If it cannot be started or waited for.
pub(crate) fn run(command: &mut Command, deadline: Instant, on_line: &mut dyn FnMut(&str)) -> Result<Ended> {
    let mut child = command
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let lines = lines_of(&mut child)?;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                println!("{line}");
                on_line(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => return stop(child),
        }
    }
    let status = child.wait().with_context(|| format!("cannot wait for {command:?}"))?;
    Ok(if status.success() { Ended::Well } else { Ended::Badly })
}

/// Tells whether a command can be run at all, without showing what it prints.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Reads both outputs, each on a thread that ends with its stream.
fn lines_of(child: &mut Child) -> Result<Receiver<String>> {
    let (sender, receiver) = sync_channel(1024);
    let stdout = child.stdout.take().context("the command has no output")?;
    let stderr = child.stderr.take().context("the command has no error output")?;
    forward(stdout, sender.clone());
    forward(stderr, sender);
    Ok(receiver)
}

fn forward(stream: impl Read + Send + 'static, sender: SyncSender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line);
            if sender.send(line.trim_end_matches('\r').to_owned()).is_err() {
                return;
            }
        }
    });
}

/// Asks the command to end, as a terminal would, so that it can end its own children; then makes it.
fn stop(mut child: Child) -> Result<Ended> {
    works(Command::new("kill").args(["-TERM", &child.id().to_string()]));
    let until = Instant::now() + GRACE;
    while Instant::now() < until {
        if child.try_wait()?.is_some() {
            return Ok(Ended::OutOfTime);
        }
        thread::sleep(Duration::from_millis(100));
    }
    child.kill()?;
    child.wait()?;
    Ok(Ended::OutOfTime)
}

#[cfg(test)]
mod tests;
