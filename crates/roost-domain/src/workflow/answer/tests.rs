use proptest::prelude::*;
use serde_json::json;

use super::*;

fn field(name: &str, kind: FieldKind, required: bool) -> Field {
    Field { name: name.into(), label: name.into(), help: None, kind, required, default: None }
}

fn options() -> Vec<Choice> {
    ["red", "green"].map(|value| Choice { value: value.into(), label: value.to_uppercase() }).into()
}

fn check(kind: FieldKind, value: Value) -> Result<Value, String> {
    let values = Map::from_iter([("it".to_owned(), value)]);
    match check_answers(&[field("it", kind, true)], &values) {
        Ok(mut answers) => Ok(answers.remove("it").unwrap()),
        Err(wrong) => Err(wrong.into_iter().map(|(name, problem)| format!("{name} {problem}")).collect()),
    }
}

const LINE: FieldKind = FieldKind::Text { max_length: 5, pattern: None };

#[test]
fn what_a_field_asks_for_is_taken() {
    let file = json!({"file": "file_1", "name": "a.png", "type": "image/png", "size": 3});
    let pattern = FieldKind::Text { max_length: 9, pattern: Some("a|bc+".into()) };
    for (kind, value) in [
        (LINE, json!("größe")),
        (pattern, json!("bcc")),
        (FieldKind::LongText { max_length: 9 }, json!("a\nb\tc")),
        (FieldKind::Number { min: Some(0.0), max: Some(9.0), whole: true }, json!(9)),
        (FieldKind::Number { min: None, max: None, whole: true }, json!(4.0)),
        (FieldKind::Number { min: None, max: None, whole: false }, json!(-1.5)),
        (FieldKind::Boolean, json!(false)),
        (FieldKind::Choice { options: options() }, json!("red")),
        (FieldKind::MultiChoice { options: options() }, json!(["green", "red"])),
        (FieldKind::Date, json!("2024-02-29")),
        (FieldKind::Email, json!("ada+it@mail.example.com")),
        (FieldKind::Url, json!("https://example.com/a?b#c")),
        (FieldKind::File { max_bytes: 3, accept: vec!["image/*".into()] }, file.clone()),
        (FieldKind::File { max_bytes: 3, accept: vec![] }, file),
    ] {
        assert_eq!(check(kind, value.clone()), Ok(value));
    }
    let long = FieldKind::LongText { max_length: 9 };
    assert_eq!(check(long, json!("a\r\nb")), Ok(json!("a\nb")), "pages send both signs");
}

#[test]
fn anything_else_is_refused_with_what_would_be_right() {
    let file = |size: u64, kind: &str| json!({"file": "file_1", "name": "a", "type": kind, "size": size});
    let image = FieldKind::File { max_bytes: 3, accept: vec!["image/*".into(), "text/csv".into()] };
    let number = FieldKind::Number { min: Some(1.0), max: Some(9.0), whole: true };
    let pattern = FieldKind::Text { max_length: 9, pattern: Some("a|bc+".into()) };
    let choice = FieldKind::Choice { options: options() };
    let several = FieldKind::MultiChoice { options: options() };
    for (kind, value, problem) in [
        (LINE, json!(5), "must be a text"),
        (LINE, json!("sixsix"), "must have at most 5 characters"),
        (LINE, json!("a\nb"), "must be one line, without control characters"),
        (LINE, json!("  "), "must be answered"),
        (pattern.clone(), json!("xbc"), "must match the pattern a|bc+"),
        (pattern, json!("ax"), "must match the pattern a|bc+"),
        (FieldKind::LongText { max_length: 1 }, json!("ab"), "must have at most 1 characters"),
        (FieldKind::LongText { max_length: 9 }, json!("a\u{0}"), "must not hold control characters"),
        (number.clone(), json!("4"), "must be a number"),
        (number.clone(), json!(4.5), "must be a whole number"),
        (number, json!(10), "must be from 1 to 9"),
        (FieldKind::Boolean, json!("yes"), "must be true or false"),
        (choice.clone(), json!("blue"), "must be one of red, green"),
        (choice, Value::Null, "must be chosen"),
        (several.clone(), json!("red"), "must be a list of choices"),
        (several.clone(), json!(["red", "red"]), "names red twice"),
        (several.clone(), json!([]), "must have at least one choice"),
        (several, json!(["red", 1]), "must be one of red, green"),
        (FieldKind::Date, json!("2026-02-29"), "must be a day of the calendar, written as 2026-11-30"),
        (FieldKind::Date, json!("20260228"), "must be a day of the calendar, written as 2026-11-30"),
        (FieldKind::Email, json!("ada@localhost"), "must be an e-mail address, such as ada@example.com"),
        (FieldKind::Email, json!("a b@example.com"), "must be an e-mail address, such as ada@example.com"),
        (
            FieldKind::Url,
            json!("javascript:alert(1)"),
            "must be a URL of http or https, such as https://example.com/",
        ),
        (
            FieldKind::Url,
            json!("//example.com"),
            "must be a URL of http or https, such as https://example.com/",
        ),
        (image.clone(), json!("file_1"), "must be a file that was uploaded for this form"),
        (image.clone(), file(4, "image/png"), "has 4 bytes; at most 3 are taken"),
        (image.clone(), file(3, "text/html"), "is of the type text/html; taken are image/*, text/csv"),
        (image, Value::Null, "must have a file"),
    ] {
        assert_eq!(check(kind, value.clone()), Err(format!("it {problem}")), "{value}");
    }
}

