use serde_json::Value;

use crate::roost::{Options, Server, text};

fn failure(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded: {}", text(&output.stdout));
    text(&output.stderr)
}

fn listed(server: &Server, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["knowledge", "list", "--json"], arguments].concat();
    server.json(&arguments).as_array().expect("a list").clone()
}

#[test]
fn documents_are_added_found_listed_and_deleted_from_the_command_line() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    let nothing = server.run(&["knowledge", "list"]);
    assert!(text(&nothing.stderr).contains("roost knowledge add FILE"), "{}", text(&nothing.stderr));

    let home = server.home().path();
    std::fs::write(home.join("refunds.md"), "# Refunds\n\nRefunds take five working days.\n")
        .expect("written");
    std::fs::write(home.join("prices.csv"), "plan,dollars\nsmall,9\nlarge,49\n").expect("written");
    let added = server.print(&["knowledge", "add", "refunds.md", "prices.csv", "--agent", "robin"]);
    for line in ["refunds.md: 1 texts are known now, 0 were already", "prices.csv: "] {
        assert!(added.contains(line), "{added}");
    }
    let missing = failure(&server, &["knowledge", "add", "nowhere.md"]);
    assert!(missing.contains("nowhere.md cannot be read"), "{missing}");

    let found = server.print(&["knowledge", "search", "how long do refunds take", "--limit", "1"]);
    let (first, rest) = found.split_once('\n').expect("two lines");
    assert!(first.ends_with("  refunds.md") && rest.contains("five working days"), "{found}");
    let found = server.json(&["knowledge", "search", "large", "--json"]);
    assert_eq!(found["results"][0]["source"], "prices.csv", "{found}");

    let table = server.print(&["knowledge", "list"]);
    assert!(
        table.starts_with("ID") && table.contains("refunds.md") && table.contains("prices.csv"),
        "{table}"
    );
    let refunds = listed(&server, &["--source", "refunds.md"]);
    assert_eq!((refunds.len(), &refunds[0]["source"]), (1, &"refunds.md".into()));

    let id = refunds[0]["id"].as_str().expect("an id");
    assert!(server.print(&["knowledge", "delete", "--id", id]).contains("1 texts are gone."));
    assert_eq!(listed(&server, &["--source", "refunds.md"]), [] as [Value; 0]);
    assert!(failure(&server, &["knowledge", "delete"]).contains("--source SOURCE, --id ID, or --all --yes"));
    assert!(failure(&server, &["knowledge", "delete", "--all"]).contains("add --yes"));
    assert!(!listed(&server, &[]).is_empty(), "nothing was deleted that was not meant");
    server.print(&["knowledge", "delete", "--all", "--yes"]);
    assert_eq!(listed(&server, &[]), [] as [Value; 0]);
}

#[test]
fn a_swarms_knowledge_is_its_own() {
    let server = Server::start(Options::default());
    server.agent("robin", "scripted/demo", &[]);
    server.print(&["swarms", "create", "Growth"]);
    std::fs::write(server.home().path().join("plan.md"), "Grow slowly.\n").expect("written");
    server.print(&["knowledge", "add", "plan.md", "--swarm", "growth"]);
    assert_eq!(listed(&server, &["--swarm", "growth"])[0]["text"], "Grow slowly.");
    assert_eq!(listed(&server, &["--agent", "robin"]), [] as [Value; 0]);
    server.print(&["knowledge", "delete", "--source", "plan.md", "--swarm", "growth"]);
    assert_eq!(listed(&server, &["--swarm", "growth"]), [] as [Value; 0]);
    let unknown = failure(&server, &["knowledge", "list", "--swarm", "decline"]);
    assert!(unknown.contains("roost swarms list"), "{unknown}");
}
