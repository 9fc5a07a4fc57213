//! Prints the rules as `docs/scanner.md` holds them.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(roost_scan::rules_page().as_bytes())
}
