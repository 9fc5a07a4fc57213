//! Errors about one provider, free of its key.

use std::error::Error as StdError;
use std::time::Duration;

use roost_domain::secret::Secret;
use roost_ports::model::Error;
use url::Url;

use crate::draft::{Fault, Reported};

/// The most of a provider's message that is handed on, in characters.
const MAX_MESSAGE: usize = 300;

/// Makes errors about one call. Whatever a provider wrote passes through here, so that no key and no flood of
/// text gets out.
#[derive(Clone)]
pub(crate) struct Faults {
    provider: String,
    url: Url,
    key: Option<Secret>,
}

impl Faults {
    pub(crate) fn new(provider: &str, url: &Url, key: Option<Secret>) -> Self {
        Self { provider: provider.to_owned(), url: url.clone(), key }
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn timeout(&self, silence: Duration) -> Error {
        Error::Timeout { provider: self.provider.clone(), silence }
    }

    pub(crate) fn unreachable(&self, source: Box<dyn StdError + Send + Sync>) -> Error {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        // silent-ok: both fail only for addresses that cannot carry credentials in the first place.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Error::Unreachable { provider: self.provider.clone(), url: url.to_string(), source }
    }

    pub(crate) fn nonsense(&self, problem: &str) -> Error {
        Error::Nonsense { provider: self.provider.clone(), problem: self.clean(problem) }
    }

    pub(crate) fn fault(&self, fault: &Fault) -> Error {
        match fault {
            Fault::Broken => Error::Broken { provider: self.provider.clone() },
            Fault::Nonsense(problem) => self.nonsense(problem),
            Fault::Reported(reported) => self.reported(reported, reported.retry_after),
        }
    }

    pub(crate) fn reported(&self, reported: &Reported, retry_after: Option<Duration>) -> Error {
        let provider = self.provider.clone();
        let status = reported.status;
        let message = self.clean(&reported.message);
        match status {
            401 | 403 => Error::Auth { provider, status, message },
            429 => Error::RateLimited { provider, retry_after, message },
            500.. => Error::Failed { provider, status, message },
            _ => Error::Refused { provider, status, message },
        }
    }

    /// Takes the key out and cuts what is too long, in this order, so that no half of a key is left at the cut.
    fn clean(&self, text: &str) -> String {
        let key = self.key.as_ref().map_or("", Secret::expose).trim();
        let text = if key.is_empty() { text.to_owned() } else { text.replace(key, "[key]") };
        match text.char_indices().nth(MAX_MESSAGE) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}
