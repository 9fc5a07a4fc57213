//! Trying to get around the file rules, by commands that run in a machine.

use roost_domain::files::{FileRules, PathRule};
use roost_domain::unit::MilliCpus;
use roost_ports::machine::{Error, ExitStatus};

use crate::driver::Driver;
use crate::escape::Jail;

fn list(texts: &[&str]) -> Vec<PathRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn deny(texts: &[&str]) -> FileRules {
    FileRules { deny: list(texts), ..FileRules::default() }
}

/// A machine with files in its workspace, under rules from then on.
async fn fenced(driver: Driver, make: &str, rules: FileRules) -> Jail {
    let mut jail = Jail::new(driver).await;
    assert_eq!(jail.say(make).await, "");
    jail.bench.spec.files = rules;
    jail
}

impl Jail {
    async fn fails(&self, line: &str) {
        let ran = self.bench.run(line).await;
        assert_ne!(ran.exit.status, ExitStatus::Code(0), "{line}: {ran:?}");
    }

    async fn works(&self, line: &str, says: &str) {
        let ran = self.bench.run(line).await;
        assert_eq!((ran.exit.status, ran.stdout.as_str()), (ExitStatus::Code(0), says), "{line}: {ran:?}");
    }

    /// Starts the machine again, under other rules.
    async fn under(&mut self, rules: FileRules) {
        self.bench.spec.files = rules;
        self.machines.stop(self.bench.agent).await.unwrap();
    }
}

const SECRETS: &str = "mkdir -p a/b/secrets out; echo secret > a/b/secrets/key; echo pem > a/k.pem; echo x > a/x; \
    ln -s a/b/secrets alias; ln -s a/b/secrets/key key";

pub(crate) async fn a_denied_directory_cannot_be_reached_by_any_name(driver: Driver) {
    let jail = fenced(driver, SECRETS, deny(&["a/b/secrets/**", "**/*.pem"])).await;
    for line in [
        "cat a/b/secrets/key",
        "ls a/b/secrets",
        "cat /workspace/a/b/secrets/key",
        "cat alias/key",
        "cat key",
        "cat a/k.pem",
        "echo x > a/b/secrets/new",
        "echo x > a/k.pem",
        "ln a/b/secrets/key out/key",
        "ln a/k.pem out/k.pem",
        "cp a/k.pem out/copy",
        "chmod 755 a/b/secrets",
        "chmod 644 a/k.pem",
        "mv a/b/secrets out/secrets",
        "mv a/k.pem a/k.txt",
        "mv a/b out/b",
        "mv a out/a",
        "rm -rf a/b/secrets",
        "rm -f a/k.pem",
        "rm -rf a",
        "cat /proc/1/root/workspace/a/b/secrets/key",
        "cat /proc/1/cwd/a/b/secrets/key",
        "cat /proc/1/fd/*/a/b/secrets/key",
        "cat /.workspace/a/b/secrets/key",
        "ls /.covers",
        "umount a/b/secrets",
        "unshare -rm umount /workspace/a/b/secrets",
        "grep -r secret .",
        "tar cf - a | grep -q secret",
    ] {
        jail.fails(line).await;
    }
    jail.works("ls -d a/b/secrets", "a/b/secrets\n").await;
    jail.works("mkdir -p a/c && echo y > a/c/y && mv a/c out/c && cat out/c/y", "y\n").await;
}

pub(crate) async fn what_is_denied_is_still_denied_and_whole_after_a_restart(driver: Driver) {
    let rules = deny(&["a/b/secrets/**", "**/*.pem"]);
    let mut jail = fenced(driver, SECRETS, rules.clone()).await;
    jail.bench.run("rm -rf a; mv a z; mv a/b a/z; mv a/b/secrets s; chmod 0 a a/b; ln -sfn x alias").await;
    jail.under(rules).await;
    jail.fails("chmod 755 a a/b; cat a/b/secrets/key a/k.pem z/b/secrets/key a/z/secrets/key s/key").await;
    jail.fails("grep -rs -e secret -e pem . ").await;
    jail.under(FileRules::default()).await;
    jail.works("chmod 755 a a/b; cat a/b/secrets/key a/k.pem", "secret\npem\n").await;
}

pub(crate) async fn a_directory_closed_before_a_restart_hides_nothing_that_is_denied(driver: Driver) {
    let mut jail =
        fenced(driver, "mkdir -p d/e; echo pem > d/e/k.pem; chmod 0 d/e", deny(&["**/*.pem"])).await;
    jail.fails("chmod 755 d/e && cat d/e/k.pem").await;
    // Readable, but with no way through.
    jail.under(FileRules::default()).await;
    jail.works("chmod 444 d/e", "").await;
    jail.under(deny(&["**/*.pem"])).await;
    jail.fails("chmod 755 d/e && cat d/e/k.pem").await;
    jail.under(FileRules::default()).await;
    jail.works("chmod 755 d/e && cat d/e/k.pem", "pem\n").await;
}

