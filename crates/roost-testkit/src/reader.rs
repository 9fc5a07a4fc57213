use roost_domain::knowledge::Block;
use roost_ports::reader::{DocumentReader, Error, Format};

/// A reader that takes every line for a block, `# ` for a heading, and a file that begins with `%DAMAGED` for damaged.
#[derive(Debug, Default)]
pub struct TestReader;

impl DocumentReader for TestReader {
    fn read(&self, _: Format, bytes: &[u8]) -> Result<Vec<Block>, Error> {
        let text = String::from_utf8_lossy(bytes);
        if text.starts_with("%DAMAGED") {
            return Err(Error::Damaged { format: "test", problem: "it says so".to_owned() });
        }
        let block = |line: &str| match line.strip_prefix("# ") {
            Some(title) => Block::Heading(1, title.to_owned()),
            None => Block::Text(line.to_owned()),
        };
        Ok(text.lines().filter(|line| !line.trim().is_empty()).map(block).collect())
    }
}
