//! `roost serve`

use std::process::ExitCode;

use serde_json::json;

use crate::client::Credential;
use crate::config::Config;
use crate::config::file::LogFormat;
use crate::server::{self, Server, Signals};
use crate::{logging, output};

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    logging::start(&config.file.log, "info")?;
    let signals = Signals::catch()?;
    let server = Server::open(config).await?;
    let url = server::url(server.address()?);
    // The commands on this machine find the server where it is now, if `roost up` ever noted where it was.
    if let Some(noted) = Credential::load(&config.data)?
        && noted.url != url
    {
        Credential { url, ..noted }.save(&config.data)?;
    }
    announce(config, &server)?;
    server.run(signals).await?;
    Ok(ExitCode::SUCCESS)
}

/// Says that the server is ready: requests that come from now on are answered.
pub(super) fn announce(config: &Config, server: &Server) -> anyhow::Result<()> {
    let ready = format!("listening on http://{}", server.address()?);
    match config.file.log.format {
        LogFormat::Text => output::note(ready),
        LogFormat::Json if tracing::enabled!(tracing::Level::INFO) => tracing::info!("{ready}"),
        // Whoever waits for the line waits for it however little is logged.
        LogFormat::Json => output::note(json!({ "level": "INFO", "message": ready }).to_string()),
    }
    if let Some(source) = &config.source {
        tracing::info!("configured by {}", source.display());
    }
    Ok(())
}
