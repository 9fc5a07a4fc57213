//! Prints how fast Python is scanned: `speed DIR` reads every `.py` file below a directory, best the source of a large
//! package; without one, the Python that is on this machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use roost_ports::scanner::{Scanner as _, SourceFile};
use roost_scan::CodeScanner;

/// How much is read at most.
const BYTES_MAX: usize = 40_000_000;

/// How often it is scanned; the fastest counts, for the machine may have other work.
const ROUNDS: usize = 3;

fn main() -> std::io::Result<()> {
    let given = std::env::args().nth(1).map(PathBuf::from);
    let places = [
        "/usr/lib/python3",
        "/usr/lib/python3.11",
        "/usr/lib/python3.12",
        "/usr/lib/python3.13",
        "/usr/local/lib",
    ];
    let roots = given.map_or_else(|| places.iter().map(PathBuf::from).collect(), |one| vec![one]);
    let mut files = Vec::new();
    roots.iter().for_each(|root| read_all(root, &mut files));
    let bytes: usize = files.iter().map(|file| file.content.len()).sum();
    let mut out = std::io::stdout().lock();
    if files.is_empty() {
        return out.write_all(b"no Python found: give a directory, such as an unpacked package\n");
    }
    let best = (0..ROUNDS).map(|_| once(&files)).min_by_key(|(taken, _)| *taken);
    let (taken, findings) = best.unwrap_or_default();
    let megabytes = bytes as f64 / 1e6;
    writeln!(out, "files  MB     seconds  MB/s   findings")?;
    let seconds = taken.as_secs_f64();
    writeln!(
        out,
        "{:<6} {megabytes:<6.1} {seconds:<8.2} {:<6.1} {findings}",
        files.len(),
        megabytes / seconds
    )
}

fn once(files: &[SourceFile]) -> (Duration, usize) {
    let start = Instant::now();
    let report = CodeScanner.scan(files, None);
    (start.elapsed(), report.findings.len())
}

fn read_all(directory: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let total: usize = files.iter().map(|file| file.content.len()).sum();
        if total > BYTES_MAX {
            return;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            read_all(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "py")
            && let Ok(content) = std::fs::read(&path)
        {
            files.push(SourceFile { path: path.to_string_lossy().into_owned(), content });
        }
    }
}
