//! The life of a machine.

use std::time::{Duration, Instant};

use roost_domain::files::FileRules;
use roost_domain::gate::Profile;
use roost_domain::machine::{Condition, Limits};
use roost_domain::unit::{Bytes, MilliCpus};
use roost_ports::machine::{Command, Error, Spec};

use super::{Bench, must, soon};

/// A line that writes to a file without end.
const TICKING: &str = "(while :; do echo x >> ticks; sleep 0.02; done) & echo on";

/// Twenty callers at once get one machine.
pub async fn many_callers_at_once_open_one_machine(bench: &Bench) {
    assert_eq!(bench.machines.condition(bench.agent), Condition::Absent);
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..20 {
        let bench = bench.clone();
        callers.spawn(async move { bench.run(&format!("echo {n} > n{n}; sleep 0.2; ls | wc -l")).await });
    }
    for ran in callers.join_all().await {
        assert_eq!(ran.stderr, "");
    }
    assert_eq!(bench.run("ls | wc -l").await.stdout.trim(), "20");
    assert_eq!(bench.machines.condition(bench.agent), Condition::Running);
}

/// Stopped and opened again, the files are there and the processes are not.
pub async fn the_workspace_outlives_the_machine(bench: &Bench) {
    bench.write("kept", "yes").await;
    bench.run(TICKING).await;
    bench.wait_for_file("ticks").await;
    must("stop", bench.machines.stop(bench.agent).await);
    assert_eq!(bench.machines.condition(bench.agent), Condition::Absent);
    let before = must("ticks", bench.read("ticks").await);
    assert_eq!(must("kept", bench.read("kept").await), "yes");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(must("ticks", bench.read("ticks").await), before, "no process outlives its machine");
}

/// Destroyed and opened again, nothing is there.
pub async fn destroying_removes_everything(bench: &Bench) {
    bench.write("a/b/c", "x").await;
    bench.run("mkdir closed; echo x > closed/f; chmod 0 closed; ln -s / root").await;
    assert!(must("list", bench.machines.workspaces().await).contains(&bench.agent));
    must("destroy", bench.machines.destroy(bench.agent).await);
    assert!(!must("list", bench.machines.workspaces().await).contains(&bench.agent));
    assert_eq!(bench.machines.condition(bench.agent), Condition::Absent);
    let machine = bench.open().await;
    assert_eq!(must("list", machine.list(&bench.may_read(), ".", 1, 10).await), []);
    must("stop", bench.machines.stop(bench.agent).await);
    must("destroy", bench.machines.destroy(bench.agent).await);
    must("destroy", bench.machines.destroy(bench.agent).await);
}

/// Frozen, no process runs; thawed, it goes on where it was.
pub async fn a_frozen_machine_stands_still_and_goes_on(bench: &Bench) {
    let machine = bench.open().await;
    let line = "i=0; while [ $i -lt 60 ]; do echo x; sleep 0.02; i=$((i+1)); done";
    let command = Command { line: line.to_owned(), timeout: super::PATIENCE, output_cap: Bytes::mib(1) };
    let permit = bench.may_run(line);
    let (count, mut pieces) = tokio::sync::watch::channel(0usize);
    let mut take = |_: roost_ports::machine::Output<'_>| count.send_modify(|count| *count += 1);
    let watch = async {
        must("first output", pieces.wait_for(|count| *count > 2).await.map(|_| ()));
        must("freeze", bench.machines.freeze(bench.agent).await);
        must("freeze again", bench.machines.freeze(bench.agent).await);
        assert_eq!(bench.machines.condition(bench.agent), Condition::Frozen);
        assert!(!bench.machines.idle(Duration::ZERO).contains(&bench.agent), "a frozen machine is not idle");
        // What was under way still arrives.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let still = *pieces.borrow();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(*pieces.borrow(), still, "it went on while frozen");
        must("thaw", bench.machines.thaw(bench.agent).await);
        must("thaw again", bench.machines.thaw(bench.agent).await);
        assert_eq!(bench.machines.condition(bench.agent), Condition::Running);
    };
    let (exit, ()) =
        soon("frozen", async { tokio::join!(machine.exec(&permit, command, &mut take), watch) }).await;
    assert_eq!(must(line, exit).status, roost_ports::machine::ExitStatus::Code(0));
}

/// Whoever opens a frozen machine, or uses it, finds it running.
pub async fn opening_a_frozen_machine_thaws_it(bench: &Bench) {
    let held = bench.open().await;
    must("freeze", bench.machines.freeze(bench.agent).await);
    let _opened = bench.open().await;
    assert_eq!(bench.machines.condition(bench.agent), Condition::Running);
    must("freeze", bench.machines.freeze(bench.agent).await);
    must("write", soon("write", held.write(&bench.may_write(), "f", b"x")).await);
    assert_eq!(bench.machines.condition(bench.agent), Condition::Running);
}

/// A frozen machine ends like any other.
pub async fn a_frozen_machine_can_be_stopped(bench: &Bench) {
    bench.run(TICKING).await;
    bench.wait_for_file("ticks").await;
    must("freeze", bench.machines.freeze(bench.agent).await);
    must("stop", soon("stop", bench.machines.stop(bench.agent)).await);
    assert_eq!(bench.machines.condition(bench.agent), Condition::Absent);
    let before = must("ticks", bench.read("ticks").await);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(must("ticks", bench.read("ticks").await), before);
}

