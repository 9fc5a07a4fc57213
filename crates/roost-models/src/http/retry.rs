//! Trying again what a provider refused in passing.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use roost_ports::model::Error;
use roost_ports::random::Random;

use crate::options::Retries;

/// The longest wait without a `Retry-After`.
const MAX_BACKOFF: Duration = Duration::from_secs(8);

/// A call that failed before anything of an answer came.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether the same call may succeed a little later.
    pub(crate) passing: bool,
    /// When, if the provider said so.
    pub(crate) wait: Option<Duration>,
}

impl Failure {
    /// A failure that stays.
    pub(crate) const fn lasting(error: Error) -> Self {
        Self { error, passing: false, wait: None }
    }
}

/// Tells whether a status means that the same call may succeed later. 529 is Anthropic's "overloaded".
pub(crate) const fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504 | 529)
}

/// Tries until it succeeds, fails for good, or `retries` are used up.
///
/// # Errors
///
/// The error of the last try.
///
/// # Cancel
///
/// As `attempt`; a wait can be dropped at any time.
pub(crate) async fn with_retries<'a, T>(
    retries: Retries,
    random: &dyn Random,
    mut attempt: impl FnMut() -> BoxFuture<'a, Result<T, Failure>>,
) -> Result<T, Error> {
    let mut tries = 1;
    loop {
        let failure = match attempt().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        let too_long = failure.wait.is_some_and(|wait| wait > retries.longest_wait);
        if !failure.passing || too_long || tries >= retries.max_attempts {
            return Err(failure.error);
        }
        let wait = failure.wait.unwrap_or_else(|| backoff(retries.first_wait, tries, random));
        tokio::time::sleep(wait).await;
        tries += 1;
    }
}

/// Doubles with every try and is shortened by up to a quarter, so that many callers do not come back at once.
fn backoff(first: Duration, tries: u32, random: &dyn Random) -> Duration {
    let full = first.saturating_mul(1 << (tries - 1).min(16)).min(MAX_BACKOFF);
    let mut byte = [0];
    random.fill(&mut byte);
    full - full.mul_f64(0.25 * f64::from(byte[0]) / 255.0)
}

/// Returns when to ask again, as the headers say: `retry-after-ms`, or `Retry-After` in seconds or as a date.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = text("retry-after-ms").and_then(|ms| ms.parse::<f64>().ok()).map(|ms| ms / 1_000.0);
    let value = text(RETRY_AFTER.as_str());
    let seconds = millis.or_else(|| value?.parse::<f64>().ok());
    match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => until(value?, text(DATE.as_str())?),
    }
}

/// A date is read against the answer's own `Date`, so that the two clocks need not agree.
fn until(date: &str, now: &str) -> Option<Duration> {
    let read = |text: &str| -> Option<Timestamp> {
        rfc2822::DateTimeParser::new().parse_timestamp(text.replace("GMT", "+0000")).ok()
    };
    let seconds = read(date)?.as_second().checked_sub(read(now)?.as_second())?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Returns whether the provider says itself that to ask again is of use: `x-should-retry`, which OpenAI and
/// Anthropic send.
pub(crate) fn asked(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.to_str().ok()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
