//! The addresses of triggers, and what requests to them are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use roost_domain::id::TriggerId;
use roost_domain::secret::Secret;
use roost_domain::trigger::Standing;
use roost_ports::store::TriggerSecrets;

use crate::{Core, Error};

/// Makes the token of an address: 32 random bytes.
pub(super) fn new_token(core: &Core) -> Secret {
    let mut bytes = [0; 32];
    core.ports.random.fill(&mut bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// Makes a secret as Standard Webhooks has it; the other ways of signing take its text as it is.
pub(super) fn new_secret(core: &Core) -> Secret {
    let mut bytes = [0; 32];
    core.ports.random.fill(&mut bytes);
    Secret::new(format!("whsec_{}", STANDARD.encode(bytes)))
}

/// Checks a secret that somebody else has made.
pub(super) fn check(secret: &Secret) -> Result<(), Error> {
    let text = secret.expose();
    if (8..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    // What was given is not repeated.
    Err(Error::invalid("secret", "must have 8 to 200 visible ASCII characters; without one, one is made"))
}

/// Seals a token and a secret for a trigger.
pub(super) fn seal(core: &Core, trigger: &Standing, token: &Secret, secret: &Secret) -> TriggerSecrets {
    let vault = &core.ports.vault;
    TriggerSecrets {
        token_hash: vault.key_hash(token),
        token: vault.seal(trigger.account, &token_place(trigger.id), token),
        secret: vault.seal(trigger.account, &secret_place(trigger.id), secret),
        before: None,
    }
}

/// Returns where a trigger's token stands, to which it is bound.
pub(super) fn token_place(trigger: TriggerId) -> String {
    format!("trigger/{trigger}/token")
}

/// Returns where a trigger's secret stands, to which it is bound.
pub(super) fn secret_place(trigger: TriggerId) -> String {
    format!("trigger/{trigger}/secret")
}
