use std::num::NonZeroU32;
use std::time::Duration;

use roost_http::{Cors, Limits};

/// What the server's owner can set for the OpenAI-compatible API.
#[derive(Debug, Clone)]
pub struct Options {
    /// What every face has: rate limits, body size, deadline, origins.
    pub http: roost_http::Options,
    /// How long an answer that is not streamed may take.
    pub answer_wait: Duration,
}

impl Default for Options {
    /// The documented defaults of `roost.toml`.
    fn default() -> Self {
        const REQUESTS: NonZeroU32 = NonZeroU32::new(600).expect("is not zero");
        Self {
            http: roost_http::Options {
                limits: Limits::per_minute(REQUESTS),
                body_limit: 8 << 20,
                deadline: Duration::from_secs(30),
                cors: Cors::Off,
            },
            answer_wait: Duration::from_secs(590),
        }
    }
}
