use std::time::Duration;

use jiff::Timestamp;
use roost_domain::files::{FileRules, PathRule};
use roost_domain::id::SandboxRunId;
use roost_domain::sandbox::{Leave, Mode, Output, Requested, Run, RunStatus, Sandbox, Settings, Status};
use roost_domain::unit::{Bytes, MilliCpus};
use tempfile::TempDir;

use super::*;

struct Bench {
    root: TempDir,
    runner: Arc<WasmtimeRunner>,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let options = WasmOptions { root: root.path().to_owned(), python: None, most_at_once: 2 };
        Self { runner: Arc::new(WasmtimeRunner::new(options).unwrap()), root }
    }

    async fn run(&self, job: Job) -> Exit {
        self.runner.run(&leave(job.sandbox).run, job).await.unwrap()
    }
}

fn sandbox(number: u128) -> SandboxId {
    SandboxId::from_uuid(uuid::Uuid::from_u128(number))
}

/// Asks the domain for leave, as the core does.
fn leave(id: SandboxId) -> Leave {
    let at = |second| Timestamp::from_second(second).unwrap();
    let account = "acct_00000000000000000000000000000001".parse().unwrap();
    let sandbox = Sandbox {
        id,
        account,
        subject: "bot".into(),
        mode: Mode::Wasm,
        settings: Settings::read(Mode::Wasm, &Requested::default(), &["default".into()]).unwrap(),
        status: Status::Running,
        created_at: at(0),
        expires_at: at(100),
        destroyed_at: None,
    };
    let run = Run {
        id: SandboxRunId::from_uuid(uuid::Uuid::from_u128(1)),
        sandbox: id,
        account,
        program: Program::read(Mode::Wasm, "(module)".into()).unwrap(),
        timeout: Duration::from_secs(1),
        status: RunStatus::Queued,
        exit_code: None,
        stdout: Output::default(),
        stderr: Output::default(),
        violation: None,
        created_at: at(0),
        started_at: None,
        finished_at: None,
    };
    sandbox.begin(run, at(1)).unwrap().1
}

fn job(code: impl Into<String>) -> Job {
    Job {
        sandbox: sandbox(1),
        program: Program::read(Mode::Wasm, code.into()).unwrap(),
        files: FileRules::default(),
        cpu: MilliCpus::whole(4),
        memory: Bytes::mib(16),
        timeout: Duration::from_secs(20),
        output_cap: Bytes(1_000),
    }
}

/// A module that writes a text to an output some times over, and ends with a code.
fn writes(output: u32, text: &str, times: u32, code: u32) -> String {
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 100) "{text}")
            (func (export "_start") (local $left i32)
                (i32.store (i32.const 0) (i32.const 100))
                (i32.store (i32.const 4) (i32.const {length}))
                (local.set $left (i32.const {times}))
                (loop $again
                    (drop (call $write (i32.const {output}) (i32.const 0) (i32.const 1) (i32.const 20)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br_if $again (local.get $left)))
                (call $exit (i32.const {code}))))"#,
        length = text.len()
    )
}

/// A module that opens a file of one of its directories to write, and ends with what WASI says.
fn opens(descriptor: u32, path: &str) -> String {
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 100) "{path}")
            (func (export "_start")
                (call $exit (call $open (i32.const {descriptor}) (i32.const 0) (i32.const 100)
                    (i32.const {length}) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0)
                    (i32.const 20)))))"#,
        length = path.len()
    )
}

const FOREVER: &str = r#"(module (func (export "_start") (loop $again (br $again))))"#;

