//! Every code that can come out has its row in `docs/errors.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the Rust files below a directory, without tests.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// Returns the texts between quotes that follow a marker, at most `within` characters after it.
fn quoted_after<'a>(source: &'a str, marker: &str, within: usize) -> Vec<&'a str> {
    source
        .match_indices(marker)
        // `FieldKind::` is not `Kind::`.
        .filter(|(at, _)| !source[..*at].ends_with(|before: char| before.is_alphanumeric()))
        .filter_map(|(at, _)| {
            let rest = &source[at + marker.len()..];
            let start = rest.find('"').filter(|start| *start <= within)?;
            rest[start + 1..].split('"').next()
        })
        .collect()
}

fn is_code(text: &str) -> bool {
    text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Returns every code that the sources make errors and problems with.
fn codes() -> BTreeSet<String> {
    let mut files = Vec::new();
    for floor in
        ["roost-core", "roost-runtime", "roost-http", "roost-api", "roost-api-agentcop", "roost-api-openai"]
    {
        let directory = root().join("crates").join(floor).join("src");
        sources(&directory, &mut files);
    }
    let mut codes = BTreeSet::new();
    let mut add =
        |found: Vec<&str>| codes.extend(found.into_iter().filter(|text| is_code(text)).map(str::to_owned));
    for file in files {
        let source = std::fs::read_to_string(file).unwrap();
        for kind in ["Kind::", "Failure::new(StatusCode::", "Failure::new(\n", "Error::forbidden("] {
            // `Error::new(Kind::Conflict, "lease_lost", …)`, on one line or several.
            add(quoted_after(&source, kind, 60));
        }
        add(quoted_after(&source, "code: ", 2));
        add(quoted_after(&source, "conflict(", 0));
        add(quoted_after(&source, "problem(", 0));
        add(quoted_after(&source, "CannotDecide::", 20));
    }
    let model = std::fs::read_to_string(root().join("crates/roost-ports/src/model.rs")).unwrap();
    add(quoted_after(&model, "Self::", 30));
    let turn = std::fs::read_to_string(root().join("crates/roost-domain/src/turn.rs")).unwrap();
    add(quoted_after(&turn, "code: ", 2));
    add(quoted_after(&turn, "problem(", 0));
    let gate = std::fs::read_to_string(root().join("crates/roost-domain/src/gate.rs")).unwrap();
    add(quoted_after(&gate, "rule: ", 2));
    add(quoted_after(&gate, "own_machine(", 0));
    for file in ["gate.rs", "guard.rs", "permissions/effective.rs"] {
        let source = std::fs::read_to_string(root().join("crates/roost-domain/src").join(file)).unwrap();
        add(quoted_after(&source, "code: ", 2));
        add(quoted_after(&source, "code: if by_denial { ", 0));
        add(quoted_after(&source, "(", 0).into_iter().filter(|text| text.contains('_')).collect());
    }
    codes
}

#[test]
fn every_code_has_a_row() {
    let codes = codes();
    for known in [
        "unauthorized",
        "missing_scope",
        "agent_not_running",
        "rate_limited",
        "body_too_large",
        "model_unreachable",
        "too_many_rounds",
        "internal",
        "approval_expired",
        "route_not_found",
    ] {
        assert!(codes.contains(known), "the search for codes does not find {known}: {codes:?}");
    }
    let page = std::fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let rows: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned))
        .collect();
    let missing: Vec<_> = codes.difference(&rows).collect();
    assert!(missing.is_empty(), "docs/errors.md has no row for {missing:?}");
    let stale: Vec<_> = rows.difference(&codes).collect();
    assert!(stale.is_empty(), "docs/errors.md explains codes that nothing makes: {stale:?}");
}
