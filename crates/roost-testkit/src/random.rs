use std::sync::Mutex;

use roost_ports::random::Random;

/// Chance that repeats itself: the same seed gives the same bytes, so that snapshots hold.
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// Begins at a seed.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().expect("no test panics in here");
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: small, and good enough to tell ids apart.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}
