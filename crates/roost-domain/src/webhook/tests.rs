use uuid::Uuid;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn delivery() -> Delivery {
    Delivery {
        id: DeliveryId::from_uuid(Uuid::from_u128(1)),
        account: AccountId::from_uuid(Uuid::from_u128(2)),
        endpoint: EndpointId::from_uuid(Uuid::from_u128(3)),
        kind: "approval.requested".to_owned(),
        payload: "{}".to_owned(),
        status: Status::Pending,
        attempts: 1,
        next_at: Some(at(0)),
        last_status: None,
        last_error: None,
        created_at: at(0),
        delivered_at: None,
    }
}

fn endpoint(kinds: &[&str]) -> Endpoint {
    Endpoint {
        id: delivery().endpoint,
        account: delivery().account,
        url: "https://example.com/hook".to_owned(),
        kinds: kinds.iter().map(|kind| kind.parse().unwrap()).collect(),
        description: String::new(),
        created_at: at(0),
        disabled_at: None,
    }
}

fn answered(status: u16) -> Outcome {
    Outcome::Answered { status, retry_after: None }
}

#[test]
fn an_endpoint_wants_what_its_patterns_mean() {
    assert!(endpoint(&[]).wants("gate.blocked"), "none is all");
    assert!(endpoint(&["approval.*"]).wants("approval.denied"));
    assert!(!endpoint(&["approval.*"]).wants("gate.blocked"));
    assert!(!endpoint(&["approval.*"]).wants("approvals.denied"));
    assert!(endpoint(&["approval.denied", "gate.blocked"]).wants("gate.blocked"));
    assert!(!endpoint(&["approval.denied"]).wants("approval.denied_twice"));
    assert!(!Endpoint { disabled_at: Some(at(1)), ..endpoint(&[]) }.wants("gate.blocked"));
}

#[test]
fn patterns_are_words_with_dots() {
    for text in
        ["", "*", ".", "approval.", ".*", "Approval.*", "approval.*.x", "approval*", "a b", &"a".repeat(101)]
    {
        assert!(text.parse::<KindPattern>().is_err(), "{text:?}");
    }
    let known = |text: &str| text.parse::<KindPattern>().unwrap().is_known();
    assert!(known("gate.*") && known("approval.voted"));
    assert!(!known("approval.lost") && !known("gates.*"));
    assert!(KINDS.is_sorted());
}

#[test]
fn an_answer_of_the_two_hundreds_ends_it_well() {
    for status in [200, 204, 299] {
        let done = delivery().tried(&answered(status), at(9));
        assert_eq!((done.status, done.next_at, done.delivered_at), (Status::Delivered, None, Some(at(9))));
        assert_eq!((done.last_status, done.last_error), (Some(status), None));
    }
}

#[test]
fn it_is_tried_again_for_a_day_and_then_given_up() {
    let (mut one, mut now, mut tries) = (delivery(), at(0), 1);
    loop {
        one = one.tried(&answered(500), now);
        let Some(next) = one.next_at else { break };
        assert!(next > now && one.status == Status::Pending);
        now = next;
        one.attempts += 1;
        tries += 1;
    }
    assert_eq!((tries, one.status), (11, Status::Failed));
    assert_eq!(one.last_error.as_deref(), Some("the endpoint answered 500"));
    let hours = now.as_second() / 3_600;
    assert!((23..24).contains(&hours), "{hours} hours");
}

#[test]
fn an_endpoint_can_put_off_the_next_try_and_not_for_ever() {
    let busy = |seconds| {
        let retry_after = Some(Duration::from_secs(seconds));
        delivery().tried(&Outcome::Answered { status: 503, retry_after }, at(0)).next_at
    };
    assert_eq!(busy(1), Some(at(5)));
    assert_eq!(busy(60), Some(at(60)));
    assert_eq!(busy(u64::MAX), Some(at(36_000)));
}

#[test]
fn redirects_and_silence_are_failures_and_gone_is_the_end() {
    let redirected = delivery().tried(&answered(302), at(0));
    assert_eq!(
        redirected.last_error.as_deref(),
        Some("the endpoint answered 302; redirects are not followed")
    );
    assert_eq!(redirected.status, Status::Pending);
    let silent = delivery().tried(&Outcome::NoAnswer("nobody there".to_owned()), at(0));
    assert_eq!((silent.last_status, silent.last_error.as_deref()), (None, Some("nobody there")));
    assert_eq!(delivery().tried(&answered(410), at(0)).status, Status::Failed);
}

#[test]
fn it_begins_anew_when_it_is_asked_for_again() {
    let failed = Delivery { attempts: 11, ..delivery() }.tried(&answered(500), at(1));
    assert_eq!(failed.status, Status::Failed);
    let again = failed.again(at(7));
    assert_eq!((again.status, again.attempts, again.next_at), (Status::Pending, 0, Some(at(7))));
}
