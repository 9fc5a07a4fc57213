use super::*;

#[test]
fn every_kind_has_its_status() {
    let table = [
        (Kind::InvalidInput, 400),
        (Kind::NotFound, 404),
        (Kind::AlreadyExists, 409),
        (Kind::Conflict, 409),
        (Kind::InvalidState, 409),
        (Kind::Unauthenticated, 401),
        (Kind::Forbidden, 403),
        (Kind::ApprovalRequired, 403),
        (Kind::QuotaExceeded, 403),
        (Kind::RateLimited, 429),
        (Kind::Unavailable, 503),
        (Kind::Timeout, 504),
        (Kind::Cancelled, 409),
        (Kind::Internal, 500),
    ];
    for (kind, expected) in table {
        let failure = Failure::from(Error::new(kind, "some_code", "some text"));
        assert_eq!(failure.status().as_u16(), expected, "{kind:?}");
        assert_eq!((failure.code(), failure.message()), ("some_code", "some text"));
    }
}

#[test]
fn waiting_times_are_whole_seconds_rounded_up_and_every_429_has_one() {
    let limited = |after: Option<u64>| {
        let error = Error::new(Kind::RateLimited, "rate_limited", "slow down");
        let error = match after {
            Some(millis) => error.retry_after(Duration::from_millis(millis)),
            None => error,
        };
        Failure::from(error).retry_after_seconds()
    };
    assert_eq!(limited(None), Some(1));
    assert_eq!(limited(Some(0)), Some(1));
    assert_eq!(limited(Some(1_000)), Some(1));
    assert_eq!(limited(Some(1_001)), Some(2));
    assert_eq!(Failure::from(Error::internal("x")).retry_after_seconds(), None);
}

#[test]
fn the_log_gets_the_whole_chain_and_the_caller_nothing_of_it() {
    #[derive(Debug, thiserror::Error)]
    #[error("the disk is full")]
    struct Disk;
    #[derive(Debug, thiserror::Error)]
    #[error("the page cannot be written")]
    struct Page(#[source] Disk);

    let failure = Failure::from(Error::internal(Page(Disk)));
    assert!(
        failure.causes().ends_with("the page cannot be written: the disk is full"),
        "{}",
        failure.causes()
    );
    assert!(!failure.message().contains("disk"));
}