#[test]
fn every_field_that_is_wrong_is_named_and_so_is_what_is_no_field() {
    let fields = [field("who", LINE, true), field("when", FieldKind::Date, false)];
    let values = json!({"when": "soon", "colour": "red"});
    let wrong = check_answers(&fields, values.as_object().unwrap()).unwrap_err();
    let names: Vec<_> = wrong.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["who", "when", "colour"]);
    assert_eq!(wrong[2].1, "is no field of this form; its fields are who, when");
}

#[test]
fn an_answer_has_every_field_with_its_default_or_nothing() {
    let mut fields = [
        field("who", LINE, true),
        field("note", LINE, false),
        field("colours", FieldKind::MultiChoice { options: options() }, false),
    ];
    fields[0].default = Some(json!("Ada"));
    let answers = check_answers(&fields, &Map::new()).unwrap();
    assert_eq!(Value::Object(answers), json!({"who": "Ada", "note": null, "colours": []}));
    let emptied = json!({"who": ""});
    let wrong = check_answers(&fields, emptied.as_object().unwrap()).unwrap_err();
    assert_eq!(
        wrong,
        [("who".to_owned(), "must be answered".to_owned())],
        "what was emptied is not filled in again"
    );
}

#[test]
fn a_page_sends_texts_and_they_become_what_the_fields_ask_for() {
    let fields = [
        field("age", FieldKind::Number { min: None, max: None, whole: false }, false),
        field("half", FieldKind::Number { min: None, max: None, whole: false }, false),
        field("odd", FieldKind::Number { min: None, max: None, whole: false }, false),
        field("yes", FieldKind::Boolean, true),
        field("no", FieldKind::Boolean, false),
        field("none", FieldKind::Boolean, true),
        field("not", FieldKind::Boolean, true),
        field("colours", FieldKind::MultiChoice { options: options() }, false),
        field("note", LINE, false),
        field("scan", FieldKind::File { max_bytes: 1, accept: vec![] }, false),
    ];
    let pairs = [
        ("age", " 41 "),
        ("half", "0.5"),
        ("odd", "many"),
        ("yes", "true"),
        ("not", "false"),
        ("colours", "red"),
        ("colours", "green"),
        ("note", ""),
        ("scan", "C:\\fakepath"),
        ("csrf", "x"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()));
    let expected = json!({
        "age": 41, "half": 0.5, "odd": "many", "yes": true, "no": false, "none": null, "not": false, "colours": ["red", "green"], "note": null,
    });
    assert_eq!(Value::Object(read_page(&fields, &pairs)), expected);
}

proptest! {
    #[test]
    fn what_was_found_good_is_found_good_again(text in ".{0,40}") {
        let fields = [
            field("a", FieldKind::Text { max_length: 30, pattern: None }, false),
            field("b", FieldKind::LongText { max_length: 30 }, false),
            field("c", FieldKind::Email, false),
            field("d", FieldKind::Url, false),
            field("e", FieldKind::Date, false),
        ];
        for field in fields {
            let values = Map::from_iter([(field.name.clone(), Value::from(text.clone()))]);
            if let Ok(answers) = check_answers(std::slice::from_ref(&field), &values) {
                prop_assert_eq!(check_answers(&[field], &answers), Ok(answers.clone()));
            }
        }
    }
}
