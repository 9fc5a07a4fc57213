use crate::roost::{Options, Server, text};

#[test]
fn usage_is_told_by_agent_and_model_as_a_table_as_json_and_for_spreadsheets() {
    let server = Server::start(Options::default());
    let nothing = server.run(&["usage"]);
    assert!(text(&nothing.stderr).contains("Nothing was used from"), "{}", text(&nothing.stderr));
    let robin = server.agent("robin", "scripted/demo", &[]);
    server.agent("wren", "scripted/demo", &[]);
    for agent in ["robin", "robin", "wren"] {
        server.print(&["chat", "--agent", agent, "hello"]);
    }
    let table = server.print(&["usage", "--since", "7d", "--by", "agent"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..2], ["AGENT", "CALLS"]);
    for line in [["robin", "2"], ["wren", "1"], ["total", "3"]] {
        assert!(lines.iter().any(|cells| cells[..2] == line), "{table}");
    }
    let usage = server.json(&["usage", "--agent", "robin", "--by", "day,model", "--json"]);
    assert_eq!((&usage["total"]["calls"], &usage["rows"][0]["model"]), (&2.into(), &"scripted/demo".into()));
    let csv = server.print(&["usage", "--by", "agent", "--csv"]);
    assert!(csv.starts_with("agentId,calls,") && csv.contains(&format!("{robin},2,")), "{csv}");
    let old = server.run(&["usage", "--from", "2020-01-01", "--to", "2020-01-31"]);
    assert!(text(&old.stderr).contains("from 2020-01-01 to 2020-01-31"), "{}", text(&old.stderr));
    let wrong = server.run(&["usage", "--since", "yesterday"]);
    assert!(text(&wrong.stderr).contains("such as 7d"), "{}", text(&wrong.stderr));
}

#[test]
fn a_key_sees_the_account_that_it_is_of() {
    let config = "[plans.tiny]\nmax_agents = 3\n".to_owned();
    let server = Server::start(Options { config, ..Options::default() });
    server.agent("robin", "scripted/demo", &[]);
    assert!(server.print(&["account", "show"]).contains("agents: 1, 1 of them running (limit: 100000)"));
    server.print(&["account", "set-plan", "tiny"]);
    let shown = server.print(&["account", "show"]);
    assert!(shown.contains("plan: tiny") && shown.contains("(limit: 3)"), "{shown}");
    assert_eq!(server.json(&["account", "show", "--json"])["plan"]["id"], "tiny");
}
