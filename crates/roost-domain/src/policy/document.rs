//! Reading documents: whatever is wrong is said with the place where it stands.

use std::fmt;

use serde_json::{Map, Value};

/// A document that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct InvalidDocument {
    /// Where: `allow[2].when.to`.
    pub path: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// A place in a document.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Top(&'static str),
    Key(&'a Place<'a>, &'a str),
    Entry(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(name) => f.write_str(name),
            Self::Key(Self::Top(_), key) => f.write_str(key),
            Self::Key(above, key) => write!(f, "{above}.{key}"),
            Self::Entry(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

impl Place<'_> {
    pub(crate) const fn below<'b>(&'b self, key: &'b str) -> Place<'b> {
        Place::Key(self, key)
    }

    pub(crate) const fn entry(&self, index: usize) -> Place<'_> {
        Place::Entry(self, index)
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> InvalidDocument {
        InvalidDocument { path: self.to_string(), problem: problem.into() }
    }

    pub(crate) fn object<'v>(&self, value: &'v Value) -> Result<&'v Map<String, Value>, InvalidDocument> {
        value.as_object().ok_or_else(|| self.error("must be an object"))
    }

    pub(crate) fn list<'v>(&self, value: &'v Value) -> Result<&'v Vec<Value>, InvalidDocument> {
        value.as_array().ok_or_else(|| self.error("must be a list"))
    }

    pub(crate) fn text<'v>(&self, value: &'v Value, max: usize) -> Result<&'v str, InvalidDocument> {
        let text = value.as_str().ok_or_else(|| self.error("must be a text"))?;
        if text.chars().count() > max {
            return Err(self.error(format!("must have at most {max} characters")));
        }
        Ok(text)
    }

    pub(crate) fn whole(&self, value: &Value, min: u64, max: u64) -> Result<u64, InvalidDocument> {
        value
            .as_u64()
            .filter(|number| (min..=max).contains(number))
            .ok_or_else(|| self.error(format!("must be a whole number from {min} to {max}")))
    }

    /// Reads a list of texts that each mean something; nothing at all is an empty list.
    pub(crate) fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &self,
        map: &Map<String, Value>,
        key: &str,
    ) -> Result<Vec<T>, InvalidDocument> {
        const MOST: usize = 10_000;
        let place = self.below(key);
        let Some(value) = given(map, key) else { return Ok(Vec::new()) };
        let list = place.list(value)?;
        if list.len() > MOST {
            return Err(place.error(format!("has {} entries; at most {MOST} are allowed", list.len())));
        }
        list.iter()
            .enumerate()
            .map(|(index, value)| {
                let place = place.entry(index);
                place.text(value, 4_096)?.parse().map_err(|error: T::Err| place.error(error.to_string()))
            })
            .collect()
    }

    /// Reads the name of one of a few things.
    pub(crate) fn named<T: Copy>(
        &self,
        value: &Value,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<T, InvalidDocument> {
        let found = value.as_str().and_then(|text| all.iter().copied().find(|one| name(*one) == text));
        found.ok_or_else(|| {
            let names: Vec<_> = all.iter().copied().map(name).collect();
            self.error(format!("must be one of {}", names.join(", ")))
        })
    }

    /// Refuses keys that nobody knows.
    pub(crate) fn only(&self, map: &Map<String, Value>, known: &[&str]) -> Result<(), InvalidDocument> {
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => {
                let key: String = key.chars().take(80).collect();
                Err(self.below(&key).error(format!("is not known here; the keys are {}", known.join(", "))))
            }
            None => Ok(()),
        }
    }
}

/// Returns a key's value; null is as good as nothing.
pub(crate) fn given<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    map.get(key).filter(|value| !value.is_null())
}
