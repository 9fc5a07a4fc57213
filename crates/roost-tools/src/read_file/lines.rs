//! Picks lines out of a file that is read piece by piece.

use crate::text::TEXT_CAP;

/// Collects the wanted lines, up to a number of lines and [`TEXT_CAP`] bytes.
#[derive(Debug)]
pub(super) struct Lines {
    first: u64,
    limit: u64,
    /// The number of the line that the next byte belongs to.
    line: u64,
    picked: Vec<u8>,
    /// Where the line that is being picked begins in `picked`.
    line_start: usize,
    /// Whether the line has bytes already.
    in_line: bool,
    stop: Option<Stop>,
    /// Whether bytes came after the last one that was picked.
    more: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// As many lines as wanted.
    Limit,
    /// The next line does not fit.
    Full,
    /// The first line alone does not fit.
    LongLine,
}

/// What was picked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Picked {
    /// The lines.
    pub(super) text: String,
    /// The number of the line after them.
    pub(super) next: u64,
    /// Whether the file goes on.
    pub(super) more: bool,
    /// Whether the one line in it was cut.
    pub(super) long_line: bool,
}

impl Lines {
    pub(super) fn new(first: u64, limit: u64) -> Self {
        Self {
            first,
            limit,
            line: 1,
            picked: Vec::new(),
            line_start: 0,
            in_line: false,
            stop: None,
            more: false,
        }
    }

    /// Tells whether further pieces change nothing.
    pub(super) fn is_done(&self) -> bool {
        self.stop.is_some()
    }

    /// Takes the next piece of the file.
    pub(super) fn push(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.is_done() {
                self.more = true;
                return;
            }
            self.take(part);
        }
    }

    /// Takes a line or a part of one.
    fn take(&mut self, part: &[u8]) {
        let ends = part.ends_with(b"\n");
        if self.line >= self.first {
            let room = TEXT_CAP - self.picked.len();
            if part.len() > room {
                self.more = true;
                if self.line_start == 0 {
                    self.picked.extend_from_slice(&part[..room]);
                    self.stop = Some(Stop::LongLine);
                } else {
                    self.picked.truncate(self.line_start);
                    self.stop = Some(Stop::Full);
                }
                return;
            }
            self.picked.extend_from_slice(part);
        }
        self.in_line = !ends;
        if ends {
            self.line += 1;
            self.line_start = self.picked.len();
            if self.line > self.first && self.line - self.first >= self.limit {
                self.stop = Some(Stop::Limit);
            }
        }
    }

    /// Returns what was picked; `at_end` says that the file ends with the last piece.
    pub(super) fn finish(mut self, at_end: bool) -> Picked {
        let long_line = self.stop == Some(Stop::LongLine);
        if long_line {
            // The cut may have gone through a character.
            let whole = self.picked.utf8_chunks().last().map_or(0, |chunk| chunk.invalid().len());
            if whole < 4 {
                self.picked.truncate(self.picked.len() - whole);
            }
        }
        let next = match self.stop {
            Some(Stop::LongLine) => self.line + 1,
            Some(Stop::Limit | Stop::Full) => self.line,
            None => self.line + u64::from(self.in_line),
        };
        Picked {
            text: String::from_utf8_lossy(&self.picked).into_owned(),
            next,
            more: self.more || !at_end,
            long_line,
        }
    }
}
