//! Who sent a message: the ways in which services sign, each checked in constant time over the bytes that came.
//!
//! **Source:** Standard Webhooks 1.0.0, <https://www.standardwebhooks.com>; GitHub, "Validating webhook deliveries";
//! Stripe, "Verify webhook signatures manually"; Slack, "Verifying requests from Slack"; GitLab, "Webhooks", secret
//! token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use roost_domain::secret::Secret;
use roost_ports::store::MessageHash;
use sha2::{Digest as _, Sha256};

use super::HookRequest;

/// How far a signed time may be from ours.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The most signatures of one message that are looked at: senders give a few while they change their secret.
const SIGNATURES_MAX: usize = 10;

/// What a message is known by when it comes again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// The id that its sender gave it.
    pub(super) id: Option<MessageHash>,
    /// Its signature, where neither an id nor a time is signed: whoever has seen the message once could send it again
    /// at any time and under any id.
    pub(super) signature: Option<MessageHash>,
}

/// Why a message is not taken for its sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsigned {
    /// Nothing vouches for it.
    #[error(
        "the request is not signed; sign it with the trigger's secret as Standard Webhooks, GitHub, Stripe or Slack do, \
         or send the secret itself in the header X-Webhook-Secret"
    )]
    Missing,
    /// What vouches for it is wrong.
    #[error(
        "the signature does not match; it is made over the body byte for byte, with the trigger's secret"
    )]
    Wrong,
    /// It is too old, or from the future.
    #[error(
        "the signed time is more than five minutes from this server's; sign it anew, and check both clocks"
    )]
    Stale,
}

/// One way to sign: which headers, over what.
struct Claim<'r> {
    /// What the sender says that signing came to, at most [`SIGNATURES_MAX`]; any of them is enough.
    signatures: Vec<Vec<u8>>,
    /// What is signed, in parts.
    signed: Vec<&'r [u8]>,
    /// When, where that is signed too.
    at: Option<&'r str>,
    /// Makes the key out of the secret's text.
    key: fn(&str) -> Vec<u8>,
    names: Names,
}

/// Checks that a message is signed with one of the secrets, and returns what it is known by.
pub(super) fn verify(request: &HookRequest, secrets: &[Secret], now: Timestamp) -> Result<Names, Unsigned> {
    let claims = [standard(request), github(request), stripe(request), slack(request)];
    let mut problem = Unsigned::Missing;
    for claim in claims.into_iter().flatten() {
        match claim.check(secrets, now) {
            Ok(()) => return Ok(claim.names),
            Err(unsigned) => problem = unsigned,
        }
    }
    for given in shared(request) {
        if secrets.iter().any(|secret| is_same(given, secret.expose())) {
            return Ok(unsigned_names(request));
        }
        problem = Unsigned::Wrong;
    }
    Err(problem)
}

/// Returns what a message is known by that nobody vouches for: the id that its sender gave it, if any.
pub(super) fn unsigned_names(request: &HookRequest) -> Names {
    const IDS: [&str; 5] =
        ["webhook-id", "svix-id", "idempotency-key", "x-github-delivery", "x-gitlab-event-uuid"];
    let given = IDS.iter().find_map(|name| Some((name, request.header(name)?)));
    Names { id: given.map(|(name, id)| name_of(&[name.as_bytes(), id.as_bytes()])), signature: None }
}

impl Claim<'_> {
    fn check(&self, secrets: &[Secret], now: Timestamp) -> Result<(), Unsigned> {
        // What is signed may be long, and what signatures are claimed is up to the sender: the work must not be.
        let is_right = !self.signatures.is_empty()
            && secrets.iter().any(|secret| {
                let signed = mac(&(self.key)(secret.expose()), &self.signed);
                self.signatures.iter().any(|signature| signed.clone().verify_slice(signature).is_ok())
            });
        if !is_right {
            return Err(Unsigned::Wrong);
        }
        let Some(at) = self.at else { return Ok(()) };
        let at = at.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        // What is too far from any calendar is stale too.
        if at.is_some_and(|at| now.duration_since(at).abs() <= TOLERANCE) {
            Ok(())
        } else {
            Err(Unsigned::Stale)
        }
    }
}