pub(crate) async fn only_the_directory_that_may_be_written_can_be_written(driver: Driver) {
    let rules = FileRules { write: list(&["out/**", "r/*.csv"]), ..FileRules::default() };
    let mut jail =
        fenced(driver, "mkdir r in; echo 1 > r/1.csv; echo t > r/t.txt; echo i > in/i", rules.clone()).await;
    for line in [
        "echo x > top",
        "echo x >> in/i",
        "touch in/new",
        "rm in/i",
        "mv in in2",
        "mkdir out2",
        "echo x > r/t.txt",
        "echo x > r/2.csv",
        "rm r/1.csv",
        "chmod 777 in",
        "ln in/i out/i",
        "mv out out2",
        "echo x > out/../top",
        "ln -s ../in out/in && echo x > out/in/new",
    ] {
        jail.fails(line).await;
    }
    let machine = jail.bench.open().await;
    let denied = machine.write(&jail.bench.may_write(), "top", b"x").await;
    assert!(
        matches!(&denied, Err(Error::Denied { why, .. }) if why.contains("may be written")),
        "{denied:?}"
    );
    jail.works("cat in/i r/t.txt", "i\nt\n").await;
    jail.works("mkdir -p out/deep && echo kept > out/deep/f && echo 2 > r/1.csv && cat r/1.csv", "2\n").await;
    // A file operation may do what a command may not: make a file that the pattern names. And a file that commands
    // see by itself stays the one they see.
    machine.write(&jail.bench.may_write(), "r/3.csv", b"3\n").await.unwrap();
    machine.write(&jail.bench.may_write(), "r/1.csv", b"new\n").await.unwrap();
    jail.works("cat r/3.csv r/1.csv", "3\nnew\n").await;
    jail.under(rules).await;
    jail.works("cat out/deep/f r/1.csv; echo 4 > r/3.csv; cat r/3.csv", "kept\nnew\n4\n").await;
}

pub(crate) async fn only_what_may_be_read_is_there(driver: Driver) {
    let rules = FileRules {
        read: list(&["data/**", "in/*.csv"]),
        write: list(&["out/**"]),
        deny: list(&["data/private"]),
        within: vec![],
    };
    let make = "mkdir -p data/private in other; echo d > data/d; echo p > data/private/p; echo c > in/c.csv; \
        echo t > in/t.txt; echo o > other/o; ln -s ../other/o data/link";
    let mut jail = fenced(driver, make, rules).await;
    jail.works("ls -A; ls -A in data", "data\nin\nout\ndata:\nd\nlink\nprivate\n\nin:\nc.csv\n").await;
    jail.works("cat data/d in/c.csv; echo new > out/f; cat out/f", "d\nc\nnew\n").await;
    for line in [
        "cat other/o",
        "cat data/link",
        "cat in/t.txt",
        "cat data/private/p",
        "ls data/private",
        "echo x > data/d",
        "echo x > in/c.csv",
        "touch new",
        "mkdir other",
        "cat data/../other/o",
        "mv out in",
    ] {
        jail.fails(line).await;
    }
    assert_eq!(jail.bench.read("out/f").await.unwrap(), "new\n");
    assert!(matches!(jail.bench.read("other/o").await, Err(Error::Denied { .. })));
    jail.under(FileRules::default()).await;
    jail.works("cat out/f other/o data/private/p", "new\no\np\n").await;
}

pub(crate) async fn rules_that_cannot_be_enforced_keep_the_machine_down(driver: Driver) {
    let make = "mkdir k; i=0; while [ $i -lt 5001 ]; do : > k/$i.pem; i=$((i+1)); done";
    let mut jail = fenced(driver, make, deny(&["**/*.pem"])).await;
    let opened = jail.machines.open(&jail.bench.may_read(), &jail.bench.spec).await;
    let Err(Error::CannotStart { problem }) = opened else { panic!("it started") };
    assert!(
        problem.contains("file rules cannot be enforced") && problem.contains("whole directories"),
        "{problem}"
    );
    let files = |jail: &Jail| jail.machines.layers().into_iter().find(|layer| layer.name == "files").unwrap();
    assert!(!files(&jail).holds, "{:?}", files(&jail));
    jail.under(deny(&["k/**"])).await;
    jail.fails("ls k").await;
    assert!(files(&jail).holds);
}

pub(crate) async fn half_a_cpu_is_half_a_cpu(driver: Driver) {
    let jail = Jail::with(driver, |bench| bench.spec.limits.cpu = MilliCpus(500)).await;
    if !crate::limits::holds(&jail, "cpu") {
        return;
    }
    let cpu = async || jail.machines.stats(jail.bench.agent).await.unwrap().unwrap().cpu;
    let (before, began) = (cpu().await, std::time::Instant::now());
    jail.works("./probe spin 3", "spun\n").await;
    let share = (cpu().await - before).as_secs_f64() / began.elapsed().as_secs_f64();
    assert!(share < 0.7, "it got {share:.2} CPUs");
}

crate::driver::for_each_driver!(
    a_denied_directory_cannot_be_reached_by_any_name,
    what_is_denied_is_still_denied_and_whole_after_a_restart,
    a_directory_closed_before_a_restart_hides_nothing_that_is_denied,
    only_the_directory_that_may_be_written_can_be_written,
    only_what_may_be_read_is_there,
    rules_that_cannot_be_enforced_keep_the_machine_down,
    half_a_cpu_is_half_a_cpu,
);
