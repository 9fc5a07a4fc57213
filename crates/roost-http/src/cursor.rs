//! Cursors: where a list goes on, as a text that means nothing to its holder.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::Failure;

/// Between parts; stands in no id and no time.
const SEPARATOR: char = '\n';

const CHECK_BYTES: usize = 6;

/// Writes the cursor of a list: the parts that its next page begins after.
pub fn write_cursor(list: &str, parts: &[&dyn Display]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let text = parts.join("\n");
    let mut bytes = check(list, &text).to_vec();
    bytes.extend_from_slice(text.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads back what [`write_cursor`] wrote for the same list.
///
/// # Errors
///
/// 400 if it was made for another list, was changed, or is no cursor at all.
pub fn read_cursor<const N: usize>(list: &str, cursor: &str) -> Result<[String; N], Failure> {
    parts(list, cursor)
        .and_then(|parts| parts.try_into().ok())
        .ok_or_else(|| Failure::invalid("cursor", "is not one that this list gave; begin without one"))
}

fn parts(list: &str, cursor: &str) -> Option<Vec<String>> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (sum, text) = bytes.split_at_checked(CHECK_BYTES)?;
    let text = std::str::from_utf8(text).ok()?;
    (sum == check(list, text)).then(|| text.split(SEPARATOR).map(str::to_owned).collect())
}

/// Tells slips and guesses from cursors. No secret: whoever makes up a cursor sees nothing but their own rows.
fn check(list: &str, text: &str) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(list).chain_update([0]).chain_update(text).finalize();
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests;
