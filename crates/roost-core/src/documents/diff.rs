use std::time::Duration;

use similar::{Algorithm, TextDiff};

/// How long to look for the smallest difference; after that, a larger one is good enough.
const PATIENCE: Duration = Duration::from_millis(200);

/// Returns what changed from one text to another, as `diff -u` writes it; empty if nothing did.
pub(crate) fn unified(before: (&str, &str), after: (&str, &str)) -> String {
    let diff =
        TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_lines(before.1, after.1);
    diff.unified_diff().context_radius(3).header(before.0, after.0).to_string()
}
