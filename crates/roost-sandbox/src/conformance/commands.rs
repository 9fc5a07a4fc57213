//! Commands.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, Error, ExitStatus, Output};

use super::{Bench, must, soon};

/// A line that leaves three writers behind that do not stop by themselves: a child, one in a session of its own,
/// and one whose parents are gone.
const WRITERS: &str = "w() { while :; do echo x >> \"$1\"; sleep 0.05; done; }; \
    w a & setsid sh -c 'while :; do echo x >> b; sleep 0.05; done' & \
    (setsid sh -c '(while :; do echo x >> c; sleep 0.05; done) &' &) ; ";

/// Output arrives on its own channel, and the code is the command's.
pub async fn output_and_exit_codes_come_back(bench: &Bench) {
    let ran = bench.run("echo out; echo err >&2; exit 7").await;
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!(ran.exit.status, ExitStatus::Code(7));
    assert_eq!(ran.exit.dropped, Bytes(0));
    let ran = bench.run("no-such-command-anywhere").await;
    assert_eq!(ran.exit.status, ExitStatus::Code(127));
    assert_eq!(bench.run("").await.exit.status, ExitStatus::Code(0));
    let ran = bench.run("seq 1 20000").await;
    assert_eq!(ran.stdout.lines().count(), 20_000, "long output comes whole and in order");
    assert!(ran.stdout.ends_with("19999\n20000\n"));
}

/// A command that a signal ends says so.
pub async fn a_signal_is_reported(bench: &Bench) {
    assert_eq!(bench.run("kill -TERM $$").await.exit.status, ExitStatus::Signal(15));
    assert_eq!(bench.run("kill -KILL $$").await.exit.status, ExitStatus::Signal(9));
}

/// At its timeout, a command ends with everything that it started, however that tried to get away.
pub async fn a_command_that_takes_too_long_is_killed_whole(bench: &Bench) {
    let began = Instant::now();
    let line = format!("{WRITERS} echo early; sleep 60");
    let ran = bench.run_for(&line, Duration::from_millis(700)).await;
    assert_eq!(ran.exit.status, ExitStatus::TimedOut);
    assert_eq!(ran.stdout, "early\n", "what came before is kept");
    assert!(ran.exit.took >= Duration::from_millis(700), "{:?}", ran.exit.took);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    for file in ["a", "b", "c"] {
        bench.wait_until_still(file).await;
    }
}

/// Past the cap, output is read and thrown away, and the command is not held up.
pub async fn output_beyond_the_cap_is_counted_and_thrown_away(bench: &Bench) {
    let line = "head -c 3000000 /dev/zero; echo end >&2";
    let ran = must(line, bench.try_run(line, super::PATIENCE, Bytes(1000)).await);
    assert_eq!(ran.exit.status, ExitStatus::Code(0));
    assert_eq!(ran.stdout.len() + ran.stderr.len(), 1000);
    assert_eq!(ran.exit.dropped, Bytes(3_000_000 + 4 - 1000));
}

/// A caller who goes away takes the command along, with everything that it started.
pub async fn a_dropped_command_is_killed_whole(bench: &Bench) {
    let machine = bench.open().await;
    let line = format!("{WRITERS} sleep 60");
    let command = Command { line: line.clone(), timeout: super::PATIENCE, output_cap: Bytes(1000) };
    let permit = bench.may_run(&line);
    let mut ignore = |_: roost_ports::machine::Output<'_>| {};
    let running = machine.exec(&permit, command, &mut ignore);
    tokio::select! {
        exit = running => panic!("it ended by itself: {exit:?}"),
        () = async { for file in ["a", "b", "c"] { bench.wait_for_file(file).await; } } => {}
    }
    for file in ["a", "b", "c"] {
        bench.wait_until_still(file).await;
    }
}

/// What a command leaves behind on purpose lives on, and does not hold up the command's end.
pub async fn a_background_process_outlives_a_command_that_ended(bench: &Bench) {
    let began = Instant::now();
    let ran = bench.run("(sleep 0.5; echo still here > later; sleep 60) & echo started").await;
    assert_eq!(ran.stdout, "started\n");
    assert!(began.elapsed() < Duration::from_secs(20), "the end waited for the background process");
    assert_eq!(bench.wait_for_file("later").await, "still here\n");
}

