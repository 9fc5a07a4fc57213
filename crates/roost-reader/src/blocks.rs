use roost_domain::knowledge::Block;
use roost_ports::reader::Error;

use crate::{MOST_TEXT, text_of};

/// The most blocks that are taken out of a file.
const MOST_BLOCKS: usize = 500_000;

/// The blocks of a document as they come. Beyond the bounds nothing more is kept, so that a file which says little and
/// means much costs no memory.
#[derive(Default)]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    size: usize,
}

impl Blocks {
    /// Adds a block, unless it is blank or there are too many.
    pub(super) fn push(&mut self, block: Block) {
        let text = text_of(&block);
        if text.trim().is_empty() {
            return;
        }
        self.size = self.size.saturating_add(text.len());
        if self.check().is_ok() {
            self.blocks.push(block);
        }
    }

    /// Fails as soon as there is too much.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.size > MOST_TEXT {
            return Err(Error::TooLarge { limit: "16 MiB of text" });
        }
        if self.blocks.len() >= MOST_BLOCKS {
            return Err(Error::TooLarge { limit: "500,000 paragraphs and rows" });
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Returns them all, or fails if there were too many.
    pub(super) fn finish(self) -> Result<Vec<Block>, Error> {
        self.check()?;
        Ok(self.blocks)
    }
}
