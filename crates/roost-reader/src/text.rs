use roost_domain::knowledge::Block;
use roost_ports::reader::Error;

use crate::blocks::Blocks;
use crate::damaged;

/// Reads text as paragraphs, which empty lines part.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let mut blocks = Blocks::default();
    paragraphs(&decode(bytes, "text")?, &mut blocks)?;
    blocks.finish()
}

/// Reads bytes as text: UTF-8 or UTF-16 by its mark, else UTF-8, else what Windows wrote in Western Europe.
pub(super) fn decode(bytes: &[u8], format: &'static str) -> Result<String, Error> {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_with_bom_removal(bytes);
        return Ok(text.into_owned());
    }
    if bytes.contains(&0) {
        return Err(damaged(format, "it holds bytes that are no text"));
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    })
}

pub(super) fn paragraphs(text: &str, blocks: &mut Blocks) -> Result<(), Error> {
    let mut paragraph = String::new();
    for line in text.lines().chain([""]) {
        if !line.trim().is_empty() {
            paragraph.push_str(line.trim_end());
            paragraph.push('\n');
        } else if !paragraph.is_empty() {
            blocks.push(Block::Text(std::mem::take(&mut paragraph).trim_end().to_owned()));
            blocks.check()?;
        }
    }
    Ok(())
}