/// There is nothing to do for a machine that is not there.
pub async fn everything_is_a_no_op_on_an_absent_machine(bench: &Bench) {
    for _ in 0..2 {
        must("freeze", bench.machines.freeze(bench.agent).await);
        must("thaw", bench.machines.thaw(bench.agent).await);
        must("stop", bench.machines.stop(bench.agent).await);
        assert!(must("stats", bench.machines.stats(bench.agent).await).is_none());
        assert_eq!(bench.machines.condition(bench.agent), Condition::Absent);
        assert!(!bench.machines.idle(Duration::ZERO).contains(&bench.agent));
        bench.open().await;
        must("stop", bench.machines.stop(bench.agent).await);
    }
    must("destroy", bench.machines.destroy(bench.agent).await);
}

/// Who was using a machine that is stopped hears that it is gone.
pub async fn a_stopped_machine_fails_its_callers(bench: &Bench) {
    let machine = bench.open().await;
    let command =
        Command { line: "echo x; sleep 60".to_owned(), timeout: super::PATIENCE, output_cap: Bytes(10) };
    let permit = bench.may_run("echo x; sleep 60");
    let (began, mut has_begun) = tokio::sync::watch::channel(false);
    let mut take = |_: roost_ports::machine::Output<'_>| began.send_modify(|begun| *begun = true);
    let stop = async {
        must("output", has_begun.wait_for(|begun| *begun).await.map(|_| ()));
        must("stop", bench.machines.stop(bench.agent).await);
    };
    let (exit, ()) =
        soon("stop", async { tokio::join!(machine.exec(&permit, command, &mut take), stop) }).await;
    assert!(matches!(exit, Err(Error::Gone)), "{exit:?}");
    let read = machine.read(&bench.may_read(), "f", 0, Bytes(1)).await;
    assert!(matches!(read, Err(Error::Gone)), "{read:?}");
    assert_eq!(bench.run("echo again").await.stdout, "again\n", "the next caller gets a new one");
}

/// A machine is idle when it has had no call for a while and none is under way.
pub async fn a_machine_in_use_is_not_idle(bench: &Bench) {
    let machine = bench.open().await;
    let is_idle = |idle| bench.machines.idle(idle).contains(&bench.agent);
    let command = Command { line: "sleep 1".to_owned(), timeout: super::PATIENCE, output_cap: Bytes(10) };
    let permit = bench.may_run("sleep 1");
    let mut ignore = |_: roost_ports::machine::Output<'_>| {};
    let watch = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!is_idle(Duration::ZERO), "a running command keeps it busy");
    };
    let (exit, ()) = tokio::join!(machine.exec(&permit, command, &mut ignore), watch);
    must("sleep", exit);
    assert!(!is_idle(Duration::from_secs(3600)));
    let deadline = Instant::now() + super::PATIENCE;
    while !is_idle(Duration::from_millis(300)) {
        assert!(Instant::now() < deadline, "it is never idle");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bench.run("true").await;
    assert!(!is_idle(Duration::from_millis(300)), "a call makes it busy again");
}

/// Statistics are there while the machine is, and grow with use.
pub async fn statistics_are_of_the_machine(bench: &Bench) {
    bench.open().await;
    let before = must("stats", bench.machines.stats(bench.agent).await);
    let Some(before) = before else { panic!("no statistics of a running machine") };
    assert_eq!(before.memory_limit, bench.spec.limits.memory);
    bench.run("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done").await;
    let after = must("stats", bench.machines.stats(bench.agent).await);
    let Some(after) = after else { panic!("no statistics of a running machine") };
    assert!(after.cpu > before.cpu, "{before:?} {after:?}");
    assert!(after.cpu_share > 0.0 && after.cpu_share < 64.0, "{after:?}");
    assert!(after.memory.0 <= after.memory_limit.0, "{after:?}");
}

/// Two agents' files are two worlds.
pub async fn another_agents_files_are_not_ours(bench: &Bench) {
    let other = bench.other();
    bench.write("mine", "x").await;
    assert!(matches!(other.read("mine").await, Err(Error::NotFound { .. })));
    must("destroy", bench.machines.destroy(other.agent).await);
    assert_eq!(must("mine", bench.read("mine").await), "x");
}

/// After the driver's end no machine is left.
pub async fn shutdown_stops_every_machine(bench: &Bench) {
    let other = bench.other();
    bench.open().await;
    other.open().await;
    must("freeze", bench.machines.freeze(other.agent).await);
    soon("shutdown", bench.machines.shutdown()).await;
    assert_eq!(bench.machines.condition(bench.agent), Condition::Absent);
    assert_eq!(bench.machines.condition(other.agent), Condition::Absent);
}

/// Opened with other rules or limits, the machine ends with all that runs in it, and keeps its workspace.
pub async fn a_machine_with_another_spec_starts_anew(bench: &Bench) {
    bench.write("kept", "yes").await;
    bench.run(TICKING).await;
    bench.wait_for_file("ticks").await;
    let old = bench.open().await;
    let mut changed = bench.clone();
    changed.spec.network.deny = vec![must("rule", "denied.example".parse())];
    for spec in [
        changed.spec.clone(),
        Spec { profile: Profile::Strict, ..bench.spec.clone() },
        Spec { limits: Limits { cpu: MilliCpus(500), ..bench.spec.limits }, ..bench.spec.clone() },
        Spec {
            files: FileRules { deny: vec![must("rule", "x/**".parse())], ..FileRules::default() },
            ..bench.spec.clone()
        },
    ] {
        changed.spec = spec;
        let held = changed.open().await;
        let read = old.read(&bench.may_read(), "kept", 0, Bytes(9)).await;
        assert!(matches!(read, Err(Error::Gone)), "{read:?}");
        let again = changed.open().await;
        must("the same spec", held.read(&bench.may_read(), "kept", 0, Bytes(9)).await);
        must("the same spec", again.read(&bench.may_read(), "kept", 0, Bytes(9)).await);
    }
    assert_eq!(must("kept", changed.read("kept").await), "yes");
    bench.wait_until_still("ticks").await;
}
