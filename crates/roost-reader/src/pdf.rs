use lopdf::{DecompressError, Document, LoadOptions};
use roost_domain::knowledge::Block;
use roost_ports::reader::Error;

use crate::blocks::Blocks;
use crate::damaged;
use crate::text::paragraphs;

/// The most that one packed part of a file may become, in bytes.
const MOST_UNPACKED: usize = 32 * 1024 * 1024;

const MOST_PAGES: usize = 5_000;

/// Reads the text of a PDF, page by page. What is a picture of text has none.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let options = LoadOptions::with_max_decompressed_size(MOST_UNPACKED);
    let document = Document::load_mem_with_options(bytes, options).map_err(failed)?;
    if document.is_encrypted() {
        return Err(Error::Encrypted);
    }
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    if pages.len() > MOST_PAGES {
        return Err(Error::TooLarge { limit: "5,000 pages" });
    }
    let mut blocks = Blocks::default();
    for page in pages {
        let text = document.extract_text_with_limit(&[page], MOST_UNPACKED).map_err(failed)?;
        paragraphs(&text, &mut blocks)?;
    }
    blocks.finish()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other kinds of damage are told in the library's words"
)]
fn failed(error: lopdf::Error) -> Error {
    match &error {
        lopdf::Error::Decompress(DecompressError::MemoryLimitExceeded { .. }) => {
            Error::TooLarge { limit: "32 MiB in one packed part" }
        }
        lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword => Error::Encrypted,
        other => damaged("PDF", other),
    }
}
