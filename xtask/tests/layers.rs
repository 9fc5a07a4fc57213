//! The house as design and architecture draw it: crates are floors, imports only go down.
//!
//! A new crate needs a row in [`FLOORS`]; a row that has to grow is a decision about the house, not a chore.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Every crate of the house with those of ours that it may import. Adapters know `domain` and `ports` only, so
/// none knows another.
const FLOORS: [(&str, &[&str]); 25] = [
    ("roost-domain", &[]),
    ("roost-ports", &["roost-domain"]),
    ("roost-store", &["roost-domain", "roost-ports"]),
    ("roost-sandbox", &["roost-domain", "roost-ports"]),
    ("roost-models", &["roost-domain", "roost-ports"]),
    ("roost-channels", &["roost-domain", "roost-ports"]),
    ("roost-openclaw", &["roost-domain", "roost-ports"]),
    // OAuth, OpenAPI and the catalog are one adapter's business: what is known of services, and how leave is had.
    ("roost-integrations", &["roost-domain", "roost-ports"]),
    ("roost-tools", &["roost-domain", "roost-ports"]),
    ("roost-scan", &["roost-domain", "roost-ports"]),
    ("roost-reader", &["roost-domain", "roost-ports"]),
    ("roost-skills", &["roost-domain", "roost-ports"]),
    ("roost-wasm", &["roost-domain", "roost-ports"]),
    ("roost-core", &["roost-domain", "roost-ports"]),
    ("roost-runtime", &["roost-domain", "roost-ports", "roost-core"]),
    ("roost-http", &["roost-domain", "roost-core"]),
    ("roost-api", FACE),
    ("roost-api-openai", FACE),
    ("roost-api-shinzo", FACE),
    ("roost-api-fullpilot", FACE),
    ("roost-api-agentcop", FACE),
    ("roost-console", FACE),
    ("roost-testkit", &["roost-domain", "roost-ports", "roost-core", "roost-runtime", "roost-store"]),
    (SERVER, ANY),
    ("xtask", &[]),
];

const FACE: &[&str] = &["roost-domain", "roost-core", "roost-http"];
const SERVER: &str = "roost-server";
const ANY: &[&str] = &["*"];

/// What tests of any crate may use besides what its row allows.
const TESTKIT: &str = "roost-testkit";

/// All that the nouns may be made of: no async, no I/O, no clock, no serde derives. (`croner` reads cron expressions and
/// computes with dates that it is given.)
const DOMAIN_MAY_USE: [&str; 13] = [
    "croner",
    "globset",
    "jiff",
    "minijinja",
    "regex",
    "secrecy",
    "semver",
    "serde_json",
    "sha2",
    "similar",
    "thiserror",
    "url",
    "uuid",
];

/// Crates that belong to some floors alone, with those floors.
const OWNED: [(&str, &[&str]); 5] = [
    (
        "axum",
        &[
            "roost-http",
            "roost-api",
            "roost-api-openai",
            "roost-api-shinzo",
            "roost-api-fullpilot",
            "roost-api-agentcop",
            "roost-console",
            "roost-models",
            "roost-server",
            "roost-testkit",
        ],
    ),
    ("oauth2", &["roost-integrations"]),
    (
        "reqwest",
        &[
            "roost-models",
            "roost-tools",
            "roost-channels",
            "roost-skills",
            "roost-integrations",
            "roost-server",
        ],
    ),
    ("rusqlite", &["roost-store"]),
    ("tokio-postgres", &["roost-store"]),
];

/// Crates that are nowhere in the graph: rustls over ring is the one TLS stack.
const BANNED: [&str; 6] =
    ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys"];

/// Crates of which there is one version.
const ONCE: [&str; 4] = ["ring", "rustls", "reqwest", "axum"];

/// A crate of ours with what it imports directly.
struct Crate {
    name: String,
    /// Normal and build dependencies.
    imports: BTreeSet<String>,
    /// Dependencies of its tests.
    tests_import: BTreeSet<String>,
}

/// Returns a sentence for each import that the table does not allow.
fn wrong_imports(crates: &[Crate]) -> Vec<String> {
    let ours: BTreeSet<&str> = crates.iter().map(|one| one.name.as_str()).collect();
    let mut wrong = Vec::new();
    for Crate { name, imports, tests_import } in crates {
        let Some((_, allowed)) = FLOORS.iter().find(|(floor, _)| floor == name) else {
            wrong.push(format!("{name} has no row in the table of floors"));
            continue;
        };
        let may = |import: &str| allowed.contains(&import) || *allowed == ANY;
        for import in imports.iter().filter(|import| ours.contains(import.as_str())) {
            if !may(import) {
                wrong.push(format!("{name} imports {import}"));
            }
        }
        for import in tests_import.iter().filter(|import| ours.contains(import.as_str())) {
            if !(may(import) || import == TESTKIT) || import == SERVER {
                wrong.push(format!("tests of {name} import {import}"));
            }
        }
        for (owned, owners) in OWNED {
            if imports.contains(owned) && !owners.contains(&name.as_str()) {
                wrong.push(format!("{name} imports {owned}, which belongs to {}", owners.join(", ")));
            }
        }
        if name == "roost-domain" {
            let odd = imports.iter().filter(|import| !DOMAIN_MAY_USE.contains(&import.as_str()));
            wrong.extend(odd.map(|import| format!("{name} imports {import}")));
        }
    }
    wrong
}

