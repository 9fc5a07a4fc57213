use std::num::NonZeroU32;
use std::time::Duration;

use roost_http::{Cors, Limits};

/// What the server's owner can set for the AgentCop API.
#[derive(Debug, Clone)]
pub struct Options {
    /// What every face has: rate limits, body size, deadline, origins.
    pub http: roost_http::Options,
}

impl Default for Options {
    /// The documented defaults of `roost.toml`. AgentCop limits what keys do in a day, which the core counts; the
    /// limit here only holds back what runs wild.
    fn default() -> Self {
        const REQUESTS: NonZeroU32 = NonZeroU32::new(60_000).expect("is not zero");
        Self {
            http: roost_http::Options {
                limits: Limits::per_minute(REQUESTS),
                body_limit: 1 << 20,
                deadline: Duration::from_secs(30),
                cors: Cors::Off,
            },
        }
    }
}
