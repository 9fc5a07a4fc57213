use serde_json::json;

use super::*;
use crate::effect::{Action, Cause};
use crate::scan::Severity;

const NOW: Timestamp = Timestamp::constant(1_000, 0);
const LATE: Timestamp = Timestamp::constant(2_000, 0);

fn effect(command: &str) -> Effect {
    let id = uuid::Uuid::from_u128(7);
    Effect {
        agent: AgentId::from_uuid(id),
        session: SessionId::from_uuid(id),
        turn: TurnId::from_uuid(id),
        cause: Cause::Loop,
        action: Action::RunCommand { command: command.into() },
        scripts: Vec::new(),
    }
}

fn pending() -> Approval {
    let id = uuid::Uuid::from_u128(7);
    Approval {
        id: ApprovalId::from_uuid(id),
        account: AccountId::from_uuid(id),
        subject: Subject::hosted(AgentId::from_uuid(id)),
        waiting: None,
        context: Context::default(),
        question: Question::MayAct,
        tool: "shell".into(),
        parameters: json!({"command": "ls"}),
        summary: "run".into(),
        reason: "strict".into(),
        risk: Risk::High,
        effect: effect("ls").hash(),
        terms: Terms {
            quorum: 1,
            ttl: Duration::from_secs(1_000),
            on_timeout: OnTimeout::Block,
            escalate_to: None,
            distinct_keys: false,
        },
        status: Status::Pending,
        requested_at: NOW,
        expires_at: LATE,
        votes: Vec::new(),
        escalated: None,
        decided_at: None,
        decided_by: None,
        note: None,
        executed_at: None,
    }
}

fn with(terms: impl FnOnce(&mut Terms)) -> Approval {
    let mut approval = pending();
    terms(&mut approval.terms);
    approval
}

fn yes(approval: Approval, by: &str) -> Result<Approval, CannotDecide> {
    approval.approve(vote(by, "key", NOW), None)
}

fn vote(by: &str, key: &str, at: Timestamp) -> Vote {
    Vote { by: by.into(), key: key.into(), at }
}

#[test]
fn a_yes_permits_exactly_the_effect_it_was_given_for() {
    let approved = yes(pending(), "ann").unwrap();
    assert_eq!(approved.permit(&effect("ls")).unwrap().hash(), effect("ls").hash());
    assert_eq!(approved.permit(&effect("rm -rf .")).unwrap_err(), NotPermitted::OtherEffect);
    let mut changed = effect("ls");
    changed.scripts.push(crate::effect::Script { path: "a.py".into(), sha256: [1; 32] });
    assert_eq!(approved.permit(&changed).unwrap_err(), NotPermitted::OtherEffect);
}

#[test]
fn nothing_but_a_yes_permits() {
    let not = |approval: Approval| approval.permit(&effect("ls")).unwrap_err();
    assert_eq!(not(pending()), NotPermitted::NotApproved(Status::Pending));
    assert_eq!(
        not(pending().deny("ann".into(), None, NOW).unwrap()),
        NotPermitted::NotApproved(Status::Denied)
    );
    assert_eq!(not(pending().run_out(LATE).unwrap()), NotPermitted::NotApproved(Status::Expired));
    assert_eq!(not(pending().withdraw(NOW).unwrap()), NotPermitted::NotApproved(Status::Withdrawn));
}

#[test]
fn a_decision_is_final_and_cannot_come_late() {
    let denied = pending().deny("ann".into(), None, NOW).unwrap();
    assert_eq!(yes(denied.clone(), "bob").unwrap_err(), CannotDecide::Already(Status::Denied));
    assert_eq!(denied.clone().run_out(LATE).unwrap_err(), CannotDecide::Already(Status::Denied));
    assert_eq!(denied.withdraw(LATE).unwrap_err(), CannotDecide::Already(Status::Denied));
    for late in [
        pending().approve(vote("ann", "key", LATE), None),
        pending().deny("ann".into(), None, LATE),
        pending().escalate("ann".into(), None, LATE),
    ] {
        assert_eq!(late.unwrap_err(), CannotDecide::TooLate(LATE));
    }
}

#[test]
fn a_quorum_needs_as_many_different_people_and_one_no_ends_it() {
    let approval = with(|terms| terms.quorum = 2);
    let once = yes(approval, "Ann").unwrap();
    assert_eq!((once.status, once.votes.len()), (Status::Pending, 1));
    assert_eq!(yes(once.clone(), " ann ").unwrap_err(), CannotDecide::SameAgain(" ann ".into()));
    let twice = yes(once.clone(), "Bob").unwrap();
    assert_eq!((twice.status, twice.decided_by.as_deref()), (Status::Approved, Some("Ann, Bob")));
    assert_eq!(once.deny("Bob".into(), None, NOW).unwrap().status, Status::Denied);
}

