//! The table of what other products' clients may rely on: every row names tests, and they are there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rows of Agento's and GoPilot's capabilities that the table must have.
const ROWS: [&str; 68] = [
    "X1", "X2", "X4", "X6", "X7", "X8", "X9", "X10", "X11", "X12", "X14", "X16", "X17", "X18", "X19", "X21",
    "X22", "X23", "X24", "X25", "X26", "X29", "X31", "A1", "A2", "A5", "A6", "A9", "A10", "A13", "A14",
    "A18", "A21", "A23", "A24", "A25", "A26", "A27", "A28", "A30", "A31", "A32", "A33", "A39", "L1", "L4",
    "L5", "L6", "L7", "L8", "L9", "L10", "L11", "L12", "L13", "M1", "M2", "M3", "M4", "M5", "M6", "W2", "W3",
    "W4", "W5", "W6", "W7", "W8",
];

/// The rest of them.
const MORE: [&str; 5] = ["W9", "W10", "W11", "W12", "W14"];

/// Those that Fullpilot alone has.
const FULLPILOT: [&str; 14] =
    ["X20", "A4", "A8", "A12", "A29", "L3", "M10", "M11", "M12", "M13", "M14", "M15", "C8", "T4"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace").to_owned()
}

/// Returns the file that holds a test of this name, and the function's name: `roost-api::agents::name`.
fn place(test: &str) -> Option<(PathBuf, &str)> {
    let [package, file, name] = test.split("::").collect::<Vec<_>>()[..] else { return None };
    let folder = if package == "roost-core" { "core" } else { "it" };
    Some((root().join("crates").join(package).join("tests").join(folder).join(format!("{file}.rs")), name))
}

fn is_there(test: &str) -> bool {
    let Some((file, name)) = place(test) else { return false };
    let Ok(text) = std::fs::read_to_string(file) else { return false };
    text.contains(&format!("fn {name}("))
}

#[test]
fn every_row_of_the_table_names_tests_that_are_there() {
    let table = std::fs::read_to_string(root().join("docs/compatibility.md")).expect("the table is there");
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| row")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [row, _, tests] = cells[..] else {
            wrong.push(format!("{line}: has not three cells"));
            continue;
        };
        seen.insert(row.to_owned());
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            wrong.push(format!("{row}: names no test"));
        }
        wrong
            .extend(tests.iter().filter(|test| !is_there(test)).map(|test| format!("{row}: no test {test}")));
    }
    let missing = ROWS.iter().chain(&MORE).chain(&FULLPILOT).filter(|row| !seen.contains(**row));
    wrong.extend(missing.map(|row| format!("{row}: is not in the table")));
    assert!(wrong.is_empty(), "docs/compatibility.md:\n{}", wrong.join("\n"));
}
