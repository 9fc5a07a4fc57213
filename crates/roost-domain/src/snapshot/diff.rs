//! The lines in which two texts differ.

use similar::TextDiff;

/// The longest text of which lines are compared, in bytes.
pub const TEXT_MAX: usize = 64 * 1024;
/// The longest diff, in bytes.
pub const DIFF_MAX: usize = 16 * 1024;

/// Returns the lines in which two texts differ, in the form of `diff -u` without its first two lines, each part
/// with three lines around it, cut to [`DIFF_MAX`] bytes at a line's end; `None` where one is longer than
/// [`TEXT_MAX`] or the texts are the same.
pub fn unified(before: &str, after: &str) -> Option<String> {
    if before.len() > TEXT_MAX || after.len() > TEXT_MAX || before == after {
        return None;
    }
    let mut diff = TextDiff::configure()
        .algorithm(similar::Algorithm::Patience)
        .diff_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .to_string();
    if diff.len() > DIFF_MAX {
        let end = diff.as_bytes()[..DIFF_MAX].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        diff.truncate(end);
        diff.push_str("…\n");
    }
    Some(diff)
}
