use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::testing::Counting;

fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
    list.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

#[test]
fn retry_after_is_read_in_every_documented_form() {
    let secs = |seconds| Some(Duration::from_secs(seconds));
    let date = ("date", "Sun, 06 Nov 1994 08:49:00 GMT");
    for (list, expected) in [
        (vec![("retry-after", "7")], secs(7)),
        (vec![("retry-after", "0")], secs(0)),
        (vec![("retry-after", "1.5")], Some(Duration::from_millis(1_500))),
        (vec![("retry-after-ms", "250"), ("retry-after", "9")], Some(Duration::from_millis(250))),
        (vec![("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), date], secs(37)),
        (vec![("retry-after", "Sun, 06 Nov 1994 08:48:37 GMT"), date], secs(0)),
        (vec![("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], None),
        (vec![("retry-after", "-3")], None),
        (vec![("retry-after", "soon")], None),
        (vec![], None),
    ] {
        assert_eq!(wait(&headers(&list)), expected, "{list:?}");
    }
}

fn failure(passing: bool, wait: Option<Duration>) -> Failure {
    Failure { error: Error::Broken { provider: "p".into() }, passing, wait }
}

async fn tries(retries: Retries, passing: bool, wait: Option<Duration>) -> (u32, Duration) {
    let tries = AtomicU32::new(0);
    let begun = tokio::time::Instant::now();
    let outcome: Result<(), Error> = with_retries(retries, &Counting::default(), || {
        tries.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Err(failure(passing, wait))))
    })
    .await;
    assert!(outcome.is_err());
    (tries.load(Ordering::Relaxed), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn waits_double_and_end_after_the_last_try() {
    let retries = Retries { max_attempts: 4, ..Retries::default() };
    let (tries, waited) = tries(retries, true, None).await;
    assert_eq!(tries, 4);
    // 0.5 + 1 + 2 s, each shortened by at most a quarter.
    assert!((2_600..=3_500).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_stays_is_tried_once() {
    assert_eq!(tries(Retries::default(), false, None).await.0, 1);
    assert_eq!(tries(Retries { max_attempts: 0, ..Retries::default() }, true, None).await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_asked_for_is_kept_and_one_that_is_too_long_ends_the_call() {
    let (count, waited) = tries(Retries::default(), true, Some(Duration::from_secs(60))).await;
    assert_eq!((count, waited.as_secs()), (4, 180));
    let (count, waited) = tries(Retries::default(), true, Some(Duration::from_secs(61))).await;
    assert_eq!((count, waited), (1, Duration::ZERO));
}
