use proptest::prelude::*;
use roost_domain::id::KeyId;

use super::*;

fn key(n: u8) -> KeyId {
    format!("key_{n:032x}").parse().unwrap()
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(1_700_000_000_000_000 + micros).unwrap()
}

fn limiter(requests: u32, window_micros: u64) -> Limiter {
    Limiter::new(Limits {
        requests: NonZeroU32::new(requests).unwrap(),
        window: Duration::from_micros(window_micros),
    })
}

#[test]
fn a_full_window_tells_how_long_to_wait_and_opens_when_the_oldest_request_leaves() {
    let limiter = limiter(2, 60_000_000);
    assert_eq!(limiter.take(key(1), at(0)).remaining, 1);
    assert_eq!(limiter.take(key(1), at(20_000_000)).remaining, 0);
    let refused = limiter.take(key(1), at(30_000_000));
    assert_eq!(refused.wait, Some(Duration::from_secs(30)));
    assert_eq!(refused.reset_at, at(60_000_000));
    assert_eq!(limiter.take(key(1), at(59_999_999)).wait, Some(Duration::from_micros(1)));
    let let_through = limiter.take(key(1), at(60_000_000));
    assert_eq!((let_through.wait, let_through.remaining), (None, 0));
    assert_eq!(let_through.reset_at, at(80_000_000));
}

#[test]
fn keys_do_not_share_a_window() {
    let limiter = limiter(1, 1_000);
    assert_eq!(limiter.take(key(1), at(0)).wait, None);
    assert_eq!(limiter.take(key(2), at(0)).wait, None);
    assert!(limiter.take(key(1), at(1)).wait.is_some());
}

#[test]
fn silent_keys_cost_nothing() {
    let limiter = limiter(5, 1_000);
    for n in 0..200 {
        limiter.take(key(n), at(i64::from(n)));
    }
    limiter.take(key(201), at(10_000));
    assert_eq!(limiter.keys(), 1);
}

#[test]
fn time_that_seems_to_go_backwards_between_threads_opens_no_window() {
    let limiter = limiter(2, 1_000);
    limiter.take(key(1), at(900));
    limiter.take(key(1), at(100));
    assert!(limiter.take(key(1), at(1_200)).wait.is_some());
}

proptest! {
    /// Against the definition: a request passes if fewer than `limit` that passed lie in the window before it.
    #[test]
    fn it_agrees_with_the_definition(
        limit in 1_u32..6,
        window in 1_i64..200,
        steps in prop::collection::vec((0_u8..3, 0_i64..60), 1..200),
    ) {
        let limiter = limiter(limit, u64::try_from(window).unwrap());
        let mut passed: Vec<(u8, i64)> = Vec::new();
        let mut now = 0;
        for (who, step) in steps {
            now += step;
            let standing = limiter.take(key(who), at(now));
            let counting = |passed: &[(u8, i64)]| -> Vec<i64> {
                passed.iter().filter(|(by, then)| *by == who && *then > now - window).map(|(_, then)| *then).collect()
            };
            let before = counting(&passed);
            let passes = before.len() < limit as usize;
            if passes {
                passed.push((who, now));
            }
            let after = counting(&passed);
            prop_assert_eq!(standing.wait.is_none(), passes);
            prop_assert_eq!(standing.remaining as usize, limit as usize - after.len());
            prop_assert_eq!(standing.reset_at, at(after[0] + window));
            if let Some(wait) = standing.wait {
                prop_assert_eq!(i64::try_from(wait.as_micros()).unwrap(), before[0] + window - now);
            }
        }
    }
}
