use globset::{GlobBuilder, GlobMatcher};
use regex::Regex;
use serde_json::{Map, Value};

use super::{InvalidDocument, Place};

/// What a parameter has to be. Every test of it has to hold.
///
/// Shape, as an object with one or more of: `equals` (any value), `one_of` (a list of values), `prefix` (text),
/// `glob` (text), `regex` (text, found anywhere unless anchored), `range` (`{min, max}`, either may be left out),
/// `max_length` (characters of a text, entries of a list).
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// The tests.
    pub tests: Vec<Test>,
}

/// The most that one regular expression may take when it is compiled.
const REGEX_BYTES: usize = 100 * 1024;

/// One thing that a parameter has to be.
#[derive(Debug, Clone)]
pub enum Test {
    /// Exactly this value.
    Equals(Value),
    /// One of these values.
    OneOf(Vec<Value>),
    /// A text that begins like this.
    Prefix(String),
    /// A text that a glob matches; `*` also stands for slashes.
    Glob(GlobMatcher),
    /// A text in which a regular expression is found.
    Regex(Regex),
    /// A number within bounds, both included.
    Range {
        /// The least.
        min: Option<f64>,
        /// The most.
        max: Option<f64>,
    },
    /// A text of at most so many characters, or a list of at most so many entries.
    MaxLength(u64),
}

impl PartialEq for Test {
    fn eq(&self, other: &Self) -> bool {
        self.to_entry() == other.to_entry()
    }
}

/// How a list of values counts against a constraint on one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// All entries have to hold: for leave.
    Entry,
    /// One entry that holds is enough: for refusals.
    AnyEntry,
}

impl Constraint {
    /// Tells whether a value is as it has to be.
    pub fn holds(&self, value: &Value, every: Every) -> bool {
        self.first_broken(value, every).is_none()
    }

    /// Returns the first test that does not hold.
    pub fn first_broken(&self, value: &Value, every: Every) -> Option<&Test> {
        self.tests.iter().find(|test| !test.holds(value, every))
    }

    /// Reads it from a document.
    pub(super) fn read(value: &Value, place: &Place<'_>) -> Result<Self, InvalidDocument> {
        let map = place.object(value)?;
        if map.is_empty() {
            return Err(
                place.error("must have one of equals, one_of, prefix, glob, regex, range, max_length")
            );
        }
        let tests = map.iter().map(|(key, value)| Test::read(key, value, place)).collect::<Result<_, _>>()?;
        Ok(Self { tests })
    }

    /// Writes it as a document.
    pub(super) fn to_value(&self) -> Value {
        self.tests.iter().map(Test::to_entry).collect::<Map<_, _>>().into()
    }
}

impl Test {
    fn read(key: &str, value: &Value, above: &Place<'_>) -> Result<Self, InvalidDocument> {
        let place = above.below(key);
        Ok(match key {
            "equals" => Self::Equals(value.clone()),
            "one_of" => Self::OneOf(place.list(value)?.clone()),
            "prefix" => Self::Prefix(place.text(value, 2_000)?.to_owned()),
            "glob" => {
                let text = place.text(value, 2_000)?;
                let glob = GlobBuilder::new(text).literal_separator(false).build();
                let glob = glob.map_err(|error| place.error(format!("is no glob: {}", error.kind())))?;
                Self::Glob(glob.compile_matcher())
            }
            "regex" => {
                let text = place.text(value, 2_000)?;
                let regex = regex::RegexBuilder::new(text).size_limit(REGEX_BYTES).build();
                Self::Regex(regex.map_err(|error| place.error(format!("is no regular expression: {error}")))?)
            }
            "range" => Self::range(value, &place)?,
            "max_length" => {
                let length = value.as_u64().ok_or_else(|| place.error("must be a whole number"))?;
                Self::MaxLength(length)
            }
            _ => {
                return Err(above.error(format!(
                    "has the key {key:?}, which is not known; use equals, one_of, prefix, glob, regex, range or \
                     max_length"
                )));
            }
        })
    }