/// `webhook-signature: v1,<base64> v1,<base64>` over `id.time.body`; Svix calls its headers after itself.
fn standard(request: &HookRequest) -> Option<Claim<'_>> {
    let header = |name: &str| {
        request.header(&format!("webhook-{name}")).or_else(|| request.header(&format!("svix-{name}")))
    };
    let (id, at, signatures) = (header("id")?, header("timestamp")?, header("signature")?);
    let decode = |one: &str| STANDARD.decode(one.strip_prefix("v1,")?).ok();
    Some(Claim {
        signatures: claimed(signatures.split(' ').filter_map(decode)),
        signed: vec![id.as_bytes(), b".", at.as_bytes(), b".", &request.body],
        at: Some(at),
        key: |secret| {
            let base64 = secret.strip_prefix("whsec_").unwrap_or(secret);
            STANDARD.decode(base64).unwrap_or_else(|_| secret.as_bytes().to_vec())
        },
        names: Names { id: Some(name_of(&[b"webhook-id", id.as_bytes()])), signature: None },
    })
}

/// `X-Hub-Signature-256: sha256=<hex>` over the body. What GitHub calls the delivery is not signed, so that whoever has
/// seen a message could send it again under another name: it is known by its signature too.
fn github(request: &HookRequest) -> Option<Claim<'_>> {
    let signature = unhex(request.header("x-hub-signature-256")?.strip_prefix("sha256=")?)?;
    let names =
        Names { signature: Some(name_of(&[b"x-hub-signature-256", &signature])), ..unsigned_names(request) };
    Some(Claim {
        signatures: claimed([signature]),
        signed: vec![&request.body],
        at: None,
        key: |secret| secret.as_bytes().to_vec(),
        names,
    })
}

/// `Stripe-Signature: t=<time>,v1=<hex>,v1=<hex>` over `time.body`. A message that is sent again is signed anew, and has
/// the id of its event.
fn stripe(request: &HookRequest) -> Option<Claim<'_>> {
    let parts = || request.header("stripe-signature").into_iter().flat_map(|header| header.split(','));
    let at = parts().find_map(|part| part.trim().strip_prefix("t="))?;
    Some(Claim {
        signatures: claimed(parts().filter_map(|part| unhex(part.trim().strip_prefix("v1=")?))),
        signed: vec![at.as_bytes(), b".", &request.body],
        at: Some(at),
        key: |secret| secret.as_bytes().to_vec(),
        names: Names { id: Some(event_name(request, b"stripe-signature", "id", at)), signature: None },
    })
}

/// `X-Slack-Signature: v0=<hex>` over `v0:time:body`.
fn slack(request: &HookRequest) -> Option<Claim<'_>> {
    let at = request.header("x-slack-request-timestamp")?;
    Some(Claim {
        signatures: claimed([unhex(request.header("x-slack-signature")?.strip_prefix("v0=")?)?]),
        signed: vec![b"v0:", at.as_bytes(), b":", &request.body],
        at: Some(at),
        key: |secret| secret.as_bytes().to_vec(),
        names: Names { id: Some(event_name(request, b"x-slack-signature", "event_id", at)), signature: None },
    })
}

/// Takes those signatures that can be right at all, and no more than are looked at.
fn claimed(signatures: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let is_whole = |signature: &Vec<u8>| signature.len() == Sha256::output_size();
    signatures.into_iter().filter(is_whole).take(SIGNATURES_MAX).collect()
}

/// Returns the secrets that a request shows instead of signing with them.
fn shared(request: &HookRequest) -> impl Iterator<Item = &str> {
    let bearer = request.header("authorization").and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    [request.header("x-webhook-secret"), request.header("x-gitlab-token"), bearer].into_iter().flatten()
}

/// Names a message by the id that its body gives to what happened, else by all that was signed.
fn event_name(request: &HookRequest, scheme: &[u8], field: &str, at: &str) -> MessageHash {
    let json = request.json();
    match json.as_ref().and_then(|json| json.get(field)?.as_str()) {
        Some(id) => name_of(&[scheme, field.as_bytes(), id.as_bytes()]),
        None => name_of(&[scheme, at.as_bytes(), &request.body]),
    }
}

/// Hashes parts so that no two lists of parts come to the same.
fn name_of(parts: &[&[u8]]) -> MessageHash {
    let hash = parts.iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
    });
    MessageHash(hash.finalize().into())
}

/// Compares two texts in a time that tells nothing of where they differ.
pub(super) fn is_same(given: &str, secret: &str) -> bool {
    let wanted = mac(secret.as_bytes(), &[secret.as_bytes()]).finalize().into_bytes();
    mac(secret.as_bytes(), &[given.as_bytes()]).verify_slice(&wanted).is_ok()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().fold(mac, |mac, part| mac.chain_update(part))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests;
