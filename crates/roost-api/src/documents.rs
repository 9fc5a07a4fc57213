//! Documents: the texts that shape agents.

mod personality;
mod rules;
mod versions;
mod wire;
mod workflow;

pub(crate) use personality::*;
pub(crate) use rules::*;
pub(crate) use versions::*;
pub(crate) use workflow::*;

use roost_domain::document::ContentHash;
use roost_http::Failure;

/// Reads the hash that a writer took for the present one.
fn hash(field: &str, text: Option<String>) -> Result<Option<ContentHash>, Failure> {
    text.map(|text| text.parse().map_err(|error| Failure::invalid(field, error))).transpose()
}
