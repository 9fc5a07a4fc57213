//! The secrets that sign. **Source:** Standard Webhooks 1.0.0: `whsec_` and the base64 of 24 to 64 random bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost_domain::id::EndpointId;
use roost_domain::secret::Secret;
use roost_ports::random::Random;

use crate::Error;

const PREFIX: &str = "whsec_";

/// Returns the secret that was given, or a new one.
pub(super) fn given_or_new(given: Option<Secret>, random: &dyn Random) -> Result<Secret, Error> {
    let Some(given) = given else { return Ok(new(random)) };
    let bytes = given.expose().strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    if bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len())) {
        Ok(given)
    } else {
        // What was given is not repeated.
        Err(Error::invalid(
            "secret",
            "must be whsec_ and the base64 of 24 to 64 bytes; without one, one is made",
        ))
    }
}

fn new(random: &dyn Random) -> Secret {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// Returns where an endpoint's secret stands, to which it is bound.
pub(super) fn place(endpoint: EndpointId) -> String {
    format!("webhook/{endpoint}")
}
