//! A place in a configuration, and all that can be asked of what stands there. Whatever is wrong is noted and reading
//! goes on, so that everything is said at once.

use std::cell::RefCell;
use std::str::FromStr;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde_json::{Map, Value};

use super::super::{Fault, Faults};
use super::names::Uses;

/// What is wrong so far, and which templates were read.
#[derive(Default)]
pub(super) struct Notes {
    faults: RefCell<Vec<Fault>>,
    pub(super) uses: Uses,
}

impl Notes {
    pub(super) fn add(&self, path: &str, problem: String) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < Faults::MOST {
            faults.push(Fault { path: path.to_owned(), problem });
        }
    }

    pub(super) fn none(&self) -> bool {
        self.faults.borrow().is_empty()
    }

    pub(super) fn take(self) -> Vec<Fault> {
        self.faults.into_inner()
    }
}

/// A place with what stands there.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
    pub(super) notes: &'a Notes,
}

/// An object at a place.
pub(super) struct Object<'a> {
    pub(super) place: Place<'a>,
    map: &'a Map<String, Value>,
}

impl<'a> Place<'a> {
    pub(super) fn wrong(&self, problem: impl Into<String>) {
        self.notes.add(&self.path, problem.into());
    }

    fn at(&self, path: String, value: &'a Value) -> Self {
        Self { path, value, notes: self.notes }
    }

    /// Returns the object, having noted the keys that nobody knows.
    pub(super) fn object(&self, known: &[&str]) -> Option<Object<'a>> {
        let object = self.entries()?;
        for key in object.map.keys().filter(|key| !known.contains(&key.as_str())) {
            let like = nearest(key, known).map(|name| format!("did you mean {name}? "));
            let problem =
                format!("is not known here; {}the keys are {}", like.unwrap_or_default(), known.join(", "));
            if key.chars().count() > 80 {
                self.wrong("has a key of more than 80 characters, which is not known here");
            } else {
                self.notes.add(&below(&self.path, key), problem);
            }
        }
        Some(object)
    }

    /// Returns the object, whatever its keys are.
    pub(super) fn entries(&self) -> Option<Object<'a>> {
        let map = self.value.as_object();
        if map.is_none() {
            self.wrong(format!("must be an object, not {}", kind_of(self.value)));
        }
        Some(Object { place: self.clone(), map: map? })
    }

    pub(super) fn list(&self, most: usize) -> Vec<Self> {
        let Value::Array(list) = self.value else {
            self.wrong(format!("must be a list, not {}", kind_of(self.value)));
            return Vec::new();
        };
        if list.len() > most {
            self.wrong(format!("has {} entries; at most {most} are allowed", list.len()));
            return Vec::new();
        }
        list.iter().enumerate().map(|(at, value)| self.at(format!("{}[{at}]", self.path), value)).collect()
    }

    pub(super) fn text(&self, most: usize) -> Option<&'a str> {
        let Value::String(text) = self.value else {
            self.wrong(format!("must be a text, not {}", kind_of(self.value)));
            return None;
        };
        let length = text.chars().count();
        if length > most {
            self.wrong(format!("has {length} characters; at most {most} are allowed"));
            return None;
        }
        Some(text)
    }

    /// Returns a text that says something.
    pub(super) fn words(&self, most: usize) -> Option<&'a str> {
        let text = self.text(most)?;
        if text.trim().is_empty() {
            self.wrong("must not be empty");
            return None;
        }
        Some(text)
    }

    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, most: usize) -> Option<T> {
        let parsed = self.text(most)?.parse();
        parsed.map_err(|error: T::Err| self.wrong(format!("is not right: {error}"))).ok()
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        let read = self.value.as_bool();
        if read.is_none() {
            self.wrong(format!("must be true or false, not {}", kind_of(self.value)));
        }
        read
    }

    pub(super) fn whole(&self, least: u64, most: u64) -> Option<u64> {
        let read = self.value.as_u64().filter(|number| (least..=most).contains(number));
        if read.is_none() {
            self.wrong(format!("must be a whole number from {least} to {most}"));
        }
        read
    }

    pub(super) fn number(&self) -> Option<f64> {
        let read = self.value.as_f64().filter(|number| number.is_finite());
        if read.is_none() {
            self.wrong(format!("must be a number, not {}", kind_of(self.value)));
        }
        read
    }

    /// Reads the name of one of a few things.
    pub(super) fn named<T: Copy>(&self, all: &[T], name: impl Fn(T) -> &'static str) -> Option<T> {
        let text = self.text(80)?;
        let found = all.iter().copied().find(|one| name(*one) == text);
        if found.is_none() {
            let names: Vec<_> = all.iter().copied().map(name).collect();
            self.wrong(one_of(text, &names));
        }
        found
    }

    /// Reads seconds, or a text with units.
    pub(super) fn duration(&self, least: Duration, most: Duration) -> Option<Duration> {
        let read = match self.value {
            Value::Number(seconds) => seconds.as_f64().and_then(|s| Duration::try_from_secs_f64(s).ok()),
            Value::String(text) => read_duration(text),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        match read {
            Some(read) if (least..=most).contains(&read) => Some(read),
            Some(_) => {
                self.wrong(format!("must be from {} to {}", shown(least), shown(most)));
                None
            }
            None => {
                self.wrong("must be a number of seconds or a text such as 90s, 5m, 2h, 1 day or PT2H");
                None
            }
        }
    }
}

