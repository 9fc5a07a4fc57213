use std::str::FromStr;

use jiff::Timestamp;
use roost_http::{Failure, read_cursor};

/// Reads where a list that is ordered by time and id goes on.
pub(crate) fn after<I: FromStr>(list: &str, cursor: Option<&str>) -> Result<Option<(Timestamp, I)>, Failure> {
    let Some(cursor) = cursor else { return Ok(None) };
    let [at, id] = read_cursor(list, cursor)?;
    let place = at.parse().ok().zip(id.parse().ok());
    place
        .map(Some)
        .ok_or_else(|| Failure::invalid("cursor", "is not one that this list gave; begin without one"))
}
