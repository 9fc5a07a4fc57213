//! Snapshots of workspaces.

use std::time::{Duration, Instant};

use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::machine::Condition;
use roost_domain::snapshot::{Change, FileChange, Method, Transfer};
use roost_domain::unit::Bytes;
use roost_ports::machine::Error;

use super::{Bench, PATIENCE, must, soon};

/// A line that makes one of everything that is kept.
const EVERYTHING: &str = "mkdir -p deep/er empty closed; echo one > file; printf '#!/bin/sh\\necho ran\\n' > tool; \
    chmod 751 tool; chmod 640 file; ln -s file link; ln -s /nowhere dangling; ln file deep/er/same; \
    touch -d 2001-02-03T04:05:06Z file; printf x > \"$(printf 'odd\\377name')\"; truncate -s 5M holes; \
    printf end >> holes; echo secret > closed/inner; chmod 000 closed/inner; chmod 500 closed; \
    touch -d 2002-02-03T04:05:06Z empty";

/// A line that tells of everything that is kept.
const TELL: &str = "find . -printf '%p %y %m %s %Ts %l\\n' | grep -av '^\\. ' | sort; cat file tool link deep/er/same; \
    chmod 700 closed closed/inner; cat closed/inner; chmod 000 closed/inner; chmod 500 closed; tail -c 3 holes";

impl Bench {
    fn snapshot_id(&self, number: u64) -> SnapshotId {
        let (high, low) = self.agent.uuid().as_u64_pair();
        SnapshotId::from_uuid(uuid::Uuid::from_u64_pair(high ^ number, low))
    }

    /// Saves the workspace and lets the machine go on.
    async fn save(&self, number: u64) -> (SnapshotId, Transfer) {
        let id = self.snapshot_id(number);
        let saved = soon("snapshot", self.machines.snapshot(self.agent, id)).await;
        let (transfer, hold) = must("snapshot", saved);
        drop(hold);
        (id, transfer)
    }

    async fn restore(&self, snapshot: SnapshotId, agent: AgentId) -> Transfer {
        must("restore", soon("restore", self.machines.restore(snapshot, agent)).await)
    }

    async fn compare(&self, before: SnapshotId, after: SnapshotId) -> Vec<FileChange> {
        let compared = must("compare", self.machines.compare(before, after).await);
        assert_eq!(compared.total, compared.changes.len() as u64);
        compared.changes
    }
}

/// Whatever was changed after it, a snapshot brings back every kind of file as it was.
pub async fn a_snapshot_brings_back_everything_as_it_was(bench: &Bench) {
    let made = bench.run(EVERYTHING).await;
    assert_eq!(made.stderr, "");
    let before = bench.run(TELL).await;
    assert_eq!(before.stderr, "");
    let (snapshot, saved) = bench.save(1).await;
    assert!(saved.entries >= 11 && saved.left_out == 0, "{saved:?}");
    assert!(saved.size >= Bytes::mib(5), "{saved:?}");
    match saved.method {
        Method::Reflink => assert_eq!(saved.copied, Bytes(0)),
        // Holes are not copied.
        Method::Copy => assert!((1..100_000).contains(&saved.copied.0), "{saved:?}"),
    }
    bench
        .run("chmod -R u+rwx .; rm -rf deep tool link holes empty; echo two >> file; mkdir new; echo x > new/x; ln -sf x link")
        .await;
    let restored = bench.restore(snapshot, bench.agent).await;
    assert_eq!((restored.size, restored.entries), (saved.size, saved.entries));
    let after = bench.run(TELL).await;
    assert_eq!(after.stdout, before.stdout);
    assert_eq!(bench.run("test file -ef deep/er/same && ./tool").await.stdout, "ran\n");
    assert_eq!(bench.run("echo more >> file && mkdir again && rm tool && echo fine").await.stdout, "fine\n");
    bench.restore(snapshot, bench.agent).await;
    assert_eq!(bench.run(TELL).await.stdout, before.stdout, "a snapshot can be restored again");
}

