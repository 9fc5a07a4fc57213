//! What a driver and the hands inside a machine say to each other.
//!
//! One stream socket carries frames both ways:
//!
//! ```text
//! u32 length of what follows · u32 length of the header · header (JSON) · raw bytes
//! ```
//!
//! Numbers are little-endian. The header is `{"id": …, "body": …}`: `id` names one call, chosen by the driver;
//! everything that belongs to the call carries it. Raw bytes are file content or a command's output, at most
//! [`PIECE`] in one frame. A call ends with [`Reply::Done`], [`Reply::Exited`] or [`Reply::Failed`].
//!
//! **Flow.** The driver never lets its reader wait for a slow caller: a command's output is sent only as far as
//! [`Request::Credit`] allows (each frame costs its raw bytes, at least [`FRAME_COST`]), and answers to
//! everything else are bounded by [`ANSWER_MAX`]. So one slow command holds up nobody else, and neither side
//! buffers without bound.
//!
//! **Starting.** The same socket first carries [`Start`] and [`Begun`] frames with id 0, see `kernel::start`.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use roost_domain::files::{FileRules, InvalidPathRule, PathRule};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Both sides must speak the same version; they are the same binary, so this only guards against a driver that
/// was handed a wrong one.
pub(crate) const VERSION: u32 = 4;
/// The most raw bytes in one frame.
pub(crate) const PIECE: usize = 64 * 1024;
/// The longest frame that is read; what is longer is a broken peer.
pub(crate) const FRAME_MAX: usize = 512 * 1024;
/// What a command may send before its first credit.
pub(crate) const WINDOW: u32 = 256 * 1024;
/// The least a frame of output costs, so that credit bounds their number too.
pub(crate) const FRAME_COST: u32 = 1024;
/// The most raw bytes in answer to one call that is not a command.
pub(crate) const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// A frame's header.
#[derive(Debug, Serialize, Deserialize)]
struct Header<T> {
    id: u32,
    body: T,
}

/// A frame that was read.
#[derive(Debug)]
pub(crate) struct Frame<T> {
    pub(crate) id: u32,
    pub(crate) body: T,
    pub(crate) raw: Vec<u8>,
}

/// The driver to a machine that is starting.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Start {
    /// The process is in its cgroups: leave the host's namespaces.
    Unshare,
    /// The ids are mapped: start the machine's first process, with a directory of the host at hand that it shows.
    Spawn { programs: Option<PathBuf> },
    /// Become the machine's first process, and build the machine like this.
    Become(Shape),
    /// The container stands: be its first process. With rules, the whole workspace comes on the other socket.
    Enter(Inside),
}

/// What the first process of a container has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Inside {
    /// Which files of the workspace may be touched.
    pub(crate) files: PathRules,
    /// Files that commands see by a mount of their own.
    pub(crate) single: Vec<String>,
}

/// How the machine is to be built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// The largest `/tmp`, and so the largest `/dev/shm`.
    pub(crate) tmp_bytes: u64,
    /// Limits to set by `setrlimit`, for a host without cgroups.
    pub(crate) rlimits: Option<Rlimits>,
    /// Which files of the workspace may be touched.
    pub(crate) files: PathRules,
    /// Whether a directory of the host is at hand that commands are to see at [`roost_ports::machine::PROGRAMS`].
    pub(crate) programs: bool,
}

/// [`FileRules`], as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PathRules {
    read: Vec<String>,
    write: Vec<String>,
    deny: Vec<String>,
    within: Vec<PathRules>,
}

impl From<&FileRules> for PathRules {
    fn from(rules: &FileRules) -> Self {
        let texts = |list: &[PathRule]| list.iter().map(PathRule::to_string).collect();
        Self {
            read: texts(&rules.read),
            write: texts(&rules.write),
            deny: texts(&rules.deny),
            within: rules.within.iter().map(Self::from).collect(),
        }
    }
}

impl TryFrom<PathRules> for FileRules {
    type Error = InvalidPathRule;

    fn try_from(rules: PathRules) -> Result<Self, InvalidPathRule> {
        let list = |texts: Vec<String>| {
            texts.iter().map(|text| text.parse::<PathRule>()).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            read: list(rules.read)?,
            write: list(rules.write)?,
            deny: list(rules.deny)?,
            within: rules.within.into_iter().map(Self::try_from).collect::<Result<_, _>>()?,
        })
    }
}

/// Limits per process, the weaker stand-in for limits per machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rlimits {
    /// Address space.
    pub(crate) memory_bytes: u64,
    /// Processes and threads of the machine's user.
    pub(crate) processes: u64,
}

/// A machine that is starting to the driver.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Begun {
    /// In its own namespaces, waiting for the id maps.
    Unshared,
    /// Started the machine's first process, with this id as the driver sees it.
    Spawned(i32),
    /// Ready for requests.
    Ready(Ready),
    /// It cannot go on.
    Broken(String),
}

