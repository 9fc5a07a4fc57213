use super::*;

fn poll(items: Option<&str>, key: Option<&str>) -> Poll {
    Poll {
        integration: "pets".into(),
        operation: "list".into(),
        arguments: json!({}),
        items: items.map(str::to_owned),
        key: key.map(str::to_owned),
    }
}

fn answered(text: &str, status: ToolStatus) -> ToolOutcome {
    ToolOutcome { text: text.into(), status }
}

#[test]
fn items_are_taken_out_of_an_answer_with_what_tells_them_apart() {
    let text =
        "HTTP 200 OK\ncontent-type: application/json\n\n{\"data\":[{\"id\":7,\"a\":1},{\"id\":\"x\"}]}";
    let found = items(&answered(text, ToolStatus::Done), &poll(Some("/data"), Some("/id"))).unwrap();
    assert_eq!(found.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), ["7", "x"]);
    assert_eq!(found[0].value, json!({"id": 7, "a": 1}));
    let bare = format!("HTTP 200 OK\n\n[{{\"text\":\"{}\"}}]", "long".repeat(100));
    let found = items(&answered(&bare, ToolStatus::Done), &poll(None, None)).unwrap();
    assert_eq!(found[0].key.len(), 64, "what is too long to be a key is hashed");
}

#[test]
fn an_answer_without_the_list_says_so() {
    let told = |text: &str, status| items(&answered(text, status), &poll(Some("/data"), None)).unwrap_err();
    assert!(told("HTTP 500 Oops\n\n{}", ToolStatus::Done).contains("did not answer well"));
    assert!(told("cannot connect", ToolStatus::Failed).contains("cannot connect"));
    assert!(told("HTTP 200 OK\n\n{\"data\":[", ToolStatus::Done).contains("no JSON"));
    assert!(told("HTTP 200 OK\n\n{\"items\":[]}", ToolStatus::Done).contains("no list at /data"));
}
