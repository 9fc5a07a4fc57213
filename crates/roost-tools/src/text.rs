//! Text for models: what counts as text, and lists that stop at a cap.

/// The most bytes of text a tool gives to the model, where it says nothing else.
pub(crate) const TEXT_CAP: usize = 64 * 1024;

/// How much of a content is looked at to tell text from binary.
const SAMPLE: usize = 8 * 1024;

/// Tells whether content is no text: it holds a zero byte, or more than a tenth of it is not UTF-8.
pub(crate) fn is_binary(content: &[u8]) -> bool {
    let sample = &content[..content.len().min(SAMPLE)];
    if sample.contains(&0) {
        return true;
    }
    // A character cut by the end of the sample is not counted against it.
    let wrong: usize = sample.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    wrong > 3 && wrong * 10 > sample.len()
}

/// Joins lines up to [`TEXT_CAP`] and returns how many fitted.
pub(crate) fn join_capped(lines: impl Iterator<Item = String>) -> (String, usize) {
    let (mut text, mut shown) = (String::new(), 0);
    for line in lines {
        if text.len() + line.len() + 1 > TEXT_CAP {
            break;
        }
        text.push_str(&line);
        text.push('\n');
        shown += 1;
    }
    (text, shown)
}

/// Returns `1 line`, `2 lines`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
