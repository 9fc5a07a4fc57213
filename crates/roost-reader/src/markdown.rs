use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use roost_domain::knowledge::Block;
use roost_ports::reader::Error;

use crate::blocks::Blocks;
use crate::text::decode;

/// Reads Markdown: headings as such, every other block as it was written.
#[expect(clippy::wildcard_enum_match_arm, reason = "every block but a heading is kept as it was written")]
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let text = decode(bytes, "Markdown")?;
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let (mut blocks, mut depth, mut title) = (Blocks::default(), 0_usize, None::<String>);
    for (event, range) in Parser::new_ext(&text, options).into_offset_iter() {
        blocks.check()?;
        match event {
            Event::Start(tag) => {
                if depth == 0 {
                    match tag {
                        Tag::Heading { .. } => title = Some(String::new()),
                        _ => blocks.push(Block::Text(text[range].trim().to_owned())),
                    }
                }
                depth += 1;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                if let TagEnd::Heading(level) = end
                    && depth == 0
                {
                    blocks.push(Block::Heading(level as u8, title.take().unwrap_or_default()));
                }
            }
            Event::Text(part) | Event::Code(part) => {
                if let Some(title) = &mut title {
                    title.push_str(&part);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(title) = &mut title {
                    title.push(' ');
                }
            }
            Event::Html(html) if depth == 0 => blocks.push(Block::Text(html.trim().to_owned())),
            Event::Rule
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }
    blocks.finish()
}
