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
    let native = roost_api::router(core.clone(), options(config)?);
    let openai = roost_api_openai::router(core.clone(), openai(config)?);
    let fullpilot = roost_api_fullpilot::router(core.clone(), fullpilot(config)?);
    Ok(native.merge(openai).merge(fullpilot).merge(roost_api_agentcop::router(core, guard(config)?)))
}

/// Returns what hosted runtimes are answered.
///
/// # Errors
///
/// [`ConfigError::Setting`] if an option of the section `api` cannot be used.
pub(crate) fn door(core: Core, config: &Config) -> Result<Router, ConfigError> {
    Ok(roost_api_openai::door(core, openai(config)?))
}

fn openai(config: &Config) -> Result<roost_api_openai::Options, ConfigError> {
    let api = &config.file.api;
    let defaults = roost_api_openai::Options::default();
    let http = roost_http::Options {
        limits: per_minute("api.requests_per_minute", api.requests_per_minute)?,
        body_limit: usize::try_from(api.max_body.0.0).unwrap_or(usize::MAX).max(defaults.http.body_limit),
        deadline: api.deadline.0,
        cors: cors(config)?,
    };
    Ok(roost_api_openai::Options { http, ..defaults })
}

fn fullpilot(config: &Config) -> Result<roost_api_fullpilot::Options, ConfigError> {
    let (api, fullpilot) = (&config.file.api, &config.file.fullpilot);
    let http = roost_http::Options {
        limits: per_minute("fullpilot.requests_per_minute", fullpilot.requests_per_minute)?,
        body_limit: usize::try_from(api.max_body.0.0).unwrap_or(usize::MAX),
        deadline: api.deadline.0,
        cors: cors(config)?,
    };
    let execution = per_minute("fullpilot.executions_per_minute", fullpilot.executions_per_minute)?;
    Ok(roost_api_fullpilot::Options { http, execution })
}

fn guard(config: &Config) -> Result<roost_api_agentcop::Options, ConfigError> {
    let (api, guard) = (&config.file.api, &config.file.guard);
    let http = roost_http::Options {
        limits: per_minute("guard.requests_per_minute", guard.requests_per_minute)?,
        body_limit: usize::try_from(api.max_body.0.0).unwrap_or(usize::MAX),
        deadline: api.deadline.0,
        cors: cors(config)?,
    };
    Ok(roost_api_agentcop::Options { http })
}

fn per_minute(setting: &'static str, requests: u32) -> Result<Limits, ConfigError> {
    let requests = NonZeroU32::new(requests)
        .ok_or_else(|| ConfigError::Setting { setting, problem: "must be at least 1".to_owned() })?;
    Ok(Limits::per_minute(requests))
}

fn cors(config: &Config) -> Result<Cors, ConfigError> {
    Cors::from_list(&config.file.api.cors_origins)
        .map_err(|error| ConfigError::Setting { setting: "api.cors_origins", problem: error.to_string() })
}

fn options(config: &Config) -> Result<roost_api::Options, ConfigError> {
    let api = &config.file.api;
    Ok(roost_api::Options {
        http: roost_http::Options {
            limits: per_minute("api.requests_per_minute", api.requests_per_minute)?,
            body_limit: usize::try_from(api.max_body.0.0).unwrap_or(usize::MAX),
            deadline: api.deadline.0,
            cors: cors(config)?,
        },
        chat_wait: api.chat_wait.0,
        ..roost_api::Options::default()
    })
}
