use serde_json::{Map, Value};

use super::super::answer::{check_answers, whole_text};
use super::super::{Choice, Field, FieldKind, Form, Template};
use super::place::{Object, Place, one_of};
use super::{read_duration, read_words, whole};

/// The most fields of a form.
const MAX_FIELDS: usize = 100;
/// The most choices of a field.
const MAX_CHOICES: usize = 500;
/// The most bytes of a file, and what is taken where nothing is said: 25 and 10 MiB.
const MAX_FILE: u64 = 25 << 20;
const USUAL_FILE: u64 = 10 << 20;

const NAMES: [&str; 10] =
    ["text", "long-text", "number", "boolean", "choice", "multi-choice", "date", "email", "url", "file"];

/// Reads a form; one without a title is called as its step.
pub(super) fn read(object: &Object<'_>, name: &str) -> Option<Form> {
    let list = object
        .require("fields", "a list of what is asked, such as [{\"name\": \"email\", \"type\": \"email\"}]");
    let title = object.get("title").map_or_else(|| Some(Template(name.into())), |title| read_words(&title));
    let description = object.get("description").and_then(|text| read_words(&text));
    let expires_after = read_duration(object, "expires_after");
    let list = list?;
    let fields = read_fields(&list);
    if list.value.as_array().is_some_and(Vec::is_empty) {
        list.wrong("must ask at least one thing");
    }
    Some(Form { title: title?, description, fields, expires_after })
}

fn read_fields(list: &Place<'_>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for place in list.list(MAX_FIELDS) {
        let Some(field) = read_field(&place) else { continue };
        if fields.iter().any(|other| other.name == field.name) {
            place.wrong(format!("is called {} like another field; names are different", field.name));
        } else {
            fields.push(field);
        }
    }
    fields
}

fn read_field(place: &Place<'_>) -> Option<Field> {
    const COMMON: [&str; 6] = ["name", "label", "help", "type", "required", "default"];
    let entries = place.entries()?;
    let kind = entries.get("type");
    let kind_name = kind.as_ref().map_or(Some("text"), |kind| kind.text(80))?;
    let own: &[&str] = match kind_name {
        "text" => &["max_length", "pattern"],
        "long-text" => &["max_length"],
        "number" => &["min", "max", "whole"],
        "choice" | "multi-choice" => &["options"],
        "boolean" | "date" | "email" | "url" => &[],
        "file" => &["max_bytes", "accept"],
        other => {
            if let Some(kind) = kind {
                kind.wrong(one_of(other, &NAMES));
            }
            return None;
        }
    };
    let object = place.object(&[&COMMON, own].concat())?;
    let name = object
        .require("name", "the field's name in the answer, such as email")
        .and_then(|name| read_name(&name));
    let kind = read_kind(kind_name, &object);
    let required = object.get("required").and_then(|it| it.boolean()).unwrap_or(false);
    let label = object.get("label").and_then(|label| label.words(500)).map(str::to_owned);
    let help = object.get("help").and_then(|help| help.text(2_000)).map(str::to_owned);
    let (name, kind) = (name?, kind?);
    let label = label.unwrap_or_else(|| label_of(&name));
    let field = Field { name, label, help, kind, required, default: None };
    let default = object.get("default").and_then(|default| read_default(&field, &default));
    Some(Field { default, ..field })
}

/// `[A-Za-z][A-Za-z0-9_]{0,62}`
fn read_name(place: &Place<'_>) -> Option<String> {
    let text = place.text(63)?;
    let good = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !good {
        place.wrong("must begin with a letter and hold letters, digits and _ only, such as due_date");
        return None;
    }
    Some(text.to_owned())
}