#[test]
fn what_is_passed_on_to_somebody_only_they_can_approve() {
    let passed_on = pending().escalate("ann".into(), Some("Cleo".into()), NOW).unwrap();
    assert_eq!(passed_on.expires_at, LATE);
    assert_eq!(yes(passed_on.clone(), "ann").unwrap_err(), CannotDecide::NotYours("Cleo".into()));
    assert_eq!(yes(passed_on.clone(), "cleo").unwrap().status, Status::Approved);
    assert_eq!(passed_on.escalate("cleo".into(), None, NOW).unwrap_err(), CannotDecide::Escalated);
}

#[test]
fn what_is_passed_on_to_anybody_needs_somebody_else() {
    let passed_on = pending().escalate("ann".into(), None, NOW).unwrap();
    assert_eq!(yes(passed_on.clone(), "Ann").unwrap_err(), CannotDecide::SameAgain("Ann".into()));
    assert_eq!(yes(passed_on, "bob").unwrap().status, Status::Approved);
}

#[test]
fn when_time_runs_out_the_terms_decide() {
    let expired = pending().run_out(LATE).unwrap();
    assert_eq!((expired.status, expired.decided_by), (Status::Expired, None));
    let allowed = with(|terms| terms.on_timeout = OnTimeout::Allow).run_out(LATE).unwrap();
    assert_eq!(allowed.status, Status::Approved);
    assert_eq!(allowed.decided_by.as_deref(), Some("policy (on_timeout: allow)"));
    let escalated = with(|terms| {
        terms.on_timeout = OnTimeout::Escalate;
        terms.escalate_to = Some("cleo".into());
    })
    .run_out(LATE)
    .unwrap();
    assert_eq!((escalated.status, escalated.expires_at.as_second()), (Status::Pending, 3_000));
    assert_eq!(yes(escalated.clone(), "ann").unwrap_err(), CannotDecide::NotYours("cleo".into()));
    assert_eq!(escalated.run_out(Timestamp::constant(3_000, 0)).unwrap().status, Status::Expired);
}

#[test]
fn the_risk_is_what_the_act_does_raised_by_taint_and_findings() {
    let read = Action::ReadFiles { path: "a".into() };
    let command = Action::RunCommand { command: "ls".into() };
    assert_eq!(assess(Some(&read), "read_file", false, None), Risk::Low);
    assert_eq!(assess(Some(&read), "read_file", true, None), Risk::Medium);
    assert_eq!(assess(Some(&command), "shell", false, None), Risk::High);
    assert_eq!(assess(Some(&command), "shell", true, None), Risk::Critical);
    assert_eq!(assess(Some(&command), "shell", false, Some(Severity::Critical)), Risk::Critical);
    assert_eq!(assess(Some(&command), "shell", false, Some(Severity::Low)), Risk::High);
    for (tool, risk) in [
        ("get_weather", Risk::Low),
        ("sendgrid_fetch", Risk::Low),
        ("update-record", Risk::Medium),
        ("ponder", Risk::Medium),
        ("send_email", Risk::High),
        ("list_and_delete", Risk::High),
    ] {
        assert_eq!(assess(None, tool, false, None), risk, "{tool}");
    }
}

#[test]
fn nobody_names_themselves_out_of_a_quorum() {
    let approval = with(|terms| terms.quorum = 3);
    let passed_on = approval.clone().escalate("ann".into(), Some("bob".into()), NOW).unwrap();
    let once = yes(passed_on, "bob").unwrap();
    assert_eq!(once.status, Status::Pending);
    let twice = yes(once, "cleo").unwrap();
    assert_eq!(yes(twice, "dan").unwrap().status, Status::Approved);
    let without_bob = approval.clone().escalate("ann".into(), Some("bob".into()), NOW).unwrap();
    let without_bob = ["cleo", "dan", "eve"].into_iter().try_fold(without_bob, yes).unwrap();
    assert_eq!(without_bob.status, Status::Pending, "it is not complete without whom it was passed on to");
    let voted = yes(approval, "bob").unwrap();
    assert_eq!(
        voted.escalate("ann".into(), Some("Bob".into()), NOW).unwrap_err(),
        CannotDecide::SameAgain("Bob".into())
    );
}

#[test]
fn where_it_takes_different_keys_another_name_is_not_enough() {
    let approval = with(|terms| (terms.quorum, terms.distinct_keys) = (2, true));
    let once = approval.approve(vote("ann", "one", NOW), None).unwrap();
    assert_eq!(once.clone().approve(vote("bob", "one", NOW), None).unwrap_err(), CannotDecide::SameKey);
    assert_eq!(once.approve(vote("bob", "two", NOW), None).unwrap().status, Status::Approved);
}