/// What a machine that is ready says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// The protocol's version.
    pub(crate) version: u32,
    /// Whether Landlock holds, and how.
    pub(crate) landlock: Result<String, String>,
    /// Whether the loopback device is up, so that commands can reach the egress door.
    pub(crate) loopback: Result<(), String>,
    /// How `/proc` is mounted.
    pub(crate) proc: String,
}

/// The driver asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Run `/bin/sh -c line` and pass on at most `output_cap` bytes.
    Exec { line: String, output_cap: u64 },
    /// The command may send this many bytes more.
    Credit(u32),
    /// End the call: kill the command with all its descendants, forget a half-written file.
    Cancel,
    /// Send at most `max` bytes of a file from `offset`.
    Read { path: String, offset: u64, max: u64 },
    /// Write a file whole; `size` bytes follow in [`Request::Content`].
    Write { path: String, size: u64 },
    /// A piece of the file, in the raw bytes.
    Content,
    /// List a directory.
    List { path: String, depth: u32, max: u32 },
    /// Search files.
    Search { path: String, pattern: String, max: u32 },
    /// Stop every process but the hands themselves, or let them go on, where there is no freezer.
    Hold(bool),
    /// Connect to a port of the machine's loopback address. The socket is handed over with the call's id, before the
    /// answer.
    Dial { port: u16 },
    /// Count what the machine uses, where there are no cgroups.
    Usage,
}

/// The hands answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// Output of the command, in the raw bytes.
    Stdout,
    /// 〃, from standard error.
    Stderr,
    /// The command ended and its output was sent.
    Exited { ended: Ended, dropped: u64 },
    /// A piece of the answer, in the raw bytes: of the file, or of the JSON of a list of entries or matches.
    Answer,
    /// The call is done; for a read, the file's whole size.
    Done { size: u64 },
    /// The answer to [`Request::Usage`].
    Used { memory_bytes: u64, cpu_micros: u64, processes: u32 },
    /// The call failed.
    Failed(Failure),
}

/// What ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    /// There is nothing at the path.
    NotFound,
    /// The path leads out of the workspace.
    Outside,
    /// The file rules forbid it; the sentence says why.
    Denied(String),
    /// The wrong kind of thing is there.
    WrongKind { found: Kind, needed: Kind },
    /// The pattern is no regular expression.
    BadPattern(String),
    /// No space is left.
    NoSpace,
    /// The system refused, with this error number.
    System(i32),
}

/// What is at a path, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    Other,
}

impl Kind {
    /// Returns the words for messages.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a link",
            Self::Other => "a pipe, socket or device",
        }
    }
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Match {
    pub(crate) path: String,
    pub(crate) line: u64,
    pub(crate) text: String,
}

/// Puts a frame into bytes.
pub(crate) fn encode<T: Serialize>(id: u32, body: &T, raw: &[u8]) -> io::Result<Vec<u8>> {
    let header = serde_json::to_vec(&Header { id, body })?;
    let rest = 4 + header.len() + raw.len();
    if rest > FRAME_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the frame is too long"));
    }
    let length = |n: usize| u32::try_from(n).map_err(io::Error::other).map(u32::to_le_bytes);
    let mut bytes = Vec::with_capacity(4 + rest);
    bytes.extend_from_slice(&length(rest)?);
    bytes.extend_from_slice(&length(header.len())?);
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(raw);
    Ok(bytes)
}

/// Reads what follows a frame's length out of `bytes`.
pub(crate) fn decode<T: DeserializeOwned>(mut bytes: Vec<u8>) -> io::Result<Frame<T>> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "a frame is broken");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(broken)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(io::Error::other)?;
    let header: Header<T> = serde_json::from_slice(rest.get(..length).ok_or_else(broken)?)?;
    bytes.drain(..4 + length);
    Ok(Frame { id: header.id, body: header.body, raw: bytes })
}

/// Checks a frame's length as it came.
pub(crate) fn frame_length(bytes: [u8; 4]) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(bytes)).map_err(io::Error::other)?;
    if (4..=FRAME_MAX).contains(&length) {
        Ok(length)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "a frame has an impossible length"))
    }
}

/// Reads one frame and not a byte more, waiting for it.
pub(crate) fn read_frame<T: DeserializeOwned>(mut from: impl Read) -> io::Result<Frame<T>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut bytes = vec![0; frame_length(length)?];
    from.read_exact(&mut bytes)?;
    decode(bytes)
}

/// Writes one frame.
pub(crate) fn write_frame<T: Serialize>(mut to: impl Write, id: u32, body: &T, raw: &[u8]) -> io::Result<()> {
    to.write_all(&encode(id, body, raw)?)
}

#[cfg(test)]
mod tests;
