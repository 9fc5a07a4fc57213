//! Answers of forms: what people said, held to what the fields ask.

use jiff::civil::Date;
use regex::RegexBuilder;
use serde_json::{Map, Value};
use url::Url;

use super::{Choice, Field, FieldKind};

/// The most characters of an e-mail address.
const MAX_EMAIL: usize = 254;
/// The most characters of a URL.
const MAX_URL: usize = 2_048;

/// A file that was uploaded for a field, as an answer holds it: `{"file", "name", "type", "size"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAnswer {
    /// Under which name it is kept.
    pub file: String,
    /// What it was called where it came from.
    pub name: String,
    /// Its media type, as the sender named it.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
}

impl FileAnswer {
    /// Returns what the answer holds.
    pub fn value(&self) -> Value {
        serde_json::json!({"file": self.file, "name": self.name, "type": self.media_type, "size": self.size})
    }

    /// Reads what an answer holds.
    pub fn read(value: &Value) -> Option<Self> {
        let text = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            file: text("file")?,
            name: text("name")?,
            media_type: text("type")?,
            size: value.get("size")?.as_u64()?,
        })
    }
}

/// Holds answers to the fields of a form. What is returned has every field: one that was not answered is its default,
/// or null, or an empty list where any number can be chosen.
///
/// A file's answer is a [`FileAnswer`]: whoever calls has put what the store knows of the file in the place of what
/// the answer said.
///
/// # Errors
///
/// The field and what is wrong with it, for every field that is wrong, in the order of the form; names that are no
/// field's come last.
pub fn check_answers(
    fields: &[Field],
    values: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<(String, String)>> {
    let mut answers = Map::new();
    let mut wrong = Vec::new();
    for field in fields {
        match answer(field, values.get(&field.name)) {
            Ok(value) => drop(answers.insert(field.name.clone(), value)),
            Err(problem) => wrong.push((field.name.clone(), problem)),
        }
    }
    let known = |name: &&String| !fields.iter().any(|field| field.name == **name);
    for name in values.keys().filter(known).take(20) {
        let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        let name: String = name.chars().take(80).collect();
        wrong.push((name, format!("is no field of this form; its fields are {}", names.join(", "))));
    }
    if wrong.is_empty() { Ok(answers) } else { Err(wrong) }
}

/// Reads what the page of a form sends, pairs of names and texts, into the values that [`check_answers`] takes. A text
/// that cannot be what its field asks for stays a text, so that the check says what is wrong. Names that are no
/// field's are left out, and so are files, which come by themselves.
pub fn read_page(fields: &[Field], pairs: &[(String, String)]) -> Map<String, Value> {
    let mut values = Map::new();
    for field in fields {
        let mut given = pairs.iter().filter(|(name, _)| *name == field.name).map(|(_, text)| text.as_str());
        let value = match &field.kind {
            // A box that is not ticked is not sent; where an answer is required, there are two to choose from.
            FieldKind::Boolean => match given.next() {
                None if field.required => Value::Null,
                said => Value::Bool(said.is_some_and(|text| text != "false")),
            },
            FieldKind::MultiChoice { .. } => given.filter(|text| !text.is_empty()).collect(),
            FieldKind::File { .. } => continue,
            FieldKind::Number { .. } => match given.next().map(str::trim) {
                None | Some("") => Value::Null,
                Some(text) => number_of(text).unwrap_or_else(|| text.into()),
            },
            FieldKind::Text { .. }
            | FieldKind::LongText { .. }
            | FieldKind::Choice { .. }
            | FieldKind::Date
            | FieldKind::Email
            | FieldKind::Url => match given.next() {
                None | Some("") => Value::Null,
                Some(text) => text.into(),
            },
        };
        values.insert(field.name.clone(), value);
    }
    values
}

fn number_of(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from))
}

fn answer(field: &Field, given: Option<&Value>) -> Result<Value, String> {
    let given = given.or(field.default.as_ref());
    let said = given.filter(|value| !is_nothing(value));
    match (said, &field.kind) {
        (Some(value), kind) => said_value(kind, value),
        (None, _) if field.required => Err(missing(&field.kind).to_owned()),
        (None, FieldKind::MultiChoice { .. }) => Ok(Value::Array(Vec::new())),
        (None, _) => Ok(Value::Null),
    }
}

/// Tells whether a value says nothing: null, an empty text, an empty list.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

const fn missing(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Choice { .. } => "must be chosen",
        FieldKind::MultiChoice { .. } => "must have at least one choice",
        FieldKind::File { .. } => "must have a file",
        FieldKind::Text { .. }
        | FieldKind::LongText { .. }
        | FieldKind::Number { .. }
        | FieldKind::Boolean
        | FieldKind::Date
        | FieldKind::Email
        | FieldKind::Url => "must be answered",
    }
}

fn said_value(kind: &FieldKind, value: &Value) -> Result<Value, String> {
    match kind {
        FieldKind::Text { max_length, pattern } => {
            let text = one_line(value, *max_length as usize)?;
            pattern.as_deref().map_or(Ok(()), |pattern| matches(pattern, text))?;
            Ok(text.into())
        }
        FieldKind::LongText { max_length } => long_text(value, *max_length as usize),
        FieldKind::Number { min, max, whole } => number(value, *min, *max, *whole),
        FieldKind::Boolean => {
            value.as_bool().map(Value::Bool).ok_or_else(|| "must be true or false".to_owned())
        }
        FieldKind::Choice { options } => chosen(options, value).map(Value::from),
        FieldKind::MultiChoice { options } => several(options, value),
        FieldKind::Date => date(value),
        FieldKind::Email => email(value),
        FieldKind::Url => url(value),
        FieldKind::File { max_bytes, accept } => file(value, *max_bytes, accept),
    }
}

