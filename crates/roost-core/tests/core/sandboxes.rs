use std::time::Duration;

use roost_core::{CreateSandbox, Ctx, Error, Kind, ListSandboxes, RunCode, Settings, Wait};
use roost_domain::id::SandboxId;
use roost_domain::key::Scope;
use roost_domain::machine::Condition;
use roost_domain::page::Limit;
use roost_domain::sandbox::{Mode, Requested, Run, RunStatus, Sandbox, Status, ViolationKind};
use roost_domain::unit::{Bytes, MilliCpus};
use roost_ports::machine::Attempt;
use roost_testkit::TestApp;

fn wanted(mode: Mode, asked: Requested) -> CreateSandbox {
    CreateSandbox { subject: "support-bot".to_owned(), mode, asked }
}

async fn made(app: &TestApp, mode: Mode) -> SandboxId {
    app.core.sandboxes().create(&app.ctx(), wanted(mode, Requested::default())).await.expect("can be made").id
}

async fn run(app: &TestApp, sandbox: SandboxId, code: &str, wait: Wait) -> Result<Run, Error> {
    let code = RunCode { sandbox, code: code.to_owned(), timeout: None, wait };
    app.core.sandboxes().run(&app.ctx(), code).await
}

async fn look(app: &TestApp, id: SandboxId) -> Sandbox {
    app.core.sandboxes().get(&app.ctx(), id).await.expect("is there")
}

