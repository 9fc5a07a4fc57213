//! Searching files for lines that match.

use std::fs::File;
use std::io::Read;

use regex::{Regex, RegexBuilder};
use rustix::fs::{AtFlags, OFlags};

use super::{Files, failure, kind, normal};
use crate::wire::{Failure, Kind, Match};

/// Larger files are passed over.
const FILE_MAX: u64 = 8 * 1024 * 1024;
/// The most that is read for one search.
const READ_MAX: u64 = 1024 * 1024 * 1024;
/// The longest text of one match, in characters.
const LINE_MAX: usize = 400;
/// How much memory a compiled pattern may take.
const PATTERN_MAX: usize = 4 * 1024 * 1024;
/// How many levels of directories are searched.
const DEPTH_MAX: u32 = 64;

impl Files {
    /// Searches a file, or all files below a directory, in the order of their paths.
    pub(crate) fn search(&self, path: &str, pattern: &str, max: u32) -> Result<Vec<Match>, Failure> {
        let regex = RegexBuilder::new(pattern).size_limit(PATTERN_MAX).dfa_size_limit(PATTERN_MAX).build();
        let regex = regex.map_err(|error| Failure::BadPattern(brief(&error.to_string())))?;
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let inner = normal(path)?;
        self.may_look(&inner)?;
        let mut matches = Vec::new();
        let mut left = READ_MAX;
        for path in self.to_search(&inner)? {
            if matches.len() >= max || left == 0 {
                break;
            }
            // silent-ok: it was removed meanwhile or is closed to us; the other files are still worth searching.
            let Ok((file, stat)) = self.open_regular(&path) else { continue };
            if super::size(&stat) <= FILE_MAX {
                search_file(&path, file.into(), &regex, max, &mut left, &mut matches);
            }
        }
        Ok(matches)
    }

    fn to_search(&self, inner: &str) -> Result<Vec<String>, Failure> {
        let start = self.resolve(inner, OFlags::PATH).map_err(failure)?;
        let stat = rustix::fs::statat(&start, "", AtFlags::EMPTY_PATH).map_err(failure)?;
        match kind(&stat) {
            Kind::File => Ok(vec![inner.to_owned()]),
            Kind::Directory => {
                let mut found = Vec::new();
                self.walk(inner, DEPTH_MAX, &mut found)?;
                let files =
                    found.into_iter().filter(|entry| entry.kind == Kind::File && entry.size <= FILE_MAX);
                let mut paths: Vec<_> = files.map(|entry| entry.path).collect();
                paths.sort();
                Ok(paths)
            }
            Kind::Link | Kind::Other => Ok(Vec::new()),
        }
    }
}

fn search_file(path: &str, file: File, regex: &Regex, max: usize, left: &mut u64, matches: &mut Vec<Match>) {
    let mut content = Vec::new();
    // silent-ok: an unreadable file is passed over like a binary one.
    if file.take(FILE_MAX).read_to_end(&mut content).is_err() {
        return;
    }
    *left = left.saturating_sub(content.len() as u64);
    if content.contains(&0) {
        return;
    }
    for (number, line) in (1..).zip(content.split(|byte| *byte == b'\n')) {
        let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
        // The piece after the last newline is no line when it is empty.
        if regex.is_match(&line) && !(line.is_empty() && number > 1 && ends_at(&content, number)) {
            matches.push(Match {
                path: path.to_owned(),
                line: number,
                text: line.chars().take(LINE_MAX).collect(),
            });
            if matches.len() >= max {
                return;
            }
        }
    }
}

/// Tells whether line `number` is the empty rest after the last newline.
fn ends_at(content: &[u8], number: u64) -> bool {
    content.last() == Some(&b'\n')
        && content.iter().filter(|byte| **byte == b'\n').count() as u64 == number - 1
}

/// Keeps the last line of a pattern's error, the one that says what is wrong.
fn brief(error: &str) -> String {
    error.lines().last().unwrap_or(error).trim_start_matches("error: ").chars().take(LINE_MAX).collect()
}
