use jiff::{Timestamp, ToSpan as _};

use crate::Failure;

/// Reads since when something is asked for: a time, or a span before now such as `7d`, `24h` or `90m`; a week without
/// either.
///
/// # Errors
///
/// 400 that says what would be right.
pub fn since(text: Option<&str>, now: Timestamp) -> Result<Timestamp, Failure> {
    let Some(text) = text else { return Ok(now.saturating_sub(168.hours()).unwrap_or(now)) };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let problem = "must be a time such as 2026-02-10T14:00:00Z, or a span before now such as 7d, 24h or 90m";
    let invalid = || Failure::invalid("since", problem);
    let unit = text.chars().last().ok_or_else(invalid)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| invalid())?;
    let minutes = match unit {
        'd' => number.checked_mul(24 * 60),
        'h' => number.checked_mul(60),
        'm' => Some(number),
        _ => None,
    };
    let minutes = minutes.filter(|minutes| (1..=5_256_000).contains(minutes)).ok_or_else(invalid)?;
    now.checked_sub(minutes.minutes()).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn a_time_a_span_or_nothing_is_read() {
        let now = "2026-02-10T14:00:00Z".parse().unwrap();
        for (text, at) in [
            (None, "2026-02-03T14:00:00Z"),
            (Some("7d"), "2026-02-03T14:00:00Z"),
            (Some("24h"), "2026-02-09T14:00:00Z"),
            (Some("90m"), "2026-02-10T12:30:00Z"),
            (Some("2026-01-01T01:00:00+01:00"), "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(since(text, now).unwrap(), at.parse().unwrap(), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_would_be_right() {
        let now = "2026-02-10T14:00:00Z".parse().unwrap();
        for text in ["", "d", "7", "7w", "-7d", "0h", "7 d", "9999999999999999d", "99999d", "yesterday", "7é"]
        {
            let message = since(Some(text), now).unwrap_err().message().to_owned();
            assert!(message.starts_with("since must be a time such as"), "{text}: {message}");
        }
    }
}
