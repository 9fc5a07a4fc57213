//! Output of commands: bytes in pieces become text, and a long text becomes its head and tail.

/// Turns pieces of bytes into text. A character split over pieces comes out whole; bytes that are not UTF-8 come
/// out as U+FFFD.
#[derive(Debug, Default)]
pub(crate) struct Utf8Stream {
    /// The beginning of a character, at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Takes a piece and returns the text that is complete with it.
    pub(crate) fn push(&mut self, piece: &[u8]) -> String {
        let joined;
        let bytes = if self.pending.is_empty() {
            piece
        } else {
            joined = [self.pending.as_slice(), piece].concat();
            &joined
        };
        let mut text = String::with_capacity(bytes.len());
        let mut rest: &[u8] = &[];
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            if chunks.peek().is_none() && is_beginning(chunk.invalid()) {
                rest = chunk.invalid();
            } else if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let rest = rest.to_vec();
        self.pending = rest;
        text
    }

    /// Ends the stream and returns what stands for a character that never became whole.
    pub(crate) fn finish(&mut self) -> &'static str {
        if std::mem::take(&mut self.pending).is_empty() { "" } else { "\u{fffd}" }
    }
}

/// Tells whether more bytes could make the bytes a character.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Keeps the head and the tail of a text that comes in pieces, in bounded memory.
#[derive(Debug)]
pub(crate) struct HeadTail {
    /// The most bytes each half may have.
    half: usize,
    head: String,
    head_is_full: bool,
    tail: String,
    left_out: u64,
}

impl HeadTail {
    /// Starts empty; `cap` is the most bytes of text that are kept.
    pub(crate) fn new(cap: usize) -> Self {
        Self { half: cap / 2, head: String::new(), head_is_full: false, tail: String::new(), left_out: 0 }
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &str) {
        let mut rest = piece;
        if !self.head_is_full {
            let end = rest.floor_char_boundary(self.half - self.head.len());
            self.head.push_str(&rest[..end]);
            rest = &rest[end..];
            self.head_is_full = !rest.is_empty();
        }
        self.tail.push_str(rest);
        // Trims only now and then, so that many small pieces do not move the whole tail each time.
        if self.tail.len() > 2 * self.half {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let start = self.tail.ceil_char_boundary(self.tail.len().saturating_sub(self.half));
        self.tail.drain(..start);
        self.left_out += start as u64;
    }

    /// Returns the text; where its middle is missing, a line says how much.
    pub(crate) fn finish(mut self) -> String {
        self.trim();
        if self.left_out == 0 {
            return self.head + &self.tail;
        }
        let Self { head, tail, left_out, .. } = self;
        let gap = if head.ends_with('\n') { "" } else { "\n" };
        format!("{head}{gap}[{left_out} bytes left out here]\n{tail}")
    }
}

#[cfg(test)]
mod tests;
