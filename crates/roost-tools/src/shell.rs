//! `shell`: runs a command in the agent's machine.

use std::time::Duration;

use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::tool::ToolSpec;
use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, Exit, ExitStatus, Machine, Output};
use roost_ports::tool::BadCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::{self, bad};
use crate::output::{HeadTail, Utf8Stream};
use crate::text::TEXT_CAP;
use crate::workspace::Failed;

pub(crate) const NAME: &str = "shell";

const TIMEOUT_DEFAULT_S: u64 = 60;

/// What the machine passes on; more than the model sees, so that the tail is the output's own tail.
const OUTPUT_CAP: Bytes = Bytes::mib(16);

/// What is shown while the command runs.
const PROGRESS_CAP: usize = 1024 * 1024;

/// Linux takes at most 128 KiB in one argument of a program.
const COMMAND_MAX: usize = 120 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    command: String,
    timeout_s: Option<u64>,
}

/// A command as it will run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shell {
    command: String,
    timeout: Duration,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description: "Runs a command with /bin/sh in the workspace of your own isolated machine and returns its \
            output, standard output and standard error as they came, and how it ended. Files in the workspace \
            last; processes end with the command, so do not start something in the background and expect it \
            later. Long output keeps its head and tail."
            .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "command": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The command line, as /bin/sh -c reads it."
                },
                "timeout_s": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 600,
                    "description": "Seconds after which the command is killed; 60 if left out."
                }
            },
            "required": ["command"],
            "additionalProperties": false
        }),
        idempotent: false,
    }
}

impl Shell {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        if wire.command.contains('\0') || wire.command.trim().is_empty() {
            return Err(bad(NAME, "command", "is no command line; write it as for /bin/sh, such as ls -la"));
        }
        if wire.command.len() > COMMAND_MAX {
            let problem = "is too long; write a script with write_file and run that";
            return Err(bad(NAME, "command", problem));
        }
        let timeout = Duration::from_secs(wire.timeout_s.unwrap_or(TIMEOUT_DEFAULT_S));
        Ok(Self { command: wire.command, timeout })
    }

    pub(crate) fn action(&self) -> Action {
        Action::RunCommand { command: self.command.clone() }
    }

    pub(crate) async fn run(
        &self,
        machine: &dyn Machine,
        permit: &Permit,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<String, Failed> {
        let command = Command { line: self.command.clone(), timeout: self.timeout, output_cap: OUTPUT_CAP };
        let mut screen = Screen::new(progress);
        let exit = machine.exec(permit, command, &mut |piece| screen.take(piece)).await?;
        let output = screen.finish();
        let text = self.report(&output, exit);
        match exit.status {
            ExitStatus::Code(_) | ExitStatus::Signal(_) => Ok(text),
            ExitStatus::TimedOut | ExitStatus::OutOfMemory => Err(Failed(text)),
        }
    }

    fn report(&self, output: &str, exit: Exit) -> String {
        let took = exit.took.as_secs_f64();
        let ended = match exit.status {
            ExitStatus::Code(code) => format!("exit code {code} after {took:.1} s"),
            ExitStatus::Signal(signal) => format!("ended by {} after {took:.1} s", signal_name(signal)),
            ExitStatus::TimedOut => format!(
                "killed: not done after {} s. Give a larger timeout_s (up to 600) or do less at once",
                self.timeout.as_secs()
            ),
            ExitStatus::OutOfMemory => {
                format!("killed after {took:.1} s: the machine's memory was used up. Use less memory at once")
            }
        };
        let dropped = match exit.dropped {
            Bytes(0) => String::new(),
            dropped => format!("[{dropped} more of output was not kept]\n"),
        };
        let gap = if output.is_empty() || output.ends_with('\n') { "" } else { "\n" };
        let output = if output.is_empty() { "[no output]\n" } else { output };
        format!("{output}{gap}{dropped}[{ended}]")
    }
}

/// Collects what a command prints, for the model and for those who watch.
struct Screen<'a> {
    stdout: Utf8Stream,
    stderr: Utf8Stream,
    kept: HeadTail,
    shown: usize,
    progress: &'a mut (dyn FnMut(&str) + Send),
}

impl<'a> Screen<'a> {
    fn new(progress: &'a mut (dyn FnMut(&str) + Send)) -> Self {
        let (stdout, stderr) = (Utf8Stream::default(), Utf8Stream::default());
        Self { stdout, stderr, kept: HeadTail::new(TEXT_CAP), shown: 0, progress }
    }

    fn take(&mut self, piece: Output<'_>) {
        let text = match piece {
            Output::Stdout(bytes) => self.stdout.push(bytes),
            Output::Stderr(bytes) => self.stderr.push(bytes),
        };
        self.put(&text);
    }

    fn put(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.kept.push(text);
        if self.shown > PROGRESS_CAP {
            return;
        }
        self.shown += text.len();
        if self.shown <= PROGRESS_CAP {
            (self.progress)(text);
        } else {
            (self.progress)("\n[what follows is not shown while it runs]\n");
        }
    }

    fn finish(mut self) -> String {
        for rest in [self.stdout.finish(), self.stderr.finish()] {
            self.put(rest);
        }
        self.kept.finish()
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        31 => "SIGSYS (a system call the machine does not allow)",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal}, {name}")
}

#[cfg(test)]
mod tests;
