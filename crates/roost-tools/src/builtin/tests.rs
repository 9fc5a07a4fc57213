use std::collections::BTreeSet;

use roost_domain::effect::Action;
use roost_domain::gate::Profile;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::tests::{FakeMachine, call, permit, run, run_on, spec, tools};

fn plan(tool: &str, arguments: Value) -> Result<Plan, BadCall> {
    tools(None, HttpOptions::system()).plan(&call(tool, arguments))
}

/// Tells whether the typed struct behind a tool takes the arguments.
fn parser_takes(tool: &str, arguments: &Value) -> bool {
    fn takes<T: DeserializeOwned>(arguments: &Value) -> bool {
        serde_json::from_value::<T>(arguments.clone()).is_ok()
    }
    match tool {
        ask_human::NAME => takes::<ask_human::Wire>(arguments),
        edit_file::NAME => takes::<edit_file::Wire>(arguments),
        http_request::NAME => takes::<http_request::Wire>(arguments),
        list_files::NAME => takes::<list_files::Wire>(arguments),
        read_file::NAME => takes::<read_file::Wire>(arguments),
        search_files::NAME => takes::<search_files::Wire>(arguments),
        shell::NAME => takes::<shell::Wire>(arguments),
        write_file::NAME => takes::<write_file::Wire>(arguments),
        other => panic!("no parser is named for {other}"),
    }
}

fn value_for(property: &Value) -> Value {
    match property["type"].as_str().unwrap() {
        "string" => property["enum"].get(0).cloned().unwrap_or_else(|| json!("text")),
        "integer" => property["minimum"].clone(),
        "boolean" => json!(true),
        "object" => json!({"a-name": "text"}),
        other => panic!("no value of type {other}"),
    }
}

#[test]
fn schemas_say_exactly_what_the_parsers_take() {
    for spec in specs() {
        let (tool, schema) = (spec.name.as_str(), &spec.parameters);
        let keys: BTreeSet<&str> = schema.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            BTreeSet::from(["additionalProperties", "properties", "required", "type"]),
            "{tool}"
        );
        assert_eq!(
            (&schema["type"], &schema["additionalProperties"]),
            (&json!("object"), &json!(false)),
            "{tool}"
        );
        let properties = schema["properties"].as_object().unwrap();
        let all: Value =
            properties.iter().map(|(name, property)| (name.clone(), value_for(property))).collect();
        assert!(parser_takes(tool, &all), "{tool} takes all that its schema names");
        let without = |name: &str| {
            let mut some = all.clone();
            some.as_object_mut().unwrap().remove(name);
            some
        };
        for (name, property) in properties {
            assert!(
                property["description"].as_str().is_some_and(|text| text.ends_with('.')),
                "{tool} {name}"
            );
            let required = schema["required"].as_array().unwrap().contains(&json!(name));
            assert_eq!(parser_takes(tool, &without(name)), !required, "{tool} without {name}");
            let mut wrong = all.clone();
            wrong[name] = json!([1]);
            assert!(!parser_takes(tool, &wrong), "{tool} with a list for {name}");
        }
        for name in schema["required"].as_array().unwrap() {
            assert!(properties.contains_key(name.as_str().unwrap()), "{tool} requires what it names: {name}");
        }
        let mut more = all;
        more["unheard_of"] = json!("x");
        assert!(!parser_takes(tool, &more), "{tool} takes what its schema does not name");
    }
}

#[test]
fn tools_are_sorted_named_as_models_want_and_described() {
    let names: Vec<String> =
        tools(None, HttpOptions::system()).specs().into_iter().map(|spec| spec.name).collect();
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(names, sorted);
    for spec in specs() {
        assert!(spec.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", spec.name);
        assert!(spec.description.ends_with('.') && !spec.description.contains("  "), "{}", spec.description);
    }
}

#[test]
fn calls_become_the_actions_that_rules_are_written_in() {
    let act = |action, idempotent| Ok(Plan::Act { action, idempotent });
    let read = |path: &str| Action::ReadFiles { path: path.into() };
    let write = |path: &str| Action::WriteFile { path: path.into() };
    let table = [
        ("shell", json!({"command": "ls"}), act(Action::RunCommand { command: "ls".into() }, false)),
        ("read_file", json!({"path": "/workspace/a"}), act(read("a"), true)),
        ("list_files", json!({}), act(read("."), true)),
        ("search_files", json!({"pattern": "x", "path": "src"}), act(read("src"), true)),
        ("write_file", json!({"path": "./a", "content": ""}), act(write("a"), true)),
        ("edit_file", json!({"path": "a", "old": "x", "new": "y"}), act(write("a"), false)),
        ("ask_human", json!({"question": "Why?"}), Ok(Plan::Ask { question: "Why?".into() })),
    ];
    for (tool, arguments, expected) in table {
        assert_eq!(plan(tool, arguments), expected, "{tool}");
    }
}

#[test]
fn an_unknown_tool_is_told_which_there_are() {
    assert_eq!(
        plan("bash", json!({})).unwrap_err().0,
        "there is no tool \"bash\"; the tools are ask_human, edit_file, http_request, list_files, read_file, \
         search_files, shell, write_file"
    );
}

#[tokio::test]
async fn a_permit_for_another_act_permits_nothing() {
    let machine = FakeMachine::new(&[("a", b"kept")]);
    let tools = tools(Some(Arc::clone(&machine)), HttpOptions::system());
    let call = call("write_file", json!({"path": "a", "content": "changed"}));
    let spec = spec(Profile::Standard, &[], &[]);
    let other = permit(&call, Action::WriteFile { path: "b".into() });
    let outcome = tools.run(&other, &call, &spec, &Injections::default(), &mut |_| {}).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert_eq!(outcome.text, "the permit was given for another act; nothing was done");
    let elsewhere = Spec { agent: roost_domain::id::AgentId::from_uuid(uuid::Uuid::from_u128(99)), ..spec };
    let right = permit(&call, Action::WriteFile { path: "a".into() });
    let outcome = tools.run(&right, &call, &elsewhere, &Injections::default(), &mut |_| {}).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert_eq!(machine.text("a"), "kept");
}

#[tokio::test]
async fn a_file_is_written_whole() {
    let machine = FakeMachine::new(&[("a", b"old")]);
    let outcome = run_on(&machine, "write_file", json!({"path": "a", "content": "one\ntwo\n"})).await;
    assert_eq!(outcome.text, "wrote a: 2 lines, 8B");
    assert_eq!(machine.text("a"), "one\ntwo\n");
}

#[tokio::test]
async fn a_machine_that_does_not_start_is_told_to_the_model() {
    let tools = tools(None, HttpOptions::system());
    let outcome = run(&tools, &spec(Profile::Standard, &[], &[]), "shell", json!({"command": "ls"})).await;
    assert_eq!(outcome.status, ToolStatus::Failed);
    assert_eq!(outcome.text, "the machine cannot start: no user namespaces");
}
