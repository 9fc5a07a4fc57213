use std::num::NonZeroU32;
use std::time::Duration;

use roost_http::{Cors, Limits};

/// What the server's owner can set for the native API.
#[derive(Debug, Clone)]
pub struct Options {
    /// What every face has: rate limits, body size, deadline, origins.
    pub http: roost_http::Options,
    /// How long an answer to a message stays open while nothing happens in its turn, for example because a person
    /// has to approve something first.
    pub chat_wait: Duration,
    /// How often a silent stream looks whether what it follows is still there.
    pub recheck: Duration,
}

impl Default for Options {
    /// The documented defaults of `roost.toml`: 120 requests a minute for each key, bodies of 1 MiB, half a minute
    /// until an answer begins, no other origins, a quarter of an hour for a chat answer, half a minute between looks.
    fn default() -> Self {
        const REQUESTS: NonZeroU32 = NonZeroU32::new(120).expect("is not zero");
        Self {
            http: roost_http::Options {
                limits: Limits::per_minute(REQUESTS),
                body_limit: 1 << 20,
                deadline: Duration::from_secs(30),
                cors: Cors::Off,
            },
            chat_wait: Duration::from_secs(15 * 60),
            recheck: Duration::from_secs(30),
        }
    }
}