/// Two commands that wait for each other both get on.
pub async fn commands_run_side_by_side(bench: &Bench) {
    let first = bench.run("echo 1 > one; while [ ! -e two ]; do sleep 0.02; done; echo saw two");
    let second = bench.run("echo 2 > two; while [ ! -e one ]; do sleep 0.02; done; echo saw one");
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.stdout.as_str(), second.stdout.as_str()), ("saw two\n", "saw one\n"));
    let many = (0..20).map(|n| {
        let bench = bench.clone();
        async move { bench.run(&format!("echo {n}")).await.stdout }
    });
    let mut set = tokio::task::JoinSet::new();
    many.for_each(|one| drop(set.spawn(one)));
    let mut said: Vec<String> = set.join_all().await;
    said.sort();
    let mut expected: Vec<_> = (0..20).map(|n| format!("{n}\n")).collect();
    expected.sort();
    assert_eq!(said, expected);
}

/// While nobody takes one command's output, others go on.
pub async fn a_slow_reader_holds_up_only_itself(bench: &Bench) {
    let machine = bench.open().await;
    let line = "head -c 20000000 /dev/zero";
    let command = Command { line: line.to_owned(), timeout: super::PATIENCE, output_cap: Bytes::mib(64) };
    let permit = bench.may_run(line);
    let taken = AtomicUsize::new(0);
    let mut take = |piece: Output<'_>| {
        let (Output::Stdout(bytes) | Output::Stderr(bytes)) = piece;
        taken.fetch_add(bytes.len(), Ordering::Relaxed);
    };
    let mut slow = machine.exec(&permit, command, &mut take);
    // Asked for once in a while only, it takes a little and then nothing while the other runs.
    while taken.load(Ordering::Relaxed) == 0 {
        tokio::select! {
            biased;
            exit = &mut slow => panic!("it was over at once: {exit:?}"),
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }
    assert_eq!(bench.run("echo quick").await.stdout, "quick\n");
    must(line, soon(line, slow).await);
    assert_eq!(taken.load(Ordering::Relaxed), 20_000_000);
}

/// Commands start where the files are, and find nothing on their input.
pub async fn commands_start_in_the_workspace_with_empty_input(bench: &Bench) {
    bench.write("here", "yes\n").await;
    let ran = bench.run("cat here; cat; cd / ; cd \"$HOME\" && cat here").await;
    assert_eq!(ran.stdout, "yes\nyes\n");
    let script = bench.run("printf '#!/bin/sh\\necho ran\\n' > s && chmod +x s && ./s").await;
    assert_eq!(script.stdout, "ran\n", "{script:?}");
}

/// Leave to do something else is no leave to run a command.
pub async fn a_wrong_permit_runs_nothing(bench: &Bench) {
    let machine = bench.open().await;
    let command =
        || Command { line: "echo x > made".to_owned(), timeout: super::PATIENCE, output_cap: Bytes(10) };
    for permit in [bench.may_read(), bench.may_write(), bench.other().may_run("echo x > made")] {
        let result = machine.exec(&permit, command(), &mut |_| {}).await;
        assert!(matches!(result, Err(Error::NotPermitted)), "{result:?}");
    }
    assert!(matches!(bench.read("made").await, Err(Error::NotFound { .. })));
    let opened = bench.machines.open(&bench.other().may_read(), &bench.spec).await;
    assert!(matches!(opened, Err(Error::NotPermitted)));
}

/// What the system cannot take as one argument is an error, and the machine goes on.
pub async fn a_command_that_is_too_long_is_refused(bench: &Bench) {
    for line in [format!("echo {}", "x".repeat(300_000)), "echo a\0b".to_owned()] {
        let result = bench.try_run(&line, super::PATIENCE, Bytes(10)).await;
        assert!(matches!(result, Err(Error::Host { .. })), "{result:?}");
    }
    assert_eq!(bench.run("echo on").await.stdout, "on\n");
}
