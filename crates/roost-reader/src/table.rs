use roost_domain::knowledge::Block;
use roost_ports::reader::Error;

use crate::blocks::Blocks;
use crate::text::decode;
use crate::{damaged, one_line};

/// The most columns that a table has.
const MOST_COLUMNS: usize = 10_000;

/// How much of a column's name is said with each of its values, in characters.
const LONGEST_NAME: usize = 200;

/// Reads a table: each row says the columns' names with its values, so that it can stand alone.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Block>, Error> {
    let text = decode(bytes, "CSV")?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&text))
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let (mut blocks, mut first) = (Blocks::default(), None::<Vec<String>>);
    let mut names = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| damaged("CSV", error))?;
        if record.len() > MOST_COLUMNS {
            return Err(Error::TooLarge { limit: "10,000 columns" });
        }
        let values: Vec<String> = record.iter().map(one_line).collect();
        if values.iter().all(String::is_empty) {
            continue;
        }
        if first.is_none() {
            names = values.iter().map(|name| name.chars().take(LONGEST_NAME).collect()).collect();
            first = Some(values);
        } else {
            blocks.push(Block::Row(row(&names, &values)));
            blocks.check()?;
        }
    }
    // A table of one row has no names.
    if let (true, Some(only)) = (blocks.is_empty(), first) {
        blocks.push(Block::Row(only.join("; ")));
    }
    blocks.finish()
}

fn row(names: &[String], values: &[String]) -> String {
    let cell = |(index, value): (usize, &String)| match names.get(index).filter(|name| !name.is_empty()) {
        _ if value.is_empty() => None,
        Some(name) => Some(format!("{name}: {value}")),
        None => Some(value.clone()),
    };
    values.iter().enumerate().filter_map(cell).collect::<Vec<_>>().join("; ")
}

/// Returns what parts the columns: whichever of the usual signs the first line has most of.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |sign: u8| first.bytes().filter(|byte| *byte == sign).count();
    // The last of equals wins, which is to be the comma.
    [b'\t', b';', b','].into_iter().max_by_key(|sign| count(*sign)).unwrap_or(b',')
}
