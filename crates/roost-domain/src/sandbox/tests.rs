#![expect(clippy::needless_pass_by_value, reason = "documents are written where they are used")]

use std::time::Duration;

use super::*;
use crate::files::FileRules;
use crate::gate::Profile;
use crate::id::SandboxRunId;
use crate::unit::{Bytes, MilliCpus};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn images() -> Vec<String> {
    vec!["default".to_owned(), "science".to_owned()]
}

fn settings(asked: Requested) -> Result<Settings, String> {
    Settings::read(Mode::Container, &asked, &images()).map_err(|error| error.to_string())
}

fn sandbox() -> Sandbox {
    let id = uuid::Uuid::from_u128(5);
    Sandbox {
        id: SandboxId::from_uuid(id),
        account: AccountId::from_uuid(id),
        subject: "support-bot".into(),
        mode: Mode::Container,
        settings: settings(Requested::default()).unwrap(),
        status: Status::Ready,
        created_at: at(0),
        expires_at: at(1_800),
        destroyed_at: None,
    }
}

fn run() -> Run {
    Run {
        id: SandboxRunId::from_uuid(uuid::Uuid::from_u128(6)),
        sandbox: sandbox().id,
        account: sandbox().account,
        program: Program::read(Mode::Container, "print(1)".into()).unwrap(),
        timeout: Duration::from_secs(30),
        status: RunStatus::Queued,
        exit_code: None,
        stdout: Output::default(),
        stderr: Output::default(),
        violation: None,
        created_at: at(1),
        started_at: None,
        finished_at: None,
    }
}

#[test]
fn a_sandbox_takes_one_run_at_a_time_until_its_end() {
    let taken = sandbox().take(at(10)).unwrap();
    assert_eq!(taken.clone().take(at(11)), Err(CannotRun::Busy));
    assert_eq!(taken.clone().release().status, Status::Ready);
    assert_eq!(sandbox().take(at(1_800)), Err(CannotRun::Expired));
    assert_eq!(sandbox().breaks().take(at(10)), Err(CannotRun::Broken));
    let destroyed = taken.destroy(at(20));
    assert_eq!(destroyed.clone().take(at(21)), Err(CannotRun::Destroyed));
    assert_eq!(destroyed.clone().release().status, Status::Destroyed, "a late outcome revives nothing");
    assert_eq!(destroyed.clone().breaks().status, Status::Destroyed);
    assert_eq!(destroyed.destroy(at(30)).destroyed_at, Some(at(20)));
}

#[test]
fn leave_is_given_only_for_a_run_that_waits_in_a_living_sandbox() {
    let taken = sandbox().take(at(10)).unwrap();
    let (running, leave) = taken.begin(run(), at(11)).unwrap();
    assert_eq!((running.status, running.started_at), (RunStatus::Running, Some(at(11))));
    assert_eq!(leave.run.agent(), taken.id.machine());
    assert_eq!(*leave.run.action(), Action::RunCommand { command: run().command_line() });
    let refused = |sandbox: &Sandbox, run, now| sandbox.begin(run, now).unwrap_err();
    assert_eq!(refused(&taken, running, at(12)), CannotRun::NotQueued);
    assert_eq!(refused(&sandbox(), run(), at(12)), CannotRun::NotQueued);
    assert_eq!(refused(&taken, run(), at(1_800)), CannotRun::Expired);
    assert_eq!(refused(&taken.clone().destroy(at(12)), run(), at(13)), CannotRun::Destroyed);
    let other = Run { sandbox: SandboxId::from_uuid(uuid::Uuid::from_u128(9)), ..run() };
    assert_eq!(refused(&taken, other, at(12)), CannotRun::NotQueued);
}

#[test]
fn the_end_of_a_run_is_final() {
    let outcome = |ending| Outcome::bare(ending, "so it is");
    for (ending, status, code) in [
        (Ending::Code(0), RunStatus::Succeeded, Some(0)),
        (Ending::Code(3), RunStatus::Failed, Some(3)),
        (Ending::Failed, RunStatus::Failed, None),
        (Ending::TimedOut, RunStatus::TimedOut, None),
        (Ending::Cancelled, RunStatus::Cancelled, None),
        (Ending::Lost, RunStatus::Lost, None),
    ] {
        let over = run().end(outcome(ending), at(20)).unwrap();
        assert_eq!((over.status, over.exit_code, over.finished_at), (status, code, Some(at(20))));
        assert_eq!(over.stderr.text, "roost: so it is\n");
        assert_eq!(over.end(outcome(Ending::Code(0)), at(30)), Err(NotOpen(status)));
    }
}

