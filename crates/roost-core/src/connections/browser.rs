//! The browser in which a person follows a link is the one that the service's answer has to come from. Else whoever has
//! a link could begin, and have somebody else say yes for an agent that is not theirs.
//!
//! **Source:** RFC 6749, 10.12; RFC 9700, 4.7.

use sha2::{Digest as _, Sha256};

/// How the states begin whose answers have to come from the browser that began. A state counts as a whole, so that
/// nobody takes this off.
const BOUND: &str = "b.";

/// What the browser keeps until the service's answer comes: a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The cookie's name, one for each beginning: a person may have several services open.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Whether it is for https alone.
    pub secure: bool,
}

impl Proof {
    fn of(state: &str, secure: bool) -> Self {
        let hash = |purpose: &str| -> String {
            let digest = Sha256::digest(format!("{purpose}\n{state}").as_bytes());
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let mut name = hash("roost oauth cookie name 1");
        name.truncate(16);
        Self { name: format!("roost_oauth_{name}"), value: hash("roost oauth cookie 1"), secure }
    }

    /// Tells whether a `Cookie` header has it.
    fn is_in(&self, cookies: &str) -> bool {
        cookies.split(';').filter_map(|pair| pair.trim().split_once('=')).any(|(name, value)| {
            // Whoever does not know the state does not know the name either, so that time tells nothing.
            name == self.name && value == self.value
        })
    }
}

pub(super) fn bound_state(random: &str) -> String {
    format!("{BOUND}{random}")
}

/// Tells whether somebody began with this state in a browser, by a link.
pub(super) fn is_bound(state: &str) -> bool {
    state.starts_with(BOUND)
}

/// Returns what the browser keeps of a beginning; `public_url` is where it reaches this server.
pub(super) fn proof_of(state: &str, public_url: &str) -> Proof {
    Proof::of(state, public_url.starts_with("https://"))
}

/// Tells whether an answer comes from the browser that it has to come from.
pub(super) fn is_theirs(state: &str, cookies: &str) -> bool {
    !is_bound(state) || Proof::of(state, false).is_in(cookies)
}