/// While a snapshot is held, nothing in the machine goes on; then it does.
pub async fn a_snapshot_is_of_one_moment(bench: &Bench) {
    // Whenever it stands still, the second is as long as the first or one line behind.
    let line = "(while :; do echo x >> a; echo x >> b; done) & echo on";
    bench.run(line).await;
    for file in ["a", "b"] {
        bench.wait_for_file(file).await;
    }
    let id = bench.snapshot_id(1);
    let (_, hold) = must("snapshot", soon("snapshot", bench.machines.snapshot(bench.agent, id)).await);
    assert_eq!(bench.machines.condition(bench.agent), Condition::Frozen);
    let other = bench.other();
    bench.restore(id, other.agent).await;
    let lines = |text: &str| text.lines().count();
    let (a, b) = (lines(&must("a", other.read("a").await)), lines(&must("b", other.read("b").await)));
    assert!(a == b || a == b + 1, "{a} {b}");
    drop(hold);
    let deadline = Instant::now() + PATIENCE;
    while lines(&bench.wait_for_file("a").await) <= a {
        assert!(Instant::now() < deadline, "the machine does not go on");
    }
    must("stop", bench.machines.stop(bench.agent).await);
}

/// A machine that was frozen stays so, and its files are saved.
pub async fn a_frozen_machine_is_saved_and_stays_frozen(bench: &Bench) {
    bench.write("kept", "yes").await;
    must("freeze", bench.machines.freeze(bench.agent).await);
    let (snapshot, _) = bench.save(1).await;
    assert_eq!(bench.machines.condition(bench.agent), Condition::Frozen);
    let other = bench.other();
    bench.restore(snapshot, other.agent).await;
    assert_eq!(must("kept", other.read("kept").await), "yes");
}

/// Restoring ends the machine, with what runs in it.
pub async fn restoring_ends_the_machine(bench: &Bench) {
    bench.write("kept", "yes").await;
    let (snapshot, _) = bench.save(1).await;
    bench.run("(while :; do echo x >> ticks; sleep 0.02; done) & echo on").await;
    bench.wait_for_file("ticks").await;
    bench.restore(snapshot, bench.agent).await;
    assert_eq!(bench.machines.condition(bench.agent), Condition::Absent);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(matches!(bench.read("ticks").await, Err(Error::NotFound { .. })));
    assert_eq!(must("kept", bench.read("kept").await), "yes");
}

/// Another agent can begin with what a snapshot holds, as if it were its own; both go on apart.
pub async fn a_snapshot_becomes_another_agents_workspace(bench: &Bench) {
    bench.run("mkdir d; echo one > d/f; printf '#!/bin/sh\\necho ran\\n' > tool; chmod 700 tool").await;
    let (snapshot, _) = bench.save(1).await;
    let other = bench.other();
    bench.restore(snapshot, other.agent).await;
    let ran = other.run("./tool && echo two >> d/f && mkdir d/new && chmod 711 d && cat d/f").await;
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("ran\none\ntwo\n", ""));
    assert_eq!(bench.run("echo three >> d/f; cat d/f").await.stdout, "one\nthree\n");
    let third = bench.other();
    bench.restore(snapshot, third.agent).await;
    assert_eq!(third.run("cat d/f; ls d").await.stdout, "one\nf\n", "the snapshot is nobody's to change");
    must("destroy", bench.machines.destroy(bench.agent).await);
    bench.restore(snapshot, third.agent).await;
    assert_eq!(must("f", third.read("d/f").await), "one\n", "a snapshot outlives the workspace");
}

/// Adopted, a snapshot is a workspace and no snapshot any more.
pub async fn a_snapshot_can_be_adopted(bench: &Bench) {
    bench.write("d/f", "one\n").await;
    let (snapshot, _) = bench.save(1).await;
    let other = bench.other();
    other.write("old", "x").await;
    must("adopt", bench.machines.adopt(snapshot, other.agent).await);
    assert_eq!(other.run("cat d/f && echo two >> d/f && ls").await.stdout, "one\nd\n");
    let again = bench.machines.adopt(snapshot, other.agent).await;
    assert!(matches!(again, Err(Error::NoSnapshot(of)) if of == snapshot), "{again:?}");
    assert_eq!(must("f", other.read("d/f").await), "one\ntwo\n");
}

