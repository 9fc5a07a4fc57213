use std::num::NonZeroU32;
use std::time::Duration;

use roost_http::{Cors, Limits};

/// What the server's owner can set for the Fullpilot API.
#[derive(Debug, Clone)]
pub struct Options {
    /// What every face has: rate limits, body size, deadline, origins.
    pub http: roost_http::Options,
    /// How many runs a key may start and answer; counted apart from its other requests.
    pub execution: Limits,
}

impl Default for Options {
    /// Fullpilot's documented limits.
    fn default() -> Self {
        const STANDARD: NonZeroU32 = NonZeroU32::new(100).expect("is not zero");
        const EXECUTION: NonZeroU32 = NonZeroU32::new(20).expect("is not zero");
        Self {
            http: roost_http::Options {
                limits: Limits::per_minute(STANDARD),
                body_limit: 1 << 20,
                deadline: Duration::from_secs(30),
                cors: Cors::Off,
            },
            execution: Limits::per_minute(EXECUTION),
        }
    }
}
