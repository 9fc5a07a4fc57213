//! Counts tests out of what test runners print.

use std::ops::AddAssign;

/// How many tests or checks passed and failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Reads the line with which cargo-nextest sums up; `None` for any other line.
///
/// **Source:** `Summary [ 1.9s] 67 tests run: 65 passed (1 slow), 1 failed, 1 timed out, 0 skipped`, or `3/67 tests
/// run` if it stopped early.
pub(crate) fn of_nextest(line: &str) -> Option<Tally> {
    let (_, counts) = line.trim().strip_prefix("Summary [")?.split_once(" run: ")?;
    Some(count(counts.split(',')))
}

/// Reads the line with which the built-in harness sums up one program; `None` for any other line.
///
/// **Source:** `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
pub(crate) fn of_harness(line: &str) -> Option<Tally> {
    Some(count(line.strip_prefix("test result: ")?.split_once(". ")?.1.split(';')))
}

fn count<'a>(parts: impl Iterator<Item = &'a str>) -> Tally {
    let mut tally = Tally::default();
    for part in parts {
        let Some((number, what)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match what.split(" (").next().unwrap_or(what) {
            "passed" => tally.passed += number,
            "failed" | "timed out" | "exec failed" => tally.failed += number,
            _ => {}
        }
    }
    tally
}

#[cfg(test)]
mod tests;
