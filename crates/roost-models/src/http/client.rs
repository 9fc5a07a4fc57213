//! The one HTTP client.

use std::error::Error as StdError;

use reqwest::redirect::Policy;
use reqwest::{NoProxy, Proxy};

use super::{Failure, Faults};
use crate::options::{InvalidOptions, Timeouts};

/// The client and how patient it is.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    timeouts: Timeouts,
    /// Why no certificate can be trusted, where the machine has none.
    no_roots: Option<String>,
}

/// The machine has no root certificates, so no server can be trusted.
#[derive(Debug, thiserror::Error)]
#[error("this machine has no root certificates to check a server by (install ca-certificates): {0}")]
struct NoRoots(String);

impl Http {
    /// Builds the client.
    ///
    /// Servers are checked against the machine's own root certificates. A machine without any still gets a
    /// client, for models on the machine itself; calls to others then say what is missing.
    ///
    /// # Errors
    ///
    /// [`InvalidOptions::Client`] if the proxy is none, or the client cannot be built.
    pub(crate) fn new(timeouts: Timeouts, proxy: Option<&str>) -> Result<Self, InvalidOptions> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // silent-ok: an error means that another thread installed one first.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let builder = || {
            let builder = reqwest::Client::builder()
                .connect_timeout(timeouts.connect)
                .redirect(Policy::none())
                .user_agent(concat!("roost/", env!("CARGO_PKG_VERSION")))
                .no_proxy();
            let Some(proxy) = proxy else { return Ok(builder) };
            let proxy = Proxy::all(proxy).map_err(InvalidOptions::Client)?;
            Ok(builder.proxy(proxy.no_proxy(NoProxy::from_string("localhost,127.0.0.0/8,::1"))))
        };
        match builder()?.build() {
            Ok(client) => Ok(Self { client, timeouts, no_roots: None }),
            Err(error) => {
                let client = builder()?.tls_certs_only([]).build().map_err(InvalidOptions::Client)?;
                Ok(Self { client, timeouts, no_roots: Some(deepest(&error)) })
            }
        }
    }

    pub(crate) const fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Says that a request could not be sent, which may pass.
    pub(crate) fn unreachable(&self, faults: &Faults, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        if error.is_builder() {
            return Failure::lasting(faults.unreachable(Box::new(error)));
        }
        match &self.no_roots {
            Some(why) if faults.is_https() => {
                Failure::lasting(faults.unreachable(Box::new(NoRoots(why.clone()))))
            }
            Some(_) | None => {
                Failure { error: faults.unreachable(Box::new(error)), passing: true, wait: None }
            }
        }
    }
}

fn deepest(error: &dyn StdError) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
