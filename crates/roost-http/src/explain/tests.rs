use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "only read into")]
struct Order {
    name: String,
    #[serde(default)]
    lines: Vec<Line>,
    #[serde(default)]
    note: Option<Note>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read into")]
struct Line {
    count: u32,
    urgent: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read into")]
struct Note {
    text: String,
}

fn problem(json: &str) -> String {
    crate::json::parse::<Order>(json.as_bytes()).unwrap_err().message().to_owned()
}

#[test]
fn problems_name_the_field_and_what_would_be_right() {
    let table = [
        (r#"{}"#, "name is required"),
        (r#"{"name":5}"#, "name is a number; it must be a text"),
        (r#"{"name":"a","lines":{}}"#, "lines is an object; it must be a list"),
        (r#"{"name":"a","lines":[{"count":1},{}]}"#, "lines[1].count is required"),
        (
            r#"{"name":"a","lines":[{"count":"many"}]}"#,
            "lines[0].count is a text; it must be a whole number in range",
        ),
        (
            r#"{"name":"a","lines":[{"count":-1}]}"#,
            "lines[0].count is a number; it must be a whole number in range",
        ),
        (
            r#"{"name":"a","lines":[{"count":1,"urgent":"yes"}]}"#,
            "lines[0].urgent is a text; it must be true or false",
        ),
        (r#"{"name":"a","colour":"red"}"#, "colour is not a known field; known are name, lines, note"),
        (
            r#"{"name":"a","lines":[{"count":1,"colour":2}]}"#,
            "lines[0].colour is not a known field; known are count or urgent",
        ),
        (r#"{"name":"a","name":"b"}"#, "name is given twice"),
        (r#"["positional"]"#, "the body is a list; it must be an object"),
        (r#""text""#, "the body is a text; it must be an object"),
        (r#"null"#, "the body is null; it must be an object"),
    ];
    for (json, expected) in table {
        assert_eq!(problem(json), expected, "{json}");
    }
}

#[test]
fn what_is_no_json_at_all_is_told_with_its_place() {
    assert_eq!(
        problem(r#"{"name": "a",}"#),
        "the body is not valid JSON: trailing comma at line 1 column 14"
    );
    assert_eq!(problem(""), "the body is empty; a JSON object is expected");
    assert_eq!(
        problem(r#"{"name":"a"} x"#),
        "the body is not valid JSON: trailing characters at line 1 column 14"
    );
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let told = problem(r#"{"name":"a","note":"sk-ant-very-secret"}"#);
    assert_eq!(told, "note is a text; it must be an object");
    let told = problem(r#"{"name":"a","lines":[{"count":"sk-, expected ant"}]}"#);
    assert!(!told.contains("sk-"), "{told}");
}
