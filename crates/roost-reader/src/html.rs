use html5gum::{Token, Tokenizer};
use roost_domain::knowledge::Block;
use roost_ports::reader::Error;

use crate::blocks::Blocks;
use crate::one_line;
use crate::text::decode;

/// Elements whose text nobody sees.
const UNSEEN: [&[u8]; 8] =
    [b"script", b"style", b"template", b"noscript", b"svg", b"iframe", b"object", b"select"];

/// Elements that text flows through.
const INLINE: [&[u8]; 31] = [
    b"a", b"abbr", b"b", b"bdi", b"bdo", b"cite", b"code", b"data", b"del", b"dfn", b"em", b"font", b"i",
    b"img", b"input", b"ins", b"kbd", b"label", b"mark", b"q", b"s", b"samp", b"small", b"span", b"strong",
    b"sub", b"sup", b"time", b"u", b"var", b"wbr",
];

/// Reads a web page: headings, paragraphs, rows of tables; nothing of scripts and styles.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let text = decode(bytes, "web page")?;
    let mut page = Page::default();
    for Ok(token) in Tokenizer::new(&text) {
        page.blocks.check()?;
        match token {
            Token::StartTag(tag) => page.open(&tag.name, tag.self_closing),
            Token::EndTag(tag) => page.close(&tag.name),
            Token::String(text) => page.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.flush();
    page.blocks.finish()
}

#[derive(Default)]
struct Page {
    blocks: Blocks,
    body: String,
    /// Which unseen element is open, and how often.
    unseen: Option<(Vec<u8>, usize)>,
    heading: Option<u8>,
    row: Option<Vec<String>>,
    /// Whether spaces and lines are kept.
    kept: usize,
    title: bool,
}

impl Page {
    fn open(&mut self, name: &[u8], closed: bool) {
        if let Some((unseen, depth)) = &mut self.unseen {
            *depth += usize::from(unseen == name && !closed);
            return;
        }
        if UNSEEN.contains(&name) {
            if !closed {
                self.unseen = Some((name.to_vec(), 1));
            }
            return;
        }
        match name {
            b"br" => self.body.push('\n'),
            b"title" => {
                self.flush();
                self.title = true;
            }
            b"pre" | b"textarea" => {
                self.flush();
                self.kept += 1;
            }
            b"tr" => {
                self.flush();
                self.row = Some(Vec::new());
            }
            b"td" | b"th" => self.cell(),
            b"li" => {
                self.flush();
                self.body.push_str("- ");
            }
            [b'h', level @ b'1'..=b'6'] => {
                self.flush();
                self.heading = Some(level - b'0');
            }
            name if INLINE.contains(&name) => {}
            _ if self.row.is_some() => self.body.push(' '),
            _ => self.flush(),
        }
    }

    fn close(&mut self, name: &[u8]) {
        if let Some((unseen, depth)) = &mut self.unseen {
            *depth -= usize::from(unseen == name);
            if *depth == 0 {
                self.unseen = None;
            }
            return;
        }
        match name {
            b"td" | b"th" => self.cell(),
            b"tr" | b"table" => self.end_row(),
            b"pre" | b"textarea" => {
                self.flush();
                self.kept = self.kept.saturating_sub(1);
            }
            name if INLINE.contains(&name) => {}
            _ if self.row.is_some() => self.body.push(' '),
            _ => self.flush(),
        }
    }

    fn text(&mut self, text: &str) {
        if self.unseen.is_none() {
            self.body.push_str(text);
        }
    }

    fn cell(&mut self) {
        let text = one_line(&std::mem::take(&mut self.body));
        if let Some(row) = &mut self.row
            && !text.is_empty()
        {
            row.push(text);
        }
    }

    fn end_row(&mut self) {
        self.cell();
        if let Some(row) = self.row.take() {
            self.blocks.push(Block::Row(row.join(" | ")));
        }
    }

    fn flush(&mut self) {
        if self.row.is_some() {
            self.end_row();
        }
        let body = std::mem::take(&mut self.body);
        let body = if self.kept > 0 {
            body.trim_matches('\n').to_owned()
        } else {
            body.lines().map(one_line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
        };
        let (heading, title) = (self.heading.take(), std::mem::take(&mut self.title));
        if body.is_empty() || body == "-" {
            return;
        }
        self.blocks.push(match heading.or(title.then_some(1)) {
            Some(level) => Block::Heading(level, one_line(&body)),
            None => Block::Text(body),
        });
    }
}