#[test]
fn output_is_kept_up_to_its_bound() {
    assert!(!Output::keep(&vec![b'x'; OUTPUT_MAX], false).cut);
    let cut = Output::keep(&vec![b'x'; OUTPUT_MAX + 1], false);
    assert_eq!((cut.text.len(), cut.cut), (OUTPUT_MAX, true));
    assert!(Output::keep(b"x", true).cut);
}

#[test]
fn what_is_not_asked_for_is_closed_and_small() {
    let usual = settings(Requested::default()).unwrap();
    assert_eq!((usual.cpu, usual.memory), (MilliCpus::whole(1), Bytes::mib(512)));
    assert_eq!((usual.image.as_str(), usual.lifetime), ("default", Duration::from_secs(1_800)));
    assert_eq!((usual.profile, usual.network.confine), (Profile::Standard, Some(vec![])));
    assert!(usual.files.is_unrestricted());
    let open = settings(Requested { block_outbound: Some(false), ..Requested::default() }).unwrap();
    assert_eq!((open.profile, open.network.confine), (Profile::Open, None));
    let some = Requested {
        allow: vec!["api.example.com".into()],
        block_outbound: Some(false),
        ..Requested::default()
    };
    assert_eq!(settings(some).unwrap().network.confine.map(|only| only.len()), Some(1));
}

#[test]
fn a_wrong_field_is_named_with_what_would_be_right() {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let usual = Requested::default;
    let table = [
        (
            Requested { cpu: Some("half".into()), ..usual() },
            "config.resources.cpu is wrong: \"half\" is not an amount of CPU",
        ),
        (Requested { cpu: Some("64".into()), ..usual() }, "config.resources.cpu is 64; it must be 0.01 to 4"),
        (
            Requested { memory: Some("1m".into()), ..usual() },
            "config.resources.memory is 1MiB; it must be 16MiB to 8GiB",
        ),
        (
            Requested { timeout: Some(3_601), ..usual() },
            "config.resources.timeout is 3601; it must be 1 to 3600 seconds",
        ),
        (Requested { timeout: Some(0), ..usual() }, "config.resources.timeout is 0"),
        (
            Requested { image: Some("ubuntu".into()), ..usual() },
            "config.image \"ubuntu\" is not an approved image; use one of default, science",
        ),
        (
            Requested { read_only: texts(&["data", "/etc"]), ..usual() },
            "config.filesystem.read_only[1] is wrong: \"/etc/\" is not a rule",
        ),
        (
            Requested { allow: texts(&["not a host"]), ..usual() },
            "config.network.allow[0] is wrong: \"not a host\"",
        ),
        (
            Requested { blocked: texts(&["**"]), ..usual() },
            "config.filesystem.blocked has \"**\", which covers .roost",
        ),
    ];
    for (asked, problem) in table {
        let said = settings(asked).unwrap_err();
        assert!(said.starts_with(problem), "{said}");
    }
    assert_eq!(run_timeout(None).unwrap(), Duration::from_secs(30));
    assert_eq!(
        run_timeout(Some(601)).unwrap_err().to_string(),
        "timeout is 601; it must be 1 to 600 seconds"
    );
}

#[test]
fn paths_become_rules_with_a_place_for_the_code() {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let asked = Requested {
        read_only: texts(&["/workspace/data", "in.csv"]),
        read_write: texts(&["/workspace/out", "/tmp"]),
        blocked: texts(&["/etc", "/root/.ssh", "data/private"]),
        ..Requested::default()
    };
    let FileRules { read, write, deny, .. } = settings(asked).unwrap().files;
    let shown = |rules: &[crate::files::PathRule]| rules.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(&read), ["data/**", "in.csv"]);
    assert_eq!(shown(&write), ["out/**", ".roost/**"]);
    assert_eq!(shown(&deny), ["data/private/**"]);
}

