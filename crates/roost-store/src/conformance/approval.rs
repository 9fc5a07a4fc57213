use std::time::Duration;

use roost_domain::approval::{Act, Approval, Context, Entry, Question, Risk, Status, Terms, Vote, Waiting};
use roost_domain::effect::EffectHash;
use roost_domain::id::ApprovalId;
use roost_domain::page::Limit;
use roost_domain::policy::OnTimeout;
use roost_domain::subject::Subject;
use roost_domain::tool::ToolCallId;
use roost_ports::store::{ApprovalFilter, EntryFilter, Turn};

use super::{Any, account, at, id, read, session, turn, world, write};

pub(crate) fn approval(number: u128, turn: &Turn) -> Approval {
    Approval {
        id: id(number),
        account: turn.account,
        subject: Subject::hosted(turn.agent),
        waiting: Some(Waiting {
            agent: turn.agent,
            session: turn.session,
            turn: turn.id,
            call: Some(ToolCallId::from_text("call_3_0")),
        }),
        context: Context { run: Some("run 1".into()), triggered_by: Some("cron".into()) },
        question: Question::MayAct,
        tool: "shell".into(),
        parameters: serde_json::json!({"command": "ls"}),
        summary: "run the command \"ls\"".into(),
        reason: "Commands need approval.".into(),
        risk: Risk::Critical,
        effect: EffectHash([7; 32]),
        terms: Terms {
            quorum: 2,
            ttl: Duration::from_secs(90),
            on_timeout: OnTimeout::Escalate,
            escalate_to: Some("cleo".into()),
            distinct_keys: true,
        },
        status: Status::Pending,
        requested_at: at(10),
        expires_at: at(100),
        votes: Vec::new(),
        escalated: None,
        decided_at: None,
        decided_by: None,
        note: None,
        executed_at: None,
    }
}

fn vote(by: &str, second: i64) -> Vote {
    Vote { by: by.into(), key: format!("key of {by}"), at: at(second) }
}

async fn with_approvals(store: &Any, approvals: impl FnOnce(&Turn) -> Vec<Approval> + Send + 'static) {
    world(store).await;
    write(store, move |writer| {
        let session = session(100, &super::agent(10, account(1).id));
        approvals(&turn(1_000, &session)).iter().try_for_each(|approval| writer.insert_approval(approval))
    })
    .await;
}

pub(crate) async fn an_approval_reads_back_as_it_was_written_and_decided(store: Any) {
    with_approvals(&store, |turn| vec![approval(1, turn)]).await;
    let (owner, other) = (account(1).id, account(2).id);
    let pending = read(&store, move |reader| reader.approval(owner, id(1))).await.unwrap();
    assert_eq!((pending.effect, pending.status), (EffectHash([7; 32]), Status::Pending));
    assert_eq!(read(&store, move |reader| reader.approval(other, id(1))).await, None);

    let voted = pending.approve(vote("ann", 15), None).unwrap();
    let passed_on = voted.escalate("ann".into(), None, at(16)).unwrap();
    let decided = passed_on.approve(vote("bob", 20), Some("well".into())).unwrap();
    assert_eq!(decided.status, Status::Approved);
    let written = decided.clone();
    write(&store, move |writer| writer.update_approval(&written)).await;
    assert_eq!(read(&store, move |reader| reader.approval(owner, id(1))).await, Some(decided.clone()));
    assert_eq!(read(&store, |reader| reader.turn_approvals(id(1_000))).await, [decided]);
}

pub(crate) async fn approvals_are_listed_newest_first_within_their_account(store: Any) {
    with_approvals(&store, |turn| {
        let mut all: Vec<_> = (1..=9)
            .map(|n| Approval { requested_at: at(i64::try_from(n).unwrap() / 2), ..approval(n, turn) })
            .collect();
        all[3].status = Status::Approved;
        all[3].question = Question::RunAgain;
        all[3].waiting = None;
        all
    })
    .await;
    let owner = account(1).id;
    let mut seen: Vec<ApprovalId> = Vec::new();
    let mut after = None;
    loop {
        let page = read(&store, move |reader| {
            reader.approvals(owner, &ApprovalFilter::default(), after, Limit::clamped(2, 2))
        })
        .await;
        assert_eq!(page.total, 9);
        seen.extend(page.rows.iter().map(|approval| approval.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=9).rev().map(id).collect::<Vec<_>>());

    let count = async |account, filter: ApprovalFilter| {
        read(&store, move |reader| reader.approvals(account, &filter, None, Limit::clamped(100, 100)))
            .await
            .rows
            .len()
    };
    assert_eq!(count(owner, ApprovalFilter { status: Some(Status::Approved), subject: None }).await, 1);
    assert_eq!(
        count(
            owner,
            ApprovalFilter { status: Some(Status::Pending), subject: Some(Subject::hosted(id(10))) }
        )
        .await,
        8
    );
    assert_eq!(
        count(owner, ApprovalFilter { status: None, subject: Some(Subject::hosted(id(11))) }).await,
        0
    );
    assert_eq!(count(account(2).id, ApprovalFilter::default()).await, 0);
}

pub(crate) async fn only_pending_approvals_are_overdue(store: Any) {
    with_approvals(&store, |turn| {
        vec![
            Approval { expires_at: at(30), ..approval(1, turn) },
            Approval { expires_at: at(20), ..approval(2, turn) },
            Approval { expires_at: at(10), status: Status::Denied, ..approval(3, turn) },
            Approval { expires_at: at(31), ..approval(4, turn) },
        ]
    })
    .await;
    let overdue = read(&store, |reader| reader.overdue_approvals(at(30), Limit::clamped(10, 10))).await;
    assert_eq!(overdue.iter().map(|approval| approval.id).collect::<Vec<_>>(), [id(2), id(1)]);
}

pub(crate) async fn the_record_of_approvals_is_listed_newest_first_by_what_is_asked_for(store: Any) {
    with_approvals(&store, |turn| vec![approval(1, turn)]).await;
    let (owner, other) = (account(1).id, account(2).id);
    write(&store, move |writer| {
        for (second, act, subject) in
            [(1, Act::Requested, "a"), (2, Act::Voted, "a"), (3, Act::Approved, "a"), (3, Act::Denied, "b")]
        {
            let entry = Entry {
                approval: id(if subject == "a" { 1 } else { 2 }),
                subject: subject.parse().expect("is a subject"),
                act,
                actor: "ann".into(),
                detail: Some("said so".into()),
                at: at(second),
            };
            writer.insert_approval_entry(owner, &entry)?;
        }
        Ok(())
    })
    .await;
    let acts = async |account, filter: EntryFilter, skip| {
        let (entries, total) =
            read(&store, move |reader| reader.approval_entries(account, &filter, skip, Limit::clamped(2, 2)))
                .await;
        (entries.into_iter().map(|entry| entry.act.name()).collect::<Vec<_>>(), total)
    };
    let all = EntryFilter::default();
    assert_eq!(acts(owner, all.clone(), 0).await, (vec!["denied", "approved"], 4));
    assert_eq!(acts(owner, all.clone(), 2).await, (vec!["voted", "requested"], 4));
    assert_eq!(acts(other, all.clone(), 0).await, (vec![], 0));
    let of = EntryFilter { approval: Some(id(1)), from: Some(at(2)), to: Some(at(3)), ..all.clone() };
    assert_eq!(acts(owner, of, 0).await, (vec!["approved", "voted"], 2));
    let of = EntryFilter { act: Some(Act::Denied), subject: Some("b".parse().unwrap()), ..all };
    assert_eq!(acts(owner, of, 0).await, (vec!["denied"], 1));
}
