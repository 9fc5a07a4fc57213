use clap::CommandFactory as _;

use super::*;

/// Shows a command's help and that of the commands below it.
fn helps(command: &mut clap::Command, path: &str, all: &mut String) {
    use std::fmt::Write as _;
    write!(all, "$ {path} --help\n{}\n", command.clone().bin_name(path).render_long_help())
        .expect("a text takes it");
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        let below = command.find_subcommand_mut(name).expect("it was listed");
        helps(below, &format!("{path} {name}"), all);
    }
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_explains_itself() {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut all = String::new();
    helps(&mut command, "roost", &mut all);
    insta::assert_snapshot!(all);
}

#[test]
fn the_spellings_that_others_script_against_are_read() {
    for line in [
        "roost serve --listen 127.0.0.1:0 --data d",
        "roost keys create --data d --name n --as shinzo --scope chat --scope agents:read --json",
        "roost keys create --data d --name n --as fullpilot --json",
        "roost fake-model --listen 127.0.0.1:0 --script s.yaml",
        "roost up",
        "roost up --data d --listen 127.0.0.1:1 --model scripted/demo",
        "roost logs -f --tail 5",
        "roost chat robin hello there --new",
        "roost approvals approve apr_1 --note fine",
        "roost policy test --since 7d policy.yaml --agent robin --json",
        "roost policy explain shell {} --agent robin",
        "roost permissions put permissions.yaml",
        "roost completions zsh",
    ] {
        Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn a_wrong_style_or_scope_is_refused_with_those_there_are() {
    let line = "roost keys create --name n --as anthropic";
    let message = Cli::try_parse_from(line.split(' ')).expect_err("no such style").to_string();
    assert!(message.contains("agento, gopilot, shinzo, fullpilot, agentcop"), "{message}");
    let line = "roost keys create --name n --scope agents";
    let message = Cli::try_parse_from(line.split(' ')).expect_err("no such scope").to_string();
    assert!(message.contains("agents:read"), "{message}");
}
