//! What the server tells about itself, on standard error.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;
use crate::config::file::{Log, LogFormat};

/// Begins to write the log.
///
/// # Errors
///
/// [`ConfigError::Setting`] if the filter is none.
pub(crate) fn start(log: &Log, usual: &str) -> Result<(), ConfigError> {
    let filter = log.filter.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(filter).map_err(|error| ConfigError::Setting {
        setting: "log.filter",
        problem: format!(
            "{filter:?} is no log filter ({error}); write for example info or warn,roost_core=debug"
        ),
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    match log.format {
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