#[test]
fn the_mode_wasm_takes_whole_directories_and_no_network() {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let wasm = |asked: Requested| Settings::read(Mode::Wasm, &asked, &images()).map_err(|error| error.path);
    let usual = Requested::default;
    assert!(wasm(usual()).is_ok());
    assert!(wasm(Requested { read_write: texts(&["out"]), read_only: texts(&["in"]), ..usual() }).is_ok());
    assert_eq!(wasm(Requested { allow: texts(&["a.example"]), ..usual() }).unwrap_err(), "config.network");
    assert_eq!(wasm(Requested { block_outbound: Some(false), ..usual() }).unwrap_err(), "config.network");
    let pattern = Requested { read_only: texts(&["*.csv"]), ..usual() };
    assert_eq!(wasm(pattern).unwrap_err(), "config.filesystem.read_only");
    let inside = Requested { read_only: texts(&["in"]), blocked: texts(&["in/secret"]), ..usual() };
    assert_eq!(wasm(inside).unwrap_err(), "config.filesystem.blocked");
    assert_eq!(
        wasm(Requested { blocked: texts(&["x"]), ..usual() }).unwrap_err(),
        "config.filesystem.blocked"
    );
}

#[test]
fn code_is_known_by_how_it_begins() {
    let language = |mode, code: &str| Program::read(mode, code.to_owned()).map(|program| program.language);
    assert_eq!(language(Mode::Container, "(module)"), Ok(Language::Python));
    assert_eq!(language(Mode::Wasm, "print(1)"), Ok(Language::Python));
    assert_eq!(language(Mode::Wasm, "AGFzbQEAAAA="), Ok(Language::WasmModule));
    assert_eq!(language(Mode::Wasm, " ;; a comment\n ( module (func))"), Ok(Language::WasmText));
    assert_eq!(language(Mode::Wasm, "(modules)"), Ok(Language::Python));
    for wrong in ["", " \n", "a\0b"] {
        assert!(language(Mode::Wasm, wrong).is_err(), "{wrong:?}");
    }
    assert!(Program::read(Mode::Wasm, "x".repeat(CODE_MAX + 1)).is_err());
}

#[test]
fn permissions_narrow_what_was_asked_for_and_never_widen_it() {
    let subject = "bot".parse().unwrap();
    let permissions = serde_json::json!({
        "network": {"allow": ["*.corp.example"], "deny": ["evil.corp.example"]},
        "data": {"deny": ["secrets/**"], "write": ["out/**"]},
    });
    let permissions = crate::permissions::Permissions::read(&permissions, &subject).unwrap();
    let permissions = crate::permissions::Effective::new([("bot".to_owned(), permissions)]);
    let images = ["default".to_owned()];
    let asked = Requested {
        allow: vec!["api.corp.example".to_owned(), "other.test".to_owned()],
        ..Requested::default()
    };
    let settings = Settings::read(Mode::Container, &asked, &images).unwrap();
    let settings = settings.within(&permissions, Mode::Container).unwrap();
    for (host, reached) in [
        ("api.corp.example", true),
        ("b.corp.example", false),
        ("other.test", false),
        ("evil.corp.example", false),
    ] {
        assert_eq!(!settings.network.forbids(&host.parse().unwrap(), 443), reached, "{host}");
    }
    assert!(settings.files.may_read("secrets/key").is_err());
    assert!(settings.files.may_write("notes.txt").is_err());
    assert!(settings.files.may_write("out/a").is_ok());
    assert!(settings.files.may_write(&format!("{CODE_DIRECTORY}/main.py")).is_ok());
    let open = Requested { block_outbound: Some(false), ..Requested::default() };
    let open = Settings::read(Mode::Container, &open, &images).unwrap();
    let open = open.within(&permissions, Mode::Container).unwrap();
    assert!(open.network.forbids(&"other.test".parse().unwrap(), 443));
    let wasm = Settings::read(Mode::Wasm, &Requested::default(), &images).unwrap();
    assert_eq!(wasm.within(&permissions, Mode::Wasm).unwrap_err().path, "mode");
}