/// Makes words of a name: `due_date` is `Due date`.
fn label_of(name: &str) -> String {
    let mut letters = name.chars().map(|letter| if letter == '_' { ' ' } else { letter });
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn read_kind(name: &str, object: &Object<'_>) -> Option<FieldKind> {
    let max_length = |usual| object.get("max_length").map_or(Some(usual), |most| whole(&most, 1, 100_000));
    Some(match name {
        "text" => FieldKind::Text { max_length: max_length(1_000)?, pattern: read_pattern(object)? },
        "long-text" => FieldKind::LongText { max_length: max_length(20_000)? },
        "number" => read_number(object)?,
        "boolean" => FieldKind::Boolean,
        "choice" => FieldKind::Choice { options: read_choices(object)? },
        "multi-choice" => FieldKind::MultiChoice { options: read_choices(object)? },
        "date" => FieldKind::Date,
        "email" => FieldKind::Email,
        "url" => FieldKind::Url,
        _ => FieldKind::File {
            max_bytes: object.get("max_bytes").map_or(Some(USUAL_FILE), |most| most.whole(1, MAX_FILE))?,
            accept: object.get("accept").map(|list| read_accept(&list)).unwrap_or_default(),
        },
    })
}

#[expect(clippy::option_option, reason = "outside: whether it is right; inside: whether there is one")]
fn read_pattern(object: &Object<'_>) -> Option<Option<String>> {
    let Some(place) = object.get("pattern") else { return Some(None) };
    let pattern = place.words(1_000)?;
    match whole_text(pattern) {
        Ok(_) => Some(Some(pattern.to_owned())),
        Err(_) => {
            place.wrong("is no regular expression that can be used; look-around and back-references cannot");
            None
        }
    }
}

fn read_number(object: &Object<'_>) -> Option<FieldKind> {
    let bound = |key| object.get(key).and_then(|bound| bound.number());
    let (min, max) = (bound("min"), bound("max"));
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        object.place.wrong(format!("has a min of {low} above its max of {high}"));
        return None;
    }
    Some(FieldKind::Number {
        min,
        max,
        whole: object.get("whole").and_then(|it| it.boolean()).unwrap_or(false),
    })
}

/// Reads choices, each a text or `{value, label}`.
fn read_choices(object: &Object<'_>) -> Option<Vec<Choice>> {
    let list = object.require("options", "a list of what can be chosen, such as [\"yes\", \"no\"]")?;
    let mut choices: Vec<Choice> = Vec::new();
    for place in list.list(MAX_CHOICES) {
        let Some(choice) = read_choice(&place) else { continue };
        if choices.iter().any(|other| other.value == choice.value) {
            place.wrong(format!("is {} like another choice; values are different", choice.value));
        } else {
            choices.push(choice);
        }
    }
    if choices.is_empty() {
        list.wrong("must have at least one choice");
        return None;
    }
    Some(choices)
}

fn read_choice(place: &Place<'_>) -> Option<Choice> {
    if let Value::String(_) = place.value {
        let value = place.words(500)?.to_owned();
        return Some(Choice { label: value.clone(), value });
    }
    let object = place.object(&["value", "label"])?;
    let value =
        object.require("value", "what the answer holds").and_then(|value| value.words(500))?.to_owned();
    let label = object.get("label").map_or(Some(value.as_str()), |label| label.words(500))?.to_owned();
    Some(Choice { value, label })
}

fn read_accept(list: &Place<'_>) -> Vec<String> {
    let is_type = |text: &str| {
        text.split_once('/').is_some_and(|(kind, rest)| {
            !kind.is_empty() && !rest.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
        })
    };
    let mut types = Vec::new();
    for place in list.list(50) {
        match place.text(200) {
            Some(text) if is_type(text) => types.push(text.to_ascii_lowercase()),
            Some(_) => place.wrong("must be a media type, such as application/pdf or image/*"),
            None => {}
        }
    }
    types
}

/// Reads what is filled in already, which has to be a good answer itself.
fn read_default(field: &Field, place: &Place<'_>) -> Option<Value> {
    if let FieldKind::File { .. } = field.kind {
        place.wrong("cannot be: a file is uploaded by whoever answers");
        return None;
    }
    let values = Map::from_iter([(field.name.clone(), place.value.clone())]);
    match check_answers(std::slice::from_ref(field), &values) {
        Ok(mut answers) => answers.remove(&field.name),
        Err(wrong) => {
            wrong.into_iter().for_each(|(_, problem)| place.wrong(problem));
            None
        }
    }
}
