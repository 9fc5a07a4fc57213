//! Cuts documents into texts that can be found: along their structure, never longer than asked for.

/// A piece of a document that belongs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A heading, with its level from 1.
    Heading(u8, String),
    /// A paragraph, a list, a piece of code: what is better not torn apart.
    Text(String),
    /// A row of a table, as text that can stand alone.
    Row(String),
}

/// How much of a chunk that had to be cut stands again at the beginning of the next, in characters.
const OVERLAP: usize = 200;

/// Cuts a document into texts of at most `longest` characters. Each begins with the headings it stands under. Blocks
/// stay whole where they fit; a new chapter begins a new text once the one before is half full; a block that is too
/// long is cut between paragraphs, lines, sentences or words, in this order, with a little overlap.
pub fn cut_up(blocks: &[Block], longest: usize) -> Vec<String> {
    let mut chunks =
        Chunks { longest: longest.max(400), path: Vec::new(), body: String::new(), all: Vec::new() };
    for block in blocks {
        match block {
            Block::Heading(level, title) => chunks.heading(*level, title.trim()),
            Block::Text(text) => chunks.text(text.trim(), "\n\n"),
            Block::Row(text) => chunks.text(text.trim(), "\n"),
        }
    }
    chunks.flush();
    chunks.all
}

struct Chunks {
    longest: usize,
    path: Vec<(u8, String)>,
    body: String,
    all: Vec<String>,
}

impl Chunks {
    fn heading(&mut self, level: u8, title: &str) {
        if title.is_empty() {
            return;
        }
        // What stands under one heading is found under it, unless that would make crumbs of a document.
        if length(&self.body) * 2 >= self.room() || self.path.last().is_some_and(|(last, _)| level < *last) {
            self.flush();
        }
        let keeps = self.body.is_empty();
        self.path.retain(|(other, _)| *other < level);
        self.path.push((level, title.chars().take(150).collect()));
        if !keeps {
            self.text(title, "\n\n");
        }
    }

    fn text(&mut self, text: &str, separator: &str) {
        if text.is_empty() {
            return;
        }
        let needed = length(text) + if self.body.is_empty() { 0 } else { separator.len() };
        if length(&self.body) + needed > self.room() {
            self.flush();
        }
        if length(text) > self.room() {
            for piece in pieces(text, self.room()) {
                self.body = piece;
                self.flush();
            }
            return;
        }
        if !self.body.is_empty() {
            self.body.push_str(separator);
        }
        self.body.push_str(text);
    }

    /// What is left beside the headings.
    fn room(&self) -> usize {
        self.longest.saturating_sub(length(&self.headings())).max(self.longest / 2)
    }

    fn headings(&self) -> String {
        if self.path.is_empty() {
            return String::new();
        }
        let titles: Vec<&str> = self.path.iter().map(|(_, title)| title.as_str()).collect();
        let line: String = titles.join(" › ").chars().take(self.longest / 2 - 2).collect();
        format!("{line}\n\n")
    }

    fn flush(&mut self) {
        let body = std::mem::take(&mut self.body);
        if !body.trim().is_empty() {
            self.all.push(format!("{}{}", self.headings(), body.trim()));
        }
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// Cuts a text into pieces of at most so many characters, at the best place near the end of each.
fn pieces(text: &str, longest: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((end, _)) = rest.char_indices().nth(longest) {
        let at = cut_at(&rest[..end]);
        pieces.push(rest[..at].trim().to_owned());
        let back =
            rest[..at].char_indices().rev().nth(OVERLAP.min(longest / 4)).map_or(0, |(index, _)| index);
        // The overlap begins with a whole word.
        let begin = rest[back..at].find(char::is_whitespace).map_or(at, |space| back + space);
        rest = rest[if begin == 0 { at } else { begin }..].trim_start();
    }
    if !rest.trim().is_empty() {
        pieces.push(rest.trim().to_owned());
    }
    pieces
}

/// Returns where to cut a text that is too long: after its last paragraph, line, sentence or word, if that is in its
/// second half; else at its end.
fn cut_at(text: &str) -> usize {
    let half = text.len() / 2;
    for mark in ["\n\n", "\n", ". ", "! ", "? ", "。", "; ", " "] {
        if let Some(at) = text.rfind(mark)
            && at >= half
        {
            return at + mark.len();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
