//! PDFs are read in a process of their own: what a small file makes of a machine's memory and time is known only when it
//! has been read, and a thread cannot be ended.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use roost_domain::knowledge::Block;
use roost_ports::reader::Error;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::blocks::Blocks;
use crate::text::paragraphs;
use crate::{MOST_TEXT, damaged, pdf, text_of};

/// The argument that makes a process read one PDF: the file comes in, its text goes out.
pub const COMMAND: &str = "read-pdf";

/// The most memory that reading a file takes, in bytes.
const MEMORY: u64 = 1024 * 1024 * 1024;

/// The most processor time, in seconds.
const SECONDS: u64 = 20;

/// How long a file may take altogether.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is wrong with a file whose process was ended.
const COSTLY: Error = Error::TooLarge { limit: "can be read in 20 seconds and 1 GiB of memory" };

/// What else is too large, by the status that a process ends with.
const LIMITS: [(u8, &str); 4] = [
    (10, "5,000 pages"),
    (11, "16 MiB of text"),
    (12, "32 MiB in one packed part"),
    (13, "500,000 paragraphs and rows"),
];

const DAMAGED: u8 = 2;
const ENCRYPTED: u8 = 3;

/// Reads the PDF that comes in. To be called first thing in `main` of the program that is named to
/// [`crate::Documents::reading_pdfs_with`].
pub fn main() -> ExitCode {
    // What is lost here is only why: whoever waits sees that it ended badly.
    let Ok(read) = limit().and_then(|()| work()) else { return ExitCode::FAILURE };
    let (status, said) = match read {
        Ok(blocks) => (0, blocks.iter().map(text_of).collect::<Vec<_>>().join("\n\n")),
        Err(Error::Damaged { problem, .. }) => (DAMAGED, problem),
        Err(Error::Encrypted) => (ENCRYPTED, String::new()),
        Err(Error::TooLarge { limit }) => {
            let status = LIMITS.iter().find(|(_, known)| *known == limit).map_or(1, |(status, _)| *status);
            (status, String::new())
        }
    };
    match std::io::stdout().write_all(said.as_bytes()) {
        Ok(()) => ExitCode::from(status),
        Err(_) => ExitCode::FAILURE,
    }
}

fn limit() -> std::io::Result<()> {
    let fixed = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Core, fixed(0))?;
    setrlimit(Resource::As, fixed(MEMORY))?;
    Ok(setrlimit(Resource::Cpu, fixed(SECONDS))?)
}

fn work() -> std::io::Result<Result<Vec<Block>, Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(pdf::read(&bytes))
}

/// Has a process read a PDF, and ends it when it takes too long.
pub(super) fn read(program: &Path, bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let cannot = |error: std::io::Error| {
        tracing::error!(%error, program = %program.display(), "the process that reads PDFs cannot be run");
        damaged("PDF", "this server cannot start what reads it")
    };
    let mut command = Command::new(program);
    command.arg(COMMAND).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(cannot)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (said, saying) = mpsc::channel();
    let (text, status) = std::thread::scope(|threads| {
        threads.spawn(move || {
            // One that reads no more says why with its status.
            let _ = input.map(|mut input| input.write_all(bytes));
        });
        threads.spawn(move || {
            let mut text = Vec::new();
            let bound = MOST_TEXT as u64 * 2;
            let whole = output.map(|output| output.take(bound).read_to_end(&mut text));
            // Nobody listens any more if it took too long.
            let _ = said.send(matches!(whole, Some(Ok(_))).then_some(text));
        });
        let text = saying.recv_timeout(PATIENCE).ok().flatten();
        // It has ended if it has closed what it writes to, or it is to end now.
        if text.is_none() {
            // It may have ended by itself.
            let _ = child.kill();
        }
        (text, child.wait())
    });
    let Some(text) = text else { return Err(COSTLY) };
    let text = String::from_utf8_lossy(&text);
    let status = status.map_err(cannot)?.code().and_then(|code| u8::try_from(code).ok());
    match status {
        Some(0) => {
            let mut blocks = Blocks::default();
            paragraphs(&text, &mut blocks)?;
            blocks.finish()
        }
        Some(DAMAGED) => Err(damaged("PDF", text)),
        Some(ENCRYPTED) => Err(Error::Encrypted),
        // A parser that panics.
        Some(101) => Err(damaged("PDF", "its parts do not fit together")),
        Some(status) => match LIMITS.iter().find(|(known, _)| *known == status) {
            Some((_, limit)) => Err(Error::TooLarge { limit }),
            None => Err(damaged("PDF", "what reads it has failed")),
        },
        // A signal: of the kernel for its time, or its own when there was no memory.
        None => Err(COSTLY),
    }
}