    fn range(value: &Value, place: &Place<'_>) -> Result<Self, InvalidDocument> {
        let map = place.object(value)?;
        place.only(map, &["min", "max"])?;
        let bound = |key| match map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| place.below(key).error("must be a number")),
        };
        let (min, max) = (bound("min")?, bound("max")?);
        match (min, max) {
            (None, None) => Err(place.error("must have min, max or both")),
            (Some(low), Some(high)) if low > high => Err(place.error("has a min above its max")),
            (min, max) => Ok(Self::Range { min, max }),
        }
    }

    fn holds(&self, value: &Value, every: Every) -> bool {
        // A list is judged by its entries, unless the test is about lists as such.
        if let Value::Array(entries) = value {
            match self {
                Self::MaxLength(max) => return entries.len() as u64 <= *max,
                Self::Equals(wanted) if wanted.is_array() => return wanted == value,
                Self::Equals(_)
                | Self::OneOf(_)
                | Self::Prefix(_)
                | Self::Glob(_)
                | Self::Regex(_)
                | Self::Range { .. } => {}
            }
            return match every {
                Every::Entry => entries.iter().all(|entry| self.holds(entry, every)),
                Every::AnyEntry => entries.iter().any(|entry| self.holds(entry, every)),
            };
        }
        match self {
            Self::Equals(wanted) => same(wanted, value),
            Self::OneOf(values) => values.iter().any(|wanted| same(wanted, value)),
            Self::Prefix(start) => value.as_str().is_some_and(|text| text.starts_with(start)),
            Self::Glob(glob) => value.as_str().is_some_and(|text| glob.is_match(text)),
            Self::Regex(regex) => value.as_str().is_some_and(|text| regex.is_match(text)),
            Self::Range { min, max } => value.as_f64().is_some_and(|number| {
                min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
            }),
            Self::MaxLength(max) => value.as_str().is_some_and(|text| text.chars().count() as u64 <= *max),
        }
    }

    fn to_entry(&self) -> (String, Value) {
        let (key, value) = match self {
            Self::Equals(value) => ("equals", value.clone()),
            Self::OneOf(values) => ("one_of", values.clone().into()),
            Self::Prefix(text) => ("prefix", text.as_str().into()),
            Self::Glob(glob) => ("glob", glob.glob().glob().into()),
            Self::Regex(regex) => ("regex", regex.as_str().into()),
            Self::Range { min, max } => {
                let bounds = [("min", min), ("max", max)];
                let bound = |(key, bound): (&str, &Option<f64>)| bound.map(|n| (key.to_owned(), n.into()));
                ("range", bounds.into_iter().filter_map(bound).collect::<Map<_, _>>().into())
            }
            Self::MaxLength(length) => ("max_length", (*length).into()),
        };
        (key.to_owned(), value)
    }

    /// Says what has to be, as the end of a sentence that begins with the parameter.
    pub fn demand(&self) -> String {
        match self {
            Self::Equals(value) => format!("must be {}", shown(&value.to_string())),
            Self::OneOf(values) => {
                let few: Vec<_> = values.iter().take(10).map(|value| shown(&value.to_string())).collect();
                let more = if values.len() > few.len() { ", …" } else { "" };
                format!("must be one of {}{more}", few.join(", "))
            }
            Self::Prefix(text) => format!("must begin with {:?}", shown(text)),
            Self::Glob(glob) => format!("must match {:?}", shown(glob.glob().glob())),
            Self::Regex(regex) => format!("must match the regular expression {:?}", shown(regex.as_str())),
            Self::Range { min: Some(min), max: Some(max) } => format!("must be from {min} to {max}"),
            Self::Range { min: Some(min), max: None } => format!("must be at least {min}"),
            Self::Range { min: None, max } => format!("must be at most {}", max.unwrap_or(f64::INFINITY)),
            Self::MaxLength(length) => format!("must have a length of at most {length}"),
        }
    }
}

/// Cuts a text that stands in a policy for a sentence about it.
fn shown(text: &str) -> String {
    const CAP: usize = 100;
    match text.char_indices().nth(CAP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Compares values; numbers by what they are worth, so that 100 is 100.0.
fn same(wanted: &Value, value: &Value) -> bool {
    match (wanted.as_f64(), value.as_f64()) {
        (Some(wanted), Some(value)) => wanted == value,
        _ => wanted == value,
    }
}
