//! A range of user ids as it is written in `roost.toml`.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `first-last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UidRange(pub(crate) Range<u32>);

impl Default for UidRange {
    /// Above those of people, services and container tools.
    fn default() -> Self {
        Self(1_900_000_000..2_100_000_000)
    }
}

/// A text that is no range of user ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a range of user ids; write first-last, such as \"1900000000-2099999999\", without 0")]
pub(crate) struct InvalidUidRange(String);

impl FromStr for UidRange {
    type Err = InvalidUidRange;

    fn from_str(text: &str) -> Result<Self, InvalidUidRange> {
        let range = text.split_once('-').and_then(|(first, last)| {
            let (first, last) = (first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?);
            (first > 0 && first <= last && last < u32::MAX).then(|| first..last + 1)
        });
        range.map(Self).ok_or_else(|| InvalidUidRange(text.to_owned()))
    }
}

impl fmt::Display for UidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.start, self.0.end - 1)
    }
}

impl<'de> Deserialize<'de> for UidRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for UidRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_it_is_written() {
        let range: UidRange = "100-199".parse().expect("a range");
        assert_eq!(range.0, 100..200);
        assert_eq!(range.to_string(), "100-199");
        for text in ["", "5", "0-9", "9-5", "1-4294967295", "a-b"] {
            assert!(text.parse::<UidRange>().is_err(), "{text}");
        }
    }
}
