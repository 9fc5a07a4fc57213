use super::*;
use crate::effect::{Action, Cause};

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
    }
}

fn pending() -> Approval {
    let id = uuid::Uuid::from_u128(7);
    Approval {
        id: ApprovalId::from_uuid(id),
        account: AccountId::from_uuid(id),
        agent: AgentId::from_uuid(id),
        session: SessionId::from_uuid(id),
        turn: TurnId::from_uuid(id),
        call: None,
        question: Question::MayAct,
        summary: "run".into(),
        reason: "strict".into(),
        effect: effect("ls").hash(),
        status: Status::Pending,
        requested_at: NOW,
        expires_at: LATE,
        decided_at: None,
        decided_by: None,
        note: None,
    }
}

#[test]
fn a_yes_permits_exactly_the_effect_it_was_given_for() {
    let approved = pending().decide(Verdict::Approved, Some("ann".into()), None, NOW).unwrap();
    assert_eq!(approved.permit(&effect("ls")).unwrap().hash(), effect("ls").hash());
    assert_eq!(approved.permit(&effect("rm -rf .")).unwrap_err(), NotPermitted::OtherEffect);
}

#[test]
fn nothing_but_a_yes_permits() {
    assert_eq!(pending().permit(&effect("ls")).unwrap_err(), NotPermitted::NotApproved(Status::Pending));
    for verdict in [Verdict::Denied, Verdict::Expired, Verdict::Withdrawn] {
        let decided = pending().decide(verdict, None, None, NOW).unwrap();
        assert_eq!(decided.permit(&effect("ls")).unwrap_err(), NotPermitted::NotApproved(verdict.status()));
    }
}

#[test]
fn a_decision_is_final_and_cannot_come_late() {
    let denied = pending().decide(Verdict::Denied, None, None, NOW).unwrap();
    assert_eq!(
        denied.decide(Verdict::Approved, None, None, NOW).unwrap_err(),
        CannotDecide::Already(Status::Denied)
    );
    assert_eq!(
        pending().decide(Verdict::Approved, None, None, LATE).unwrap_err(),
        CannotDecide::TooLate(LATE)
    );
    assert_eq!(pending().decide(Verdict::Expired, None, None, LATE).unwrap().status, Status::Expired);
}