/// Returns a sentence for each package of the whole graph that must not be there.
fn wrong_packages(packages: &[(&str, String)]) -> Vec<String> {
    let mut wrong: Vec<String> = packages
        .iter()
        .filter(|(name, _)| BANNED.contains(name))
        .map(|(name, version)| format!("{name} {version} is in the graph"))
        .collect();
    for once in ONCE {
        let versions: BTreeSet<&str> =
            packages.iter().filter(|(name, _)| *name == once).map(|(_, version)| version.as_str()).collect();
        if versions.len() > 1 {
            wrong.push(format!(
                "{once} is in the graph as {}",
                versions.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
    }
    wrong
}

/// Asks cargo, for this host: packages of other systems need not be downloaded for it.
fn metadata() -> Metadata {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let options = ["--filter-platform".to_owned(), host.to_owned()];
    MetadataCommand::new().manifest_path(root).other_options(options).exec().expect("cargo metadata runs")
}

fn crates_of(metadata: &Metadata) -> Vec<Crate> {
    let read = |package: &cargo_metadata::Package| {
        let names = |wanted: &dyn Fn(DependencyKind) -> bool| {
            let dependencies = package.dependencies.iter();
            dependencies.filter(|one| wanted(one.kind)).map(|one| one.name.clone()).collect()
        };
        Crate {
            name: package.name.to_string(),
            imports: names(&|kind| kind != DependencyKind::Development),
            tests_import: names(&|kind| kind == DependencyKind::Development),
        }
    };
    metadata.workspace_packages().into_iter().map(read).collect()
}

#[test]
fn imports_only_go_down() {
    let crates = crates_of(&metadata());
    assert!(crates.len() >= 13, "cargo told of {} crates only", crates.len());
    assert_eq!(wrong_imports(&crates), Vec::<String>::new());
}

#[test]
fn the_graph_holds_one_tls_stack() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("cargo resolved the graph");
    let in_graph: BTreeSet<_> = resolve.nodes.iter().map(|node| &node.id).collect();
    let packages: Vec<(&str, String)> = metadata
        .packages
        .iter()
        .filter(|package| in_graph.contains(&package.id))
        .map(|package| (package.name.as_str(), package.version.to_string()))
        .collect();
    assert!(packages.iter().any(|(name, _)| *name == "rustls"), "the graph is whole");
    assert_eq!(wrong_packages(&packages), Vec::<String>::new());
}

/// Makes a house of these crates, each with its imports and those of its tests.
fn house(crates: &[(&str, &[&str], &[&str])]) -> Vec<Crate> {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let make = |(name, imports, tests): &(&str, &[&str], &[&str])| Crate {
        name: (*name).to_owned(),
        imports: set(imports),
        tests_import: set(tests),
    };
    crates.iter().map(make).collect()
}

#[test]
fn each_kind_of_wrong_import_is_found() {
    let all: Vec<(&str, &[&str], &[&str])> =
        FLOORS.iter().map(|(name, _)| (*name, [].as_slice(), [].as_slice())).collect();
    let with = |name: &'static str, imports: &'static [&'static str], tests: &'static [&'static str]| {
        let mut crates = all.clone();
        crates.retain(|(other, ..)| *other != name);
        crates.push((name, imports, tests));
        wrong_imports(&house(&crates))
    };
    let nothing = Vec::<String>::new();
    assert_eq!(
        with("roost-core", &["roost-domain", "roost-ports", "tokio"], &["roost-testkit", "axum"]),
        nothing
    );
    assert_eq!(with("roost-server", &["roost-store", "roost-api", "axum"], &["roost-models"]), nothing);
    assert_eq!(with("roost-core", &["roost-store"], &[]), ["roost-core imports roost-store"]);
    assert_eq!(with("roost-store", &[], &["roost-sandbox"]), ["tests of roost-store import roost-sandbox"]);
    assert_eq!(with("roost-tools", &["roost-testkit"], &[]), ["roost-tools imports roost-testkit"]);
    assert_eq!(with("roost-api", &["roost-ports"], &[]), ["roost-api imports roost-ports"]);
    assert_eq!(with("roost-api", &[], &["roost-server"]), ["tests of roost-api import roost-server"]);
    assert_eq!(with("xtask", &["roost-domain"], &[]), ["xtask imports roost-domain"]);
    assert_eq!(with("roost-extra", &[], &[]), ["roost-extra has no row in the table of floors"]);
    assert_eq!(with("roost-domain", &["serde"], &[]), ["roost-domain imports serde"]);
    assert_eq!(with("roost-domain", &["tokio"], &["tokio"]), ["roost-domain imports tokio"]);
    assert_eq!(
        with("roost-runtime", &["rusqlite"], &[]),
        ["roost-runtime imports rusqlite, which belongs to roost-store"]
    );
    for (name, foreign) in [("roost-core", "axum"), ("roost-core", "reqwest"), ("roost-runtime", "axum")] {
        let imports: &'static [&'static str] = if foreign == "axum" { &["axum"] } else { &["reqwest"] };
        let wrong = with(name, imports, &[]);
        assert!(wrong[0].starts_with(&format!("{name} imports {foreign}, which belongs to ")), "{wrong:?}");
    }
}

#[test]
fn a_second_tls_stack_is_found() {
    let package = |name: &'static str, version: &str| (name, version.to_owned());
    let good = [package("rustls", "0.23.1"), package("ring", "0.17.1"), package("openssl-probe", "0.2.0")];
    assert_eq!(wrong_packages(&good), Vec::<String>::new());
    let bad = [package("rustls", "0.23.1"), package("rustls", "0.24.0"), package("openssl-sys", "0.9.1")];
    assert_eq!(
        wrong_packages(&bad),
        ["openssl-sys 0.9.1 is in the graph", "rustls is in the graph as 0.23.1, 0.24.0"]
    );
}
