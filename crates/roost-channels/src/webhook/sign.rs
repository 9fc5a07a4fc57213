//! Signatures: `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use roost_domain::secret::Secret;
use sha2::Sha256;

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// Returns the header `webhook-signature`: a signature for each secret, with spaces between them. `None` if one of the
/// secrets is none.
pub(super) fn signatures(secrets: &[Secret], id: &str, timestamp: &str, body: &str) -> Option<String> {
    let signed: Option<Vec<_>> =
        secrets.iter().map(|secret| signature(secret, id, timestamp, body)).collect();
    signed.filter(|signed| !signed.is_empty()).map(|signed| signed.join(" "))
}

fn signature(secret: &Secret, id: &str, timestamp: &str, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.expose().strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    for part in [id, ".", timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example that the Standard Webhooks libraries are tested with.
    #[test]
    fn the_known_signature_comes_out() {
        let sign = |secret: &str| {
            let secrets = [Secret::new(secret)];
            signatures(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}")
        };
        assert_eq!(sign(KEY).as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        for wrong in ["", "whsec_*", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert_eq!(sign(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn each_secret_signs() {
        let secrets = [Secret::new("whsec_AAAA"), Secret::new(KEY)];
        let both = signatures(&secrets, "msg_1", "1", "{}").unwrap();
        let (one, other) = both.split_once(' ').unwrap();
        assert!(one.starts_with("v1,") && other.starts_with("v1,") && one != other, "{both}");
        assert_eq!(signatures(&[], "msg_1", "1", "{}"), None);
    }
}
