//! Takes the text out of documents, as blocks that belong together: one file for each format.
//!
//! Implements `roost_ports::reader::DocumentReader`; imports the domain and the ports. Files are whatever somebody
//! uploads: what is read of them is bounded, and a parser that panics is a damaged file. Start at [`Documents`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use roost_domain::knowledge::Block;
use roost_ports::reader::{DocumentReader, Error, Format};

mod blocks;
mod docx;
mod html;
mod markdown;
mod pdf;
mod table;
mod text;

/// The most text that is taken out of a file, in bytes.
const MOST_TEXT: usize = 16 * 1024 * 1024;

/// Reads documents of every format.
#[derive(Debug, Clone, Copy, Default)]
pub struct Documents;

impl DocumentReader for Documents {
    fn read(&self, format: Format, bytes: &[u8]) -> Result<Vec<Block>, Error> {
        // Nothing outlives the call that a panic could leave half changed.
        let read = catch_unwind(AssertUnwindSafe(|| match format {
            Format::Text => text::read(bytes),
            Format::Markdown => markdown::read(bytes),
            Format::Html => html::read(bytes),
            Format::Pdf => pdf::read(bytes),
            Format::Docx => docx::read(bytes),
            Format::Csv => table::read(bytes),
        }));
        read.unwrap_or_else(|_| {
            tracing::warn!(?format, "the parser of a document panicked");
            Err(damaged(name(format), "its parts do not fit together"))
        })
    }
}

const fn name(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Markdown => "Markdown",
        Format::Html => "web page",
        Format::Pdf => "PDF",
        Format::Docx => "DOCX",
        Format::Csv => "CSV",
    }
}

fn damaged(format: &'static str, problem: impl std::fmt::Display) -> Error {
    let problem = problem.to_string();
    Error::Damaged { format, problem }
}

/// Puts a text's words in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