fn text(value: &Value, max: usize) -> Result<&str, String> {
    let text = value.as_str().ok_or("must be a text")?;
    if text.chars().count() > max {
        return Err(format!("must have at most {max} characters"));
    }
    Ok(text)
}

fn one_line(value: &Value, max: usize) -> Result<&str, String> {
    let text = text(value, max)?;
    if text.chars().any(char::is_control) {
        return Err("must be one line, without control characters".into());
    }
    Ok(text)
}

/// Line breaks become `\n`, as programs expect them; pages send `\r\n`.
fn long_text(value: &Value, max: usize) -> Result<Value, String> {
    let text = value.as_str().ok_or("must be a text")?.replace("\r\n", "\n");
    if text.chars().count() > max {
        return Err(format!("must have at most {max} characters"));
    }
    if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\t')) {
        return Err("must not hold control characters".into());
    }
    Ok(text.into())
}

fn matches(pattern: &str, text: &str) -> Result<(), String> {
    let matched = whole_text(pattern).is_ok_and(|pattern| pattern.is_match(text));
    if matched { Ok(()) } else { Err(format!("must match the pattern {pattern}")) }
}

/// Makes a pattern ready that has to match a whole text. It takes time in proportion to the text, whatever it is.
pub(super) fn whole_text(pattern: &str) -> Result<regex::Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build()
}

fn number(value: &Value, min: Option<f64>, max: Option<f64>, whole: bool) -> Result<Value, String> {
    let number = value.as_f64().filter(|_| value.is_number()).ok_or("must be a number")?;
    if whole && number.fract() != 0.0 {
        return Err("must be a whole number".into());
    }
    match (min, max) {
        (Some(min), Some(max)) if !(min..=max).contains(&number) => {
            Err(format!("must be from {min} to {max}"))
        }
        (Some(min), None) if number < min => Err(format!("must be at least {min}")),
        (None, Some(max)) if number > max => Err(format!("must be at most {max}")),
        _ => Ok(value.clone()),
    }
}

fn chosen<'a>(options: &'a [Choice], value: &Value) -> Result<&'a str, String> {
    let found = value.as_str().and_then(|text| options.iter().find(|option| option.value == text));
    found.map(|option| option.value.as_str()).ok_or_else(|| {
        let mut names: Vec<_> = options.iter().take(20).map(|option| option.value.as_str()).collect();
        if options.len() > names.len() {
            names.push("…");
        }
        format!("must be one of {}", names.join(", "))
    })
}

fn several(options: &[Choice], value: &Value) -> Result<Value, String> {
    let list = value.as_array().ok_or("must be a list of choices")?;
    let mut taken: Vec<&str> = Vec::new();
    for value in list {
        let choice = chosen(options, value)?;
        if taken.contains(&choice) {
            return Err(format!("names {choice} twice"));
        }
        taken.push(choice);
    }
    Ok(taken.into())
}

fn date(value: &Value) -> Result<Value, String> {
    let text = value.as_str().unwrap_or_default();
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    match text.parse::<Date>() {
        Ok(_) if shaped => Ok(text.into()),
        _ => Err("must be a day of the calendar, written as 2026-11-30".into()),
    }
}

/// Accepts what HTML calls a valid e-mail address, with a dot in the host's name.
fn email(value: &Value) -> Result<Value, String> {
    let problem = || "must be an e-mail address, such as ada@example.com".to_owned();
    let text = value.as_str().map(str::trim).filter(|text| text.len() <= MAX_EMAIL).ok_or_else(problem)?;
    let (local, host) = text.rsplit_once('@').ok_or_else(problem)?;
    let local_is_good = (1..=64).contains(&local.len())
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte));
    let label_is_good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let host_is_good = host.contains('.') && host.split('.').all(label_is_good);
    if local_is_good && host_is_good { Ok(text.into()) } else { Err(problem()) }
}

fn url(value: &Value) -> Result<Value, String> {
    let problem = || "must be a URL of http or https, such as https://example.com/".to_owned();
    let text = value.as_str().map(str::trim).filter(|text| text.len() <= MAX_URL).ok_or_else(problem)?;
    let url = Url::parse(text).map_err(|_| problem())?;
    let good = matches!(url.scheme(), "http" | "https") && url.has_host();
    if good { Ok(text.into()) } else { Err(problem()) }
}

fn file(value: &Value, max_bytes: u64, accept: &[String]) -> Result<Value, String> {
    let file = FileAnswer::read(value).ok_or("must be a file that was uploaded for this form")?;
    if file.size > max_bytes {
        return Err(format!("has {} bytes; at most {max_bytes} are taken", file.size));
    }
    let is_taken = |wanted: &String| match wanted.strip_suffix("/*") {
        Some(kind) => file.media_type.split('/').next().is_some_and(|given| given.eq_ignore_ascii_case(kind)),
        None => wanted.eq_ignore_ascii_case(&file.media_type),
    };
    if accept.is_empty() || accept.iter().any(is_taken) {
        Ok(file.value())
    } else {
        Err(format!("is of the type {}; taken are {}", file.media_type, accept.join(", ")))
    }
}

#[cfg(test)]
mod tests;