/// An agent that has no files yet can be saved too.
pub async fn nothing_can_be_saved_and_brought_back(bench: &Bench) {
    let (snapshot, saved) = bench.save(1).await;
    assert_eq!((saved.size, saved.copied, saved.entries), (Bytes(0), Bytes(0), 0));
    bench.write("later", "x").await;
    bench.restore(snapshot, bench.agent).await;
    assert_eq!(bench.run("ls -A").await.stdout, "");
}

/// Pipes, sockets and devices are not copied, and counted.
pub async fn odd_files_are_left_out_and_counted(bench: &Bench) {
    bench
        .run("mkfifo pipe d 2>/dev/null || mknod pipe p; rm -f d; mkdir d; mkfifo d/pipe; echo x > file")
        .await;
    let (snapshot, saved) = bench.save(1).await;
    assert_eq!((saved.left_out, saved.entries), (2, 2));
    bench.restore(snapshot, bench.agent).await;
    assert_eq!(bench.run("find . | sort").await.stdout, ".\n./d\n./file\n");
}

/// Snapshots are listed until they are deleted, and what is deleted cannot be used.
pub async fn a_deleted_snapshot_is_gone(bench: &Bench) {
    bench.write("kept", "yes").await;
    let (first, _) = bench.save(1).await;
    let (second, _) = bench.save(2).await;
    must("delete", bench.machines.delete_snapshot(first).await);
    must("delete again", bench.machines.delete_snapshot(first).await);
    let restored = bench.machines.restore(first, bench.agent).await;
    assert!(matches!(restored, Err(Error::NoSnapshot(of)) if of == first), "{restored:?}");
    let compared = bench.machines.compare(first, second).await;
    assert!(matches!(compared, Err(Error::NoSnapshot(of)) if of == first), "{compared:?}");
    assert_eq!(must("kept", bench.read("kept").await), "yes");
    assert!(
        !must("workspaces", bench.machines.workspaces().await)
            .iter()
            .any(|agent| agent.uuid() == second.uuid())
    );
}

/// A comparison names what was added, removed and changed, with sizes, and the lines of small texts.
pub async fn a_comparison_names_every_difference(bench: &Bench) {
    bench
        .run("mkdir -p gone/below same; echo a > gone/below/f; echo s > same/f; printf 'one\\ntwo\\n' > text; \
              printf '\\000\\001' > binary; ln -s text link; touch script; echo same > touched; echo x > turned")
        .await;
    let (before, _) = bench.save(1).await;
    bench
        .run("rm -r gone turned; mkdir turned; echo n > turned/new; printf 'one\\n2\\n' > text; \
              printf '\\000\\002' > binary; ln -sf binary link; chmod 755 script; touch -d 2001-01-01 touched")
        .await;
    let (after, _) = bench.save(2).await;
    let changes = bench.compare(before, after).await;
    let short: Vec<_> = changes
        .iter()
        .map(|change| {
            let size = |size: Option<Bytes>| size.map(|size| size.0);
            (change.path.as_str(), change.change, size(change.before), size(change.after))
        })
        .collect();
    let expected = [
        ("binary", Change::Changed, Some(2), Some(2)),
        ("gone", Change::Removed, None, None),
        ("gone/below", Change::Removed, None, None),
        ("gone/below/f", Change::Removed, Some(2), None),
        ("link", Change::Changed, None, None),
        ("script", Change::Mode, Some(0), Some(0)),
        ("text", Change::Changed, Some(8), Some(6)),
        ("turned", Change::Changed, Some(2), None),
        ("turned/new", Change::Added, None, Some(2)),
    ];
    assert_eq!(short, expected);
    let diff = |path: &str| changes.iter().find(|change| change.path == path).and_then(|c| c.diff.clone());
    assert_eq!(diff("text").as_deref(), Some("@@ -1,2 +1,2 @@\n one\n-two\n+2\n"));
    assert_eq!(diff("gone/below/f").as_deref(), Some("@@ -1 +0,0 @@\n-a\n"));
    assert_eq!(diff("binary"), None);
    assert_eq!(bench.compare(before, before).await, []);
}
