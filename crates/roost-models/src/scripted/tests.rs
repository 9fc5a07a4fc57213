use roost_domain::conversation::Message;
use roost_ports::model::Models;
use serde_json::json;

use crate::testing::{ask, call, conversation, hello, options, providers, result};
use roost_ports::model::Error;

fn with_dir(dir: &std::path::Path) -> crate::Providers {
    let mut options = options("http://127.0.0.1:9");
    options.scripts_dir = Some(dir.to_owned());
    providers(options)
}

#[tokio::test]
async fn a_script_of_the_directory_is_read_and_read_again_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.yaml");
    std::fs::write(&path, "default: [{text: One.}]").unwrap();
    let providers = with_dir(dir.path());
    assert_eq!(ask(&providers, "scripted/mine", hello()).await.1.unwrap().text, "One.");
    std::fs::write(&path, "default: [{text: Another.}]").unwrap();
    assert_eq!(ask(&providers, "scripted/mine", hello()).await.1.unwrap().text, "Another.");
}

#[test]
fn unknown_scripts_list_the_known_ones_and_broken_ones_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.yaml"), "default: [{text: One.}]").unwrap();
    std::fs::write(dir.path().join("bad.yaml"), "default:\n  - txet: One.\n").unwrap();
    let providers = with_dir(dir.path());
    let says = |name: &str| providers.describe(&name.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(
        says("scripted/other"),
        "no provider serves scripted/other; scripts are scripted/bad, scripted/demo, scripted/mine"
    );
    let bad = says("scripted/bad");
    assert!(bad.contains("its script bad.yaml cannot be used") && bad.contains("line 2"), "{bad}");
    assert!(providers.describe(&"scripted/mine".parse().unwrap()).unwrap().priced);
}

#[test]
fn names_cannot_leave_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("in")).unwrap();
    std::fs::write(dir.path().join("out.yaml"), "default: [{text: One.}]").unwrap();
    let providers = with_dir(&dir.path().join("in"));
    for name in ["scripted/../out", "scripted/..%2fout", "scripted/Out", "scripted/a.b"] {
        let known = providers.describe(&name.parse().unwrap());
        assert!(matches!(known, Err(Error::UnknownModel { .. })), "{name}");
    }
}

#[tokio::test]
async fn errors_are_tried_again_and_broken_streams_are_no_answers() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("busy.yaml", "default: [{text: Now., error: {status: 503, times: 2}}]");
    write("down.yaml", "default: [{text: Never., error: {status: 500, times: 9}}]");
    write("cut.yaml", "default: [{text: one two three, break_after: 2}]");
    write("late.yaml", "default: [{text: Now., break_after: 0, break_times: 1}]");
    let providers = with_dir(dir.path());
    assert_eq!(ask(&providers, "scripted/busy", hello()).await.1.unwrap().text, "Now.");
    let down = ask(&providers, "scripted/down", hello()).await.1;
    assert!(matches!(down, Err(Error::Failed { status: 500, .. })), "{down:?}");
    let (texts, cut) = ask(&providers, "scripted/cut", hello()).await;
    assert!(texts == ["one ", "two "] && matches!(cut, Err(Error::Broken { .. })), "{texts:?} {cut:?}");
    assert_eq!(ask(&providers, "scripted/late", hello()).await.1.unwrap().text, "Now.");
}

#[tokio::test]
async fn the_demonstration_understands_what_it_says_it_understands() {
    let providers = providers(options("http://127.0.0.1:9"));
    for (said, tool, arguments) in [
        ("run `uname -a`", "shell", json!({"command": "uname -a"})),
        ("Could you please run the command `ls | wc -l` for me?", "shell", json!({"command": "ls | wc -l"})),
        ("Run uname -a", "shell", json!({"command": "uname -a"})),
        (
            "fetch https://example.com/a?b=1",
            "http_request",
            json!({"method": "GET", "url": "https://example.com/a?b=1"}),
        ),
        ("write \"hello\" to notes.txt", "write_file", json!({"path": "notes.txt", "content": "hello"})),
        (
            "Write hello world into the file a/notes.txt.",
            "write_file",
            json!({"path": "a/notes.txt", "content": "hello world"}),
        ),
        ("read notes.txt", "read_file", json!({"path": "notes.txt"})),
        ("Show me the file src/main.rs", "read_file", json!({"path": "src/main.rs"})),
        ("list the files", "list_files", json!({})),
        ("Show me all files in src", "list_files", json!({"path": "src"})),
        ("search for \"hello\"", "search_files", json!({"pattern": "hello"})),
        (
            "replace \"red\" with \"blue\" in colours.txt",
            "edit_file",
            json!({"path": "colours.txt", "old": "red", "new": "blue"}),
        ),
        ("ask me something", "ask_human", json!({"question": "What would you like me to remember?"})),
    ] {
        let mut messages = vec![Message::User(said.into())];
        let first = ask(&providers, "scripted/demo", conversation(messages.clone())).await.1.unwrap();
        assert_eq!(first.calls, [call("call_1_1_0", tool, arguments)], "{said}");
        messages.push(Message::Assistant { text: first.text, calls: first.calls });
        messages.push(result("call_1_1_0", tool, "THE OUTCOME", false));
        let second = ask(&providers, "scripted/demo", conversation(messages)).await.1.unwrap();
        assert!(second.calls.is_empty() && second.text.contains("THE OUTCOME"), "{said}: {second:?}");
    }
    for said in ["Hello", "Who are you?", "thank you"] {
        let answer =
            ask(&providers, "scripted/demo", conversation(vec![Message::User(said.into())])).await.1.unwrap();
        assert!(answer.calls.is_empty() && !answer.text.is_empty(), "{said}");
    }
}