impl<'a> Object<'a> {
    /// Returns what stands at a key; null is as good as nothing.
    pub(super) fn get(&self, key: &str) -> Option<Place<'a>> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some(self.place.at(below(&self.place.path, key), value))
    }

    /// Returns what stands at a key, or notes that it is missing.
    pub(super) fn require(&self, key: &str, what: &str) -> Option<Place<'a>> {
        let found = self.get(key);
        if found.is_none() {
            self.missing(key, what);
        }
        found
    }

    pub(super) fn missing(&self, key: &str, what: &str) {
        self.place.notes.add(&below(&self.place.path, key), format!("is required: {what}"));
    }

    /// Returns what stands at the first of several keys that mean the same; more than one of them is noted.
    pub(super) fn either(&self, keys: [&str; 2]) -> Option<Place<'a>> {
        let [first, second] = keys.map(|key| self.get(key));
        if let (Some(_), Some(second)) = (&first, &second) {
            second.wrong(format!("says the same as {}; leave one of them out", keys[0]));
        }
        first.or(second)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&'a str, Place<'a>)> {
        self.map.iter().map(|(key, value)| (key.as_str(), self.place.at(below(&self.place.path, key), value)))
    }
}

/// Returns the path of a key. One that is no plain word stands in brackets.
fn below(path: &str, key: &str) -> String {
    let plain =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    match (plain, path) {
        (true, "") => key.to_owned(),
        (true, path) => format!("{path}.{key}"),
        (false, path) => format!("{path}[{}]", Value::from(key)),
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Says which names there are, and which was meant, if that can be guessed.
pub(super) fn one_of(given: &str, names: &[&str]) -> String {
    let all = format!("must be one of {}", names.join(", "));
    match nearest(given, names) {
        Some(name) => format!("{all}; did you mean {name}?"),
        None => all,
    }
}

/// Returns the name that is most like a word, if one is.
fn nearest<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let given = plain(word);
    if given.len() > 40 {
        return None;
    }
    let scored = names.iter().map(|name| {
        let name_plain = plain(name);
        let within = given.len() >= 3 && (name_plain.contains(&given) || given.contains(&name_plain));
        (if within { 1 } else { distance(&given, &name_plain) }, name)
    });
    let (edits, name) = scored.min_by_key(|(edits, _)| *edits)?;
    let most = match given.chars().count() {
        0 | 1 => 0,
        2 | 3 => 1,
        _ => 2,
    };
    (edits <= most).then_some(*name)
}

/// Counts the letters that have to be put in, taken out or changed to make one word of another.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, wanted) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *wanted);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// Reads a duration with its unit: `90s`, `5m`, `2 days`, `PT2H`. A day is 24 hours.
pub(crate) fn read_duration(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

fn shown(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds if seconds % 86_400 == 0 => format!("{} days", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{} hours", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
