//! The faces, as the configuration wants them.

use std::num::NonZeroU32;

use axum::Router;
use roost_core::Core;
use roost_http::{Cors, Limits};

use crate::config::{Config, ConfigError};

/// Returns everything that the server answers.
///
/// # Errors
///
/// [`ConfigError::Setting`] if an option of the section `api` cannot be used.
pub(crate) fn router(core: Core, config: &Config) -> Result<Router, ConfigError> {
    Ok(roost_api::router(core, options(config)?))
}

fn options(config: &Config) -> Result<roost_api::Options, ConfigError> {
    let api = &config.file.api;
    let requests = NonZeroU32::new(api.requests_per_minute).ok_or_else(|| ConfigError::Setting {
        setting: "api.requests_per_minute",
        problem: "must be at least 1".to_owned(),
    })?;
    let cors = Cors::from_list(&api.cors_origins)
        .map_err(|error| ConfigError::Setting { setting: "api.cors_origins", problem: error.to_string() })?;
    Ok(roost_api::Options {
        http: roost_http::Options {
            limits: Limits::per_minute(requests),
            body_limit: usize::try_from(api.max_body.0.0).unwrap_or(usize::MAX),
            deadline: api.deadline.0,
            cors,
        },
        chat_wait: api.chat_wait.0,
        ..roost_api::Options::default()
    })
}
