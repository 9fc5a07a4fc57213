//! Limits, against commands that take all they can get. They ask what the host can hold, as the layers tell.

use std::time::{Duration, Instant};

use roost_domain::unit::Bytes;
use roost_ports::machine::ExitStatus;

use crate::driver::Driver;
use crate::escape::Jail;

pub(crate) fn holds(jail: &Jail, name: &str) -> bool {
    let holds = jail.machines.layers().iter().any(|layer| layer.name == name && layer.holds);
    if !holds {
        eprintln!("this host cannot limit {name}: not tested");
    }
    holds
}

pub(crate) async fn a_command_that_takes_too_much_memory_is_ended_and_says_so(driver: Driver) {
    let jail = Jail::with(driver, |bench| bench.spec.limits.memory = Bytes::mib(128)).await;
    if !holds(&jail, "memory") {
        return;
    }
    assert_eq!(jail.say("./probe hog 32").await, "took 32\n");
    for line in ["./probe hog 1000", "./probe hog 1000; exit $?"] {
        assert_eq!(jail.bench.run(line).await.exit.status, ExitStatus::OutOfMemory, "{line}");
    }
    let tmp = jail.bench.run("head -c 1000000000 /dev/zero > /tmp/big").await;
    assert_ne!(tmp.exit.status, ExitStatus::Code(0), "files in memory count too");
    assert_eq!(jail.say("rm -f /tmp/big; echo on").await, "on\n", "the machine goes on");
    assert_eq!(
        jail.bench.run("kill -9 $$").await.exit.status,
        ExitStatus::Signal(9),
        "not every end is for memory"
    );
}

pub(crate) async fn two_busy_loops_in_a_small_machine_get_one_cpu(driver: Driver) {
    let jail = Jail::new(driver).await;
    if !holds(&jail, "cpu") {
        return;
    }
    let cpu = async || jail.machines.stats(jail.bench.agent).await.unwrap().unwrap().cpu;
    let (before, began) = (cpu().await, Instant::now());
    assert_eq!(jail.say("./probe spin 3 & ./probe spin 3 & wait").await, "spun\nspun\n");
    let share = (cpu().await - before).as_secs_f64() / began.elapsed().as_secs_f64();
    assert!(share < 1.3, "two loops got {share:.2} CPUs");
    assert!(share > 0.0, "they cannot have run without time");
}

pub(crate) async fn a_fork_bomb_is_stopped_and_the_server_stays_well(driver: Driver) {
    let jail = Jail::with(driver, |bench| bench.spec.limits.processes = 60).await;
    if !holds(&jail, "processes") {
        return;
    }
    let other = jail.bench.other();
    assert_eq!(other.run("echo well").await.stdout, "well\n");
    // On a busy host a bomb may hardly have begun when its time is over; then it gets another.
    let mut most = 0;
    for _ in 0..6 {
        let bomb = jail.bench.run_for("f() { f | f & }; f; while :; do f; done", Duration::from_secs(5));
        let watch = async {
            let mut most = 0;
            let deadline = Instant::now() + Duration::from_secs(4);
            while Instant::now() < deadline {
                most = most.max(jail.machines.stats(jail.bench.agent).await.unwrap().unwrap().processes);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(other.run("echo well").await.stdout, "well\n");
            most
        };
        let (ran, seen) = tokio::join!(bomb, watch);
        assert!(matches!(ran.exit.status, ExitStatus::TimedOut | ExitStatus::Code(_)), "{:?}", ran.exit);
        most = most.max(seen);
        if most >= 10 {
            break;
        }
    }
    assert!((10..=61).contains(&most), "{most} processes at once");
    jail.machines.stop(jail.bench.agent).await.unwrap();
    assert_eq!(jail.say("echo again").await, "again\n");
}

crate::driver::for_each_driver!(
    a_command_that_takes_too_much_memory_is_ended_and_says_so,
    two_busy_loops_in_a_small_machine_get_one_cpu,
    a_fork_bomb_is_stopped_and_the_server_stays_well,
);
