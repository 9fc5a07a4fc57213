use std::sync::atomic::{AtomicU8, Ordering};

use uuid::Uuid;

use super::*;

struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

const PLACE: &str = "agent/1/TOKEN";

fn vault(master: u8) -> SealedVault {
    let random = Arc::new(Counting(AtomicU8::new(master)));
    SealedVault::new(MasterKey::generate(&*random), random)
}

fn account(number: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(number))
}

fn opened(
    vault: &SealedVault,
    account: AccountId,
    place: &str,
    sealed: &Sealed,
) -> Result<String, Unreadable> {
    vault.open(account, place, sealed).map(|secret| secret.expose().to_owned())
}

#[test]
fn a_secret_opens_where_it_was_sealed_and_nowhere_else() {
    let sealed = vault(1).seal(account(1), PLACE, &Secret::new("hunter2"));
    assert_eq!(opened(&vault(1), account(1), PLACE, &sealed), Ok("hunter2".to_owned()));
    let unreadable = |place: &str| Err(Unreadable { place: place.to_owned() });
    assert_eq!(opened(&vault(1), account(2), PLACE, &sealed), unreadable(PLACE));
    assert_eq!(opened(&vault(1), account(1), "agent/2/TOKEN", &sealed), unreadable("agent/2/TOKEN"));
    assert_eq!(opened(&vault(9), account(1), PLACE, &sealed), unreadable(PLACE));
}

#[test]
fn any_change_to_what_is_sealed_is_noticed() {
    let vault = vault(1);
    let sealed = vault.seal(account(1), PLACE, &Secret::new("hunter2"));
    for index in 0..sealed.0.len() {
        let mut changed = sealed.clone();
        changed.0[index] ^= 1;
        assert!(vault.open(account(1), PLACE, &changed).is_err(), "byte {index}");
        assert!(
            vault.open(account(1), PLACE, &Sealed(sealed.0[..index].to_vec())).is_err(),
            "cut at {index}"
        );
    }
}

#[test]
fn the_same_secret_is_sealed_differently_each_time() {
    let vault = vault(1);
    let secret = Secret::new("hunter2");
    let (one, two) = (vault.seal(account(1), PLACE, &secret), vault.seal(account(1), PLACE, &secret));
    assert_ne!(one.0[1..25], two.0[1..25], "the nonce");
    assert_ne!(one.0[25..], two.0[25..], "the ciphertext");
    assert!(!one.0.windows(7).any(|window| window == b"hunter2"));
}

#[test]
fn key_hashes_depend_on_the_key_and_the_pepper_only() {
    let hash = |master, key: &str| vault(master).key_hash(&Secret::new(key));
    assert_eq!(hash(1, "roost_live_a"), hash(1, "roost_live_a"));
    assert_ne!(hash(1, "roost_live_a"), hash(1, "roost_live_b"));
    assert_ne!(hash(1, "roost_live_a"), hash(2, "roost_live_a"));
}

/// What was sealed and hashed once must be readable for ever: these bytes were computed with another
/// implementation of the same algorithms.
#[test]
fn what_was_sealed_and_hashed_stays_readable() {
    let sealed = vault(1).seal(account(1), PLACE, &Secret::new("hunter2"));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&sealed.0), SEALED);
    assert_eq!(hex(&vault(1).key_hash(&Secret::new("roost_live_a")).0), HASHED);
}

const SEALED: &str = concat!(
    "01020202020202020202020202020202020202020202020202",
    "c29bfee64a1f7111852f569fd053c766d3bb2c2006eec5"
);
const HASHED: &str = "c4c7aea7a1e9ec6f1184a4fbda9982f38e28783cf84bfeb472ee50d44088da08";

#[test]
fn a_vault_never_shows_its_keys() {
    assert_eq!(format!("{:?}", vault(1)), "SealedVault(…)");
}
