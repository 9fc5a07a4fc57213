use std::time::Duration;

use roost_domain::id::SandboxId;
use roost_domain::page::Limit;
use roost_domain::sandbox::{
    Ending, Mode, Outcome, Output, Program, Requested, Run, RunStatus, Sandbox, Settings, Status, Violation,
    ViolationKind,
};
use roost_ports::store::Error;

use super::{Any, account, at, id, read, write};

const SOME: Limit = Limit::clamped(100, 100);

fn sandbox(number: u128) -> Sandbox {
    let asked = Requested {
        read_write: vec!["out".into()],
        blocked: vec!["out/*.pem".into()],
        allow: vec!["api.example.com".into()],
        cpu: Some("0.5".into()),
        ..Requested::default()
    };
    Sandbox {
        id: id(number),
        account: id(1),
        subject: "bot".into(),
        mode: Mode::Container,
        settings: Settings::read(Mode::Container, &asked, &["default".into()]).unwrap(),
        status: Status::Ready,
        created_at: at(10),
        expires_at: at(100),
        destroyed_at: None,
    }
}

fn run(number: u128, sandbox: SandboxId) -> Run {
    Run {
        id: id(number),
        sandbox,
        account: id(1),
        program: Program::read(Mode::Wasm, "(module)".into()).unwrap(),
        timeout: Duration::from_secs(30),
        status: RunStatus::Queued,
        exit_code: None,
        stdout: Output::default(),
        stderr: Output::default(),
        violation: None,
        created_at: at(11),
        started_at: None,
        finished_at: None,
    }
}

async fn with(store: &Any, sandboxes: Vec<Sandbox>, runs: Vec<Run>) {
    write(store, move |writer| {
        writer.insert_account(&account(1))?;
        writer.insert_account(&account(2))?;
        sandboxes.iter().try_for_each(|sandbox| writer.insert_sandbox(sandbox))?;
        runs.iter().try_for_each(|run| writer.insert_sandbox_run(run))
    })
    .await;
}

pub(crate) async fn a_sandbox_reads_back_with_all_its_settings(store: Any) {
    with(&store, vec![sandbox(10)], vec![]).await;
    let found = |account, number| read(&store, move |reader| reader.sandbox(account, id(number)));
    assert_eq!(found(id(1), 10).await, Some(sandbox(10)));
    assert_eq!(found(id(2), 10).await, None);
    assert_eq!(found(id(1), 11).await, None);
    let destroyed = sandbox(10).destroy(at(50));
    let written = destroyed.clone();
    write(&store, move |writer| writer.update_sandbox(&written)).await;
    assert_eq!(found(id(1), 10).await, Some(destroyed.clone()));
    assert_eq!(read(&store, |reader| reader.sandbox_of_any_account(id(10))).await, Some(destroyed));
}

pub(crate) async fn a_run_reads_back_as_it_began_and_ended(store: Any) {
    with(&store, vec![sandbox(10)], vec![run(20, id(10))]).await;
    let found = |account| read(&store, move |reader| reader.sandbox_run(account, id(20)));
    assert_eq!(found(id(1)).await, Some(run(20, id(10))));
    assert_eq!(found(id(2)).await, None);
    let outcome = Outcome {
        ending: Ending::Code(3),
        stdout: Output { text: "out".into(), cut: true },
        stderr: Output { text: "err".into(), cut: false },
        violation: Some(Violation { kind: ViolationKind::OutputTooLarge, detail: "too much".into() }),
    };
    let over = run(20, id(10)).end(outcome, at(40)).unwrap();
    let over = Run { started_at: Some(at(12)), ..over };
    let written = over.clone();
    write(&store, move |writer| writer.update_sandbox_run(&written)).await;
    assert_eq!(found(id(1)).await, Some(over));
}

pub(crate) async fn sandboxes_are_listed_newest_first_within_their_account(store: Any) {
    let mut all: Vec<_> = (10..17)
        .map(|number| Sandbox { created_at: at(i64::try_from(number / 2).unwrap()), ..sandbox(number) })
        .collect();
    all[2].subject = "other".into();
    all[3].account = id(2);
    with(&store, all, vec![]).await;
    let (mut seen, mut after) = (Vec::<SandboxId>::new(), None);
    loop {
        let page =
            read(&store, move |reader| reader.sandboxes(id(1), None, after, Limit::clamped(2, 2))).await;
        assert_eq!(page.total, 6);
        seen.extend(page.rows.iter().map(|sandbox| sandbox.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [16, 15, 14, 12, 11, 10].map(id));
    let others = read(&store, |reader| reader.sandboxes(id(1), Some("other"), None, SOME)).await;
    assert_eq!((others.total, others.rows[0].id), (1, id(12)));
}

pub(crate) async fn only_living_sandboxes_are_counted_and_overdue(store: Any) {
    let all = vec![
        Sandbox { expires_at: at(30), ..sandbox(10) },
        Sandbox { expires_at: at(20), status: Status::Error, ..sandbox(11) },
        Sandbox { expires_at: at(10), ..sandbox(12).destroy(at(9)) },
        Sandbox { expires_at: at(31), ..sandbox(13) },
        Sandbox { account: id(2), expires_at: at(25), ..sandbox(14) },
    ];
    with(&store, all, vec![]).await;
    assert_eq!(read(&store, |reader| reader.live_sandboxes(id(1))).await, 3);
    let overdue = read(&store, |reader| reader.overdue_sandboxes(at(30), SOME)).await;
    assert_eq!(overdue.iter().map(|sandbox| sandbox.id).collect::<Vec<_>>(), [id(11), id(14), id(10)]);
}

pub(crate) async fn a_sandbox_has_one_open_run(store: Any) {
    with(&store, vec![sandbox(10), sandbox(11)], vec![run(20, id(10)), run(21, id(11))]).await;
    let second = store.write(|writer| writer.insert_sandbox_run(&run(22, id(10)))).await;
    assert!(matches!(second, Err(Error::Exists { .. })), "{second:?}");
    let open = |number| read(&store, move |reader| reader.open_sandbox_run(id(number)));
    assert_eq!(open(10).await.map(|run| run.id), Some(id(20)));
    let over = run(20, id(10)).end(Outcome::bare(Ending::Lost, ""), at(30)).unwrap();
    write(&store, move |writer| {
        writer.update_sandbox_run(&over)?;
        writer.insert_sandbox_run(&run(22, id(10)))
    })
    .await;
    assert_eq!(open(10).await.map(|run| run.id), Some(id(22)));
    assert_eq!(open(12).await, None);
}

pub(crate) async fn runs_are_found_by_how_far_they_are(store: Any) {
    let sandboxes = (10..15).map(sandbox).collect();
    let mut runs: Vec<_> = (10..15).map(|number| run(number + 10, id(number))).collect();
    runs[1].status = RunStatus::Running;
    runs[2].status = RunStatus::Running;
    runs[3] = runs[3].clone().end(Outcome::bare(Ending::Code(0), ""), at(20)).unwrap();
    with(&store, sandboxes, runs).await;
    let ids = |runs: Vec<Run>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(read(&store, |reader| reader.queued_sandbox_runs(SOME)).await), [id(20), id(24)]);
    assert_eq!(ids(read(&store, |reader| reader.running_sandbox_runs(SOME)).await), [id(21), id(22)]);
    let one = Limit::clamped(1, 1);
    assert_eq!(ids(read(&store, move |reader| reader.queued_sandbox_runs(one)).await), [id(20)]);
}
