use std::path::PathBuf;
use std::time::Duration;

/// How a database is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The database file. Its directory must exist; two more files with the suffixes `-wal` and `-shm` appear
    /// beside it.
    pub path: PathBuf,
    /// Connections for reading, and so the number of reads that run at once; at least 1.
    pub readers: usize,
    /// Pieces of work that may wait for the writer.
    pub queue: usize,
    /// The most pieces of work that share one commit.
    pub batch: usize,
    /// How long a caller waits for a place in the queue or for a free reader before it is told that the store is
    /// overloaded.
    pub queue_timeout: Duration,
    /// How long a transaction waits for one of another process.
    pub busy_timeout: Duration,
    /// How large the log file is made when it is opened. Commits then overwrite blocks that the file system has
    /// given out already, which takes a fraction of the time that growing the file does. 0 leaves it as it is.
    pub wal_bytes: u64,
    /// What the writer keeps of the database in memory, in bytes; each reader keeps a quarter of it.
    pub cache_bytes: u32,
    /// Whether a commit waits until it is on the disk. Only tests and benchmarks may do without.
    pub durable: bool,
}

impl Options {
    /// Returns what a server uses: durable, 4 readers, 1,024 places in the queue, up to 256 to a commit, 5
    /// seconds of patience, a log of 8 MiB and 4 MiB of cache.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 4,
            queue: 1_024,
            batch: 256,
            queue_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            wal_bytes: 8 * 1024 * 1024,
            cache_bytes: 4 * 1024 * 1024,
            durable: true,
        }
    }
}
