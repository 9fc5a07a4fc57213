use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use roost_domain::knowledge::Block;
use roost_ports::reader::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::blocks::Blocks;
use crate::text::decode;
use crate::{damaged, one_line};

/// The most that the document's own part may become, in bytes.
const MOST_UNPACKED: u64 = 64 * 1024 * 1024;

/// Reads a document of Word: headings, paragraphs, rows of tables, in their order.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(failed)?;
    let part = archive.by_name("word/document.xml").map_err(failed)?;
    let mut xml = Vec::new();
    part.take(MOST_UNPACKED + 1).read_to_end(&mut xml).map_err(|error| damaged("DOCX", error))?;
    if xml.len() as u64 > MOST_UNPACKED {
        return Err(Error::TooLarge { limit: "64 MiB when it is unpacked" });
    }
    let mut document = Word::default();
    let xml = decode(&xml, "DOCX")?;
    let mut reader = Reader::from_str(&xml);
    loop {
        document.blocks.check()?;
        match reader.read_event().map_err(|error| damaged("DOCX", error))? {
            Event::Start(tag) => document.open(&tag),
            Event::Empty(tag) => {
                document.open(&tag);
                document.close(tag.local_name().as_ref());
            }
            Event::End(tag) => document.close(tag.local_name().as_ref()),
            Event::Text(text) if document.in_text => {
                document.body.push_str(&text);
            }
            Event::GeneralRef(name) if document.in_text => {
                document.body.push_str(&reference(&name));
            }
            Event::Eof => break,
            Event::Text(_)
            | Event::GeneralRef(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
    document.blocks.finish()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other kinds of damage are told in the library's words"
)]
fn failed(error: ZipError) -> Error {
    match &error {
        ZipError::UnsupportedArchive(what) if *what == ZipError::PASSWORD_REQUIRED => Error::Encrypted,
        ZipError::FileNotFound => damaged("DOCX", "it holds no word/document.xml"),
        _ => damaged("DOCX", &error),
    }
}

/// Returns the character that a name between `&` and `;` stands for; nobody else's entities are known.
fn reference(name: &str) -> String {
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    match (name, number.and_then(char::from_u32)) {
        (_, Some(c)) => c.to_string(),
        ("amp", _) => "&".to_owned(),
        ("lt", _) => "<".to_owned(),
        ("gt", _) => ">".to_owned(),
        ("quot", _) => "\"".to_owned(),
        ("apos", _) => "'".to_owned(),
        _ => String::new(),
    }
}

#[derive(Default)]
struct Word {
    blocks: Blocks,
    body: String,
    in_text: bool,
    heading: Option<u8>,
    listed: bool,
    /// The row that is open in the outermost table, and how deep tables are nested.
    row: Option<Vec<String>>,
    tables: usize,
}

impl Word {
    fn open(&mut self, tag: &BytesStart<'_>) {
        match tag.local_name().as_ref() {
            "t" => self.in_text = true,
            "tab" => self.body.push('\t'),
            "br" | "cr" => self.body.push('\n'),
            "tbl" => self.tables += 1,
            "tr" if self.tables == 1 => self.row = Some(Vec::new()),
            "pStyle" => self.heading = heading(tag),
            "numPr" => self.listed = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" if self.row.is_some() => self.body.push(' '),
            "p" => self.paragraph(),
            "tc" if self.tables == 1 => {
                let text = one_line(&std::mem::take(&mut self.body));
                self.row.get_or_insert_default().push(text);
            }
            "tr" if self.tables == 1 => {
                let cells = self.row.take().unwrap_or_default();
                self.blocks.push(Block::Row(cells.join(" | ")));
            }
            "tbl" => self.tables = self.tables.saturating_sub(1),
            _ => {}
        }
    }

    fn paragraph(&mut self) {
        let body = std::mem::take(&mut self.body);
        let (heading, listed) = (self.heading.take(), std::mem::take(&mut self.listed));
        if body.trim().is_empty() {
            return;
        }
        self.blocks.push(match heading {
            Some(level) => Block::Heading(level, one_line(&body)),
            None if listed => Block::Text(format!("- {}", body.trim())),
            None => Block::Text(body.trim().to_owned()),
        });
    }
}

/// Returns the level of a paragraph's style, if it is one of the built-in headings, whatever Word's language.
fn heading(tag: &BytesStart<'_>) -> Option<u8> {
    let style = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "val")?;
    let style = style.value.to_lowercase();
    if style == "title" || style == "titel" {
        return Some(1);
    }
    let digits = style.find(|c: char| c.is_ascii_digit())?;
    let (name, level) = style.split_at(digits);
    let known = ["heading", "berschrift", "titre", "ttulo", "titolo", "kop", "rubrik"];
    let level: u8 = level.parse().ok().filter(|level| (1..=6).contains(level))?;
    known.iter().any(|known| name.trim().ends_with(known)).then_some(level)
}