/// Waits until a run is as the test wants it.
async fn until(app: &TestApp, run: &Run, wanted: impl Fn(&Run) -> bool) -> Run {
    let wait = async {
        loop {
            let now = app.core.sandboxes().get_run(&app.ctx(), run.sandbox, run.id).await.expect("is there");
            if wanted(&now) {
                return now;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("in time")
}

fn is_running(run: &Run) -> bool {
    run.status == RunStatus::Running
}

#[tokio::test]
async fn code_runs_in_a_machine_of_its_own_and_its_outcome_is_kept() {
    let app = TestApp::start().await;
    let asked = Requested {
        cpu: Some("0.5".into()),
        memory: Some("256m".into()),
        read_write: vec!["out".into()],
        ..Requested::default()
    };
    let sandbox =
        app.core.sandboxes().create(&app.ctx(), wanted(Mode::Container, asked)).await.expect("made");
    assert_eq!(
        (sandbox.status, sandbox.expires_at),
        (Status::Ready, sandbox.created_at + Duration::from_secs(1_800))
    );
    let done = run(&app, sandbox.id, "print(1)", Wait::Over).await.expect("runs");
    assert_eq!(
        (done.status, done.exit_code, done.stdout.text.as_str()),
        (RunStatus::Succeeded, Some(0), "print(1)")
    );
    assert!(done.started_at.is_some() && done.finished_at.is_some());
    let failed = run(&app, sandbox.id, "exit 3", Wait::Over).await.expect("runs");
    assert_eq!((failed.status, failed.exit_code), (RunStatus::Failed, Some(3)));
    let spec = app.machines.opened().pop().expect("one was opened");
    assert_eq!(spec.agent, sandbox.id.machine());
    assert_eq!((spec.limits.cpu, spec.limits.memory), (MilliCpus(500), Bytes::mib(256)));
    assert_eq!(spec.network.confine, Some(vec![]), "closed unless asked otherwise");
    assert!(spec.files.may_write("out/x").is_ok() && spec.files.may_write("x").is_err());
    assert_eq!(look(&app, sandbox.id).await.status, Status::Ready);
    let condition = roost_ports::machine::Machines::condition(&*app.machines, sandbox.id.machine());
    assert_eq!(condition, Condition::Absent, "nothing goes on when the run is over");
}

#[tokio::test]
async fn a_run_can_be_polled_and_only_one_runs_at_a_time() {
    let app = TestApp::start().await;
    let sandbox = made(&app, Mode::Container).await;
    let queued = run(&app, sandbox, "hang", Wait::No).await.expect("is taken");
    assert_eq!(queued.status, RunStatus::Queued);
    until(&app, &queued, is_running).await;
    assert_eq!(look(&app, sandbox).await.status, Status::Running);
    let busy = run(&app, sandbox, "print(2)", Wait::No).await.unwrap_err();
    assert_eq!((busy.kind(), busy.code()), (Kind::Conflict, "sandbox_busy"));
    app.core.sandboxes().delete(&app.ctx(), sandbox).await.expect("can be deleted");
    let over = until(&app, &queued, |run| run.status.is_over()).await;
    assert_eq!(over.status, RunStatus::Cancelled);
    assert_eq!(over.stderr.text, "roost: its sandbox was deleted\n");
    let gone = look(&app, sandbox).await;
    assert_eq!(gone.status, Status::Destroyed);
    assert!(!app.machines.kept().contains(&sandbox.machine()), "its files are gone");
    app.core.sandboxes().delete(&app.ctx(), sandbox).await.expect("twice is once");
    let refused = run(&app, sandbox, "print(2)", Wait::No).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::InvalidState, "sandbox_destroyed"));
}

#[tokio::test]
async fn a_sandbox_is_destroyed_when_its_time_is_over() {
    let app = TestApp::start().await;
    let sandbox = made(&app, Mode::Container).await;
    let hanging = run(&app, sandbox, "hang", Wait::No).await.expect("is taken");
    until(&app, &hanging, is_running).await;
    app.clock.advance(Duration::from_secs(1_800));
    let over = until(&app, &hanging, |run| run.status.is_over()).await;
    assert_eq!(
        (over.status, over.stderr.text.as_str()),
        (RunStatus::Cancelled, "roost: its sandbox's time was over\n")
    );
    assert_eq!(look(&app, sandbox).await.status, Status::Destroyed);
}

#[tokio::test]
async fn what_ran_when_the_server_died_is_lost_and_what_waited_is_run() {
    let mut app = TestApp::start().await;
    let (ran, waits, expired) = (made(&app, Mode::Container).await, made(&app, Mode::Container).await, {
        let asked = Requested { timeout: Some(60), ..Requested::default() };
        let made = app.core.sandboxes().create(&app.ctx(), wanted(Mode::Container, asked)).await;
        made.expect("made").id
    });
    let running = run(&app, ran, "hang", Wait::No).await.expect("is taken");
    until(&app, &running, is_running).await;
    app.kill_runtime().await;
    let waiting = run(&app, waits, "print(1)", Wait::No).await.expect("is taken");
    app.clock.advance(Duration::from_secs(60));
    app.start_runtime();
    let lost = until(&app, &running, |run| run.status.is_over()).await;
    assert_eq!(lost.status, RunStatus::Lost);
    assert!(lost.stderr.text.contains("not known"), "{}", lost.stderr.text);
    assert_eq!(until(&app, &waiting, |run| run.status.is_over()).await.status, RunStatus::Succeeded);
    let wait = async {
        while look(&app, expired).await.status != Status::Destroyed {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it is destroyed after the restart");
    assert_eq!(look(&app, ran).await.status, Status::Ready, "it takes another run");
}

#[tokio::test]
async fn a_run_that_is_cut_short_at_shutdown_is_lost() {
    let mut app = TestApp::builder().grace(Duration::from_millis(1)).build().await;
    let sandbox = made(&app, Mode::Container).await;
    let hanging = run(&app, sandbox, "hang", Wait::No).await.expect("is taken");
    until(&app, &hanging, is_running).await;
    app.stop_runtime().await;
    assert_eq!(until(&app, &hanging, |run| run.status.is_over()).await.status, RunStatus::Lost);
}

#[tokio::test]
async fn a_queued_run_whose_sandbox_is_over_never_begins() {
    let mut app = TestApp::builder().without_runtime().build().await;
    let sandbox = made(&app, Mode::Container).await;
    let queued = run(&app, sandbox, "print(1)", Wait::No).await.expect("is taken");
    app.clock.advance(Duration::from_secs(1_800));
    let claimed = app.core.sandboxes().claim(Limit::clamped(10, 10)).await.expect("can be claimed");
    assert!(claimed.is_empty());
    app.start_runtime();
    let over = until(&app, &queued, |run| run.status.is_over()).await;
    assert_eq!(over.status, RunStatus::Cancelled);
    assert_eq!(app.machines.commands(), Vec::<String>::new());
}

#[tokio::test]
async fn a_machine_that_does_not_start_breaks_its_sandbox() {
    let app = TestApp::start().await;
    let sandbox = made(&app, Mode::Container).await;
    app.machines.break_down();
    let failed = run(&app, sandbox, "print(1)", Wait::Over).await.expect("is on record");
    assert_eq!((failed.status, failed.exit_code), (RunStatus::Failed, None));
    assert!(failed.stderr.text.contains("cannot start"), "{}", failed.stderr.text);
    assert_eq!(look(&app, sandbox).await.status, Status::Error);
    assert_eq!(run(&app, sandbox, "print(1)", Wait::Over).await.unwrap_err().code(), "sandbox_broken");
}

#[tokio::test]
async fn a_refused_connection_stands_on_the_run() {
    let app = TestApp::start().await;
    let sandbox = made(&app, Mode::Container).await;
    let hanging = run(&app, sandbox, "hang", Wait::No).await.expect("is taken");
    until(&app, &hanging, is_running).await;
    for (target, refused) in
        [("a.example:443", None), ("b.example:443", Some("not listed")), ("c.example:1", Some("x"))]
    {
        let attempt = Attempt {
            agent: sandbox.machine(),
            target: target.to_owned(),
            refused: refused.map(str::to_owned),
        };
        app.core.agents().note_connection(attempt).await.expect("can be noted");
    }
    app.core.sandboxes().delete(&app.ctx(), sandbox).await.expect("can be deleted");
    let violation = until(&app, &hanging, |run| run.status.is_over()).await.violation.expect("there is one");
    assert_eq!(
        (violation.kind, violation.detail.as_str()),
        (ViolationKind::DomainBlocked, "b.example:443: not listed")
    );
}

#[tokio::test]
async fn an_account_has_no_more_at_once_than_it_may() {
    let settings = Settings { max_sandboxes: Some(2), ..Settings::default() };
    let app = TestApp::builder().settings(settings).build().await;
    let first = made(&app, Mode::Container).await;
    made(&app, Mode::Wasm).await;
    let more = || wanted(Mode::Container, Requested::default());
    let refused = app.core.sandboxes().create(&app.ctx(), more()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::QuotaExceeded, "sandbox_limit"));
    app.core.sandboxes().create(&app.stranger().await, more()).await.expect("others have their own");
    app.core.sandboxes().delete(&app.ctx(), first).await.expect("can be deleted");
    app.core.sandboxes().create(&app.ctx(), more()).await.expect("there is room again");
}

#[tokio::test]
async fn modules_run_in_the_mode_wasm_and_python_only_where_there_is_one() {
    let app = TestApp::start().await;
    let sandbox = made(&app, Mode::Wasm).await;
    let done = run(&app, sandbox, "(module)", Wait::Over).await.expect("runs");
    assert_eq!((done.status, done.stdout.text.as_str()), (RunStatus::Succeeded, "(module)"));
    let refused = run(&app, sandbox, "print(1)", Wait::Over).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.public()),
        (Kind::InvalidInput, "code cannot be run: the test has no Python")
    );
    assert_eq!(look(&app, sandbox).await.status, Status::Ready);
    let hanging = run(&app, sandbox, "(module hang)", Wait::No).await.expect("is taken");
    until(&app, &hanging, is_running).await;
    app.core.sandboxes().delete(&app.ctx(), sandbox).await.expect("can be deleted");
    assert_eq!(until(&app, &hanging, |run| run.status.is_over()).await.status, RunStatus::Cancelled);
    assert_eq!(app.machines.opened(), []);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_made() {
    let app = TestApp::start().await;
    let create = async |ctx: &Ctx, new| app.core.sandboxes().create(ctx, new).await.unwrap_err();
    let image = Requested { image: Some("ubuntu".into()), ..Requested::default() };
    let wrong = create(&app.ctx(), wanted(Mode::Container, image)).await;
    assert_eq!(wrong.kind(), Kind::InvalidInput);
    assert!(wrong.public().starts_with("config.image"), "{wrong}");
    let nameless = CreateSandbox { subject: " ".into(), ..wanted(Mode::Container, Requested::default()) };
    assert!(create(&app.ctx(), nameless).await.public().starts_with("agent_id"));
    let scopeless = app.ctx_with(&[Scope::AgentsRead]);
    assert_eq!(create(&scopeless, wanted(Mode::Wasm, Requested::default())).await.code(), "missing_scope");
    let list = ListSandboxes { subject: None, after: None, limit: Limit::clamped(10, 10) };
    assert_eq!(app.core.sandboxes().list(&app.ctx(), list.clone()).await.expect("can be listed").total, 0);
    let sandbox = made(&app, Mode::Container).await;
    let stranger = app.stranger().await;
    assert_eq!(app.core.sandboxes().get(&stranger, sandbox).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(app.core.sandboxes().delete(&stranger, sandbox).await.unwrap_err().kind(), Kind::NotFound);
    let code = RunCode { sandbox, code: "x".into(), timeout: None, wait: Wait::No };
    assert_eq!(app.core.sandboxes().run(&stranger, code.clone()).await.unwrap_err().kind(), Kind::NotFound);
    let late = RunCode { timeout: Some(601), ..code };
    let late = app.core.sandboxes().run(&app.ctx(), late).await.unwrap_err();
    assert_eq!(late.public(), "timeout is 601; it must be 1 to 600 seconds");
    assert_eq!(app.core.sandboxes().list(&app.ctx(), list).await.expect("can be listed").total, 1);
}

#[tokio::test]
async fn only_files_of_destroyed_sandboxes_are_left_over() {
    let app = TestApp::start().await;
    let (kept, deleted) = (made(&app, Mode::Container).await, made(&app, Mode::Container).await);
    for sandbox in [kept, deleted] {
        run(&app, sandbox, "print(1)", Wait::Over).await.expect("runs");
    }
    app.machines.stick(true);
    let stuck = app.core.sandboxes().delete(&app.ctx(), deleted).await.unwrap_err();
    assert_eq!(stuck.kind(), Kind::Internal);
    assert_eq!(look(&app, deleted).await.status, Status::Destroyed);
    app.machines.stick(false);
    assert_eq!(app.core.sandboxes().remove_leftovers().await.expect("can be removed"), 1);
    assert_eq!(app.core.agents().remove_leftovers().await.expect("can be removed"), 0);
    assert!(
        app.machines.kept().contains(&kept.machine()) && !app.machines.kept().contains(&deleted.machine())
    );
}

#[tokio::test]
async fn strangers_code_needs_walls_that_hold() {
    let app = TestApp::start().await;
    app.machines.lay_bare();
    let refused =
        app.core.sandboxes().create(&app.ctx(), wanted(Mode::Container, Requested::default())).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Unavailable, "machine_cannot_start"));
    assert!(refused.public().contains("namespaces"), "{refused}");
    made(&app, Mode::Wasm).await;
}