#[tokio::test(flavor = "multi_thread")]
async fn output_and_code_come_back_and_are_cut_at_the_bound() {
    let bench = Bench::new();
    let exit = bench.run(job(writes(1, "hello", 1, 0))).await;
    assert_eq!((exit.status, exit.stdout.bytes), (ExitStatus::Code(0), b"hello".to_vec()));
    let exit = bench.run(job(writes(2, "0123456789", 1_000, 3))).await;
    assert_eq!((exit.status, exit.stderr.bytes.len(), exit.stderr.cut), (ExitStatus::Code(3), 1_000, true));
    assert!(!exit.stdout.cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_may_come_in_base64() {
    let bytes = wat_bytes(&writes(1, "hi", 1, 0));
    let code = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    assert!(code.starts_with("AGFzb"), "{code}");
    assert_eq!(Bench::new().run(job(code)).await.stdout.bytes, b"hi");
}

fn wat_bytes(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_module_says_why() {
    let bench = Bench::new();
    for (code, says) in [
        ("(module (fun))", "no module that can be run"),
        ("AGFzb!", "no base64"),
        ("AGFzbQEAAAA=", "no function `_start`"),
        (r#"(module (import "env" "gone" (func)) (func (export "_start")))"#, "cannot be started"),
    ] {
        let exit = bench.run(job(code)).await;
        assert!(matches!(&exit.status, ExitStatus::NoModule(why) if why.contains(says)), "{:?}", exit.status);
    }
    let python = bench.runner.run(&leave(sandbox(1)).run, job("print(1)")).await;
    assert!(matches!(&python, Err(Error::Lacks(why)) if why.contains("sandboxes.python_wasm")), "{python:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_fuel_and_memory_are_bounded() {
    let bench = Bench::new();
    let began = Instant::now();
    let slow = Job { timeout: Duration::from_millis(300), ..job(FOREVER) };
    assert_eq!(bench.run(slow).await.status, ExitStatus::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(5), "it ended {:?} late", began.elapsed());
    let dry = Job { cpu: MilliCpus(1), ..job(FOREVER) };
    assert_eq!(bench.run(dry).await.status, ExitStatus::OutOfFuel);
    let grows = r#"(module (memory 1) (func (export "_start")
        (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable))))"#;
    assert_eq!(bench.run(job(grows)).await.status, ExitStatus::OutOfMemory);
    assert_eq!(bench.run(Job { memory: Bytes::mib(128), ..job(grows) }).await.status, ExitStatus::Code(0));
    let large = r#"(module (memory 1000) (func (export "_start")))"#;
    let exit = bench.run(job(large)).await;
    assert_eq!(exit.status, ExitStatus::OutOfMemory, "also what it has from the start");
    let deep = r#"(module (func $f (call $f)) (func (export "_start") (call $f)))"#;
    assert!(matches!(bench.run(job(deep)).await.status, ExitStatus::Trapped(why) if why.contains("stack")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_sleeps_is_ended_too() {
    let sleeps = r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (i32.store8 (i32.const 8) (i32.const 0))
            (i32.store (i32.const 16) (i32.const 1))
            (i64.store (i32.const 24) (i64.const 60000000000))
            (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))"#;
    let job = Job { timeout: Duration::from_millis(300), ..job(sleeps) };
    let began = Instant::now();
    assert_eq!(Bench::new().run(job).await.status, ExitStatus::TimedOut);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_opened_directories_are_there_and_nothing_leads_out() {
    let bench = Bench::new();
    let (ok, bad) = (0, 8);
    let code = async |files: FileRules, descriptor, path| {
        let ExitStatus::Code(code) = bench.run(Job { files, ..job(opens(descriptor, path)) }).await.status
        else {
            panic!()
        };
        code
    };
    assert_eq!(code(FileRules::default(), 3, "made").await, ok);
    assert!(bench.root.path().join(sandbox(1).to_string()).join("made").exists());
    for outside in ["../x", "/etc/passwd", "a/../../x"] {
        assert_ne!(code(FileRules::default(), 3, outside).await, ok, "{outside}");
    }
    assert!(!bench.root.path().join("x").exists());
    let link = bench.root.path().join(sandbox(1).to_string()).join("link");
    std::os::unix::fs::symlink("/etc", &link).unwrap();
    assert_ne!(code(FileRules::default(), 3, "link/made-by-a-test").await, ok);
    let list = |text: &str| vec![text.parse::<PathRule>().unwrap()];
    let rules = || FileRules { read: list("in/"), write: list("out/"), ..FileRules::default() };
    // The first two directories are the one to read, by its two names.
    assert_ne!(code(rules(), 3, "x").await, ok);
    assert_eq!(code(rules(), 5, "x").await, ok);
    assert_eq!(code(rules(), 7, "x").await, bad, "there is no third");
    assert!(bench.root.path().join(sandbox(1).to_string()).join("out/x").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_sandbox_ends_its_run_and_loses_its_files() {
    let bench = Bench::new();
    bench.run(job(opens(3, "made"))).await;
    assert_eq!(bench.runner.directories().await.unwrap(), [sandbox(1)]);
    let runner = Arc::clone(&bench.runner);
    let (exit, ()) = tokio::join!(bench.run(job(FOREVER)), async {
        while !runner.shared.running().contains_key(&sandbox(1)) {
            tokio::task::yield_now().await;
        }
        runner.destroy(sandbox(1)).await.unwrap();
    });
    assert_eq!(exit.status, ExitStatus::Destroyed);
    assert_eq!(bench.runner.directories().await.unwrap(), []);
    bench.runner.destroy(sandbox(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_waits_for_ends() {
    let bench = Bench::new();
    let (permit, runner) = (leave(sandbox(1)).run, Arc::clone(&bench.runner));
    let cut = tokio::time::timeout(Duration::from_millis(200), runner.run(&permit, job(FOREVER))).await;
    assert!(cut.is_err());
    let wait = async {
        while runner.shared.running().contains_key(&sandbox(1)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn leave_for_another_sandbox_runs_nothing() {
    let bench = Bench::new();
    for permit in [leave(sandbox(2)).run, leave(sandbox(1)).write] {
        assert!(matches!(bench.runner.run(&permit, job("(module)")).await, Err(Error::NotPermitted)));
    }
}
