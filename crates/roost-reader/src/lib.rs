//! Takes the text out of documents, as blocks that belong together: one file for each format.
//!
//! Implements `roost_ports::reader::DocumentReader`; imports the domain and the ports. Files are whatever somebody
//! uploads: what is read of them is bounded, and a parser that panics is a damaged file. Start at [`Documents`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use roost_domain::knowledge::Block;
use roost_ports::reader::{DocumentReader, Error, Format};

mod blocks;
pub mod child;
mod docx;
mod html;
mod markdown;
mod pdf;
mod table;
mod text;

/// The most text that is taken out of a file, in bytes.
const MOST_TEXT: usize = 16 * 1024 * 1024;

/// Reads documents of every format.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    /// What reads PDFs, in processes of its own.
    program: Option<PathBuf>,
}

impl Documents {
    /// Makes a reader that starts a program with the argument [`child::COMMAND`] for every PDF, which is to call
    /// [`child::main`]. One made by default reads them in its own process, however much memory that takes.
    pub fn reading_pdfs_with(program: PathBuf) -> Self {
        Self { program: Some(program) }
    }
}

impl DocumentReader for Documents {
    fn read(&self, format: Format, bytes: &[u8]) -> Result<Vec<Block>, Error> {
        // Nothing outlives the call that a panic could leave half changed.
        let read = catch_unwind(AssertUnwindSafe(|| match format {
            Format::Text => text::read(bytes),
            Format::Markdown => markdown::read(bytes),
            Format::Html => html::read(bytes),
            Format::Pdf => match &self.program {
                Some(program) => child::read(program, bytes),
                None => pdf::read(bytes),
            },
            Format::Docx => docx::read(bytes),
            Format::Csv => table::read(bytes),
        }));
        read.unwrap_or_else(|_| {
            tracing::warn!(?format, "the parser of a document panicked");
            Err(damaged(name(format), "its parts do not fit together"))
        })
    }
}

fn text_of(block: &Block) -> &str {
    match block {
        Block::Heading(_, text) | Block::Text(text) | Block::Row(text) => text,
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
