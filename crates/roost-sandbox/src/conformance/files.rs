//! Files.

use roost_domain::files::{FileRules, PathRule};
use roost_domain::unit::Bytes;
use roost_ports::machine::{EntryKind, Error};

use super::{Bench, must};

/// What is written is read, byte for byte; directories are made; the file is replaced whole.
pub async fn a_file_comes_back_as_written(bench: &Bench) {
    let machine = bench.open().await;
    for content in [&b"first\0\xff"[..], b"", b"second"] {
        must("write", machine.write(&bench.may_write(), "a/b/c.bin", content).await);
        let part = must("read", machine.read(&bench.may_read(), "/workspace/a/b/c.bin", 0, Bytes(100)).await);
        assert_eq!(part.content, content);
        assert_eq!(part.size, Bytes(content.len() as u64));
    }
}

/// A part is what it says, and the size is the whole file's.
pub async fn a_part_of_a_file_can_be_read(bench: &Bench) {
    bench.write("f", "0123456789").await;
    let machine = bench.open().await;
    for (offset, max, expected) in [(0, 4, "0123"), (8, 100, "89"), (10, 5, ""), (99, 5, ""), (3, 0, "")] {
        let part = must("read", machine.read(&bench.may_read(), "f", offset, Bytes(max)).await);
        assert_eq!(part.content, expected.as_bytes(), "{offset} {max}");
        assert_eq!(part.size, Bytes(10));
    }
}

/// Each way to fail has its own error.
pub async fn every_file_error_is_told_apart(bench: &Bench) {
    bench.write("dir/file", "x").await;
    let machine = bench.open().await;
    let (read, write) = (bench.may_read(), bench.may_write());
    let missing = machine.read(&read, "dir/none", 0, Bytes(1)).await;
    assert!(matches!(&missing, Err(Error::NotFound { path }) if path == "dir/none"), "{missing:?}");
    assert!(matches!(machine.read(&read, "dir/file/x", 0, Bytes(1)).await, Err(Error::NotFound { .. })));
    assert!(matches!(machine.read(&read, "dir", 0, Bytes(1)).await, Err(Error::WrongKind { .. })));
    assert!(matches!(machine.write(&write, "dir", b"x").await, Err(Error::WrongKind { .. })));
    assert!(matches!(machine.write(&write, "dir/file/x", b"x").await, Err(Error::WrongKind { .. })));
    assert!(matches!(machine.list(&read, "none", 1, 10).await, Err(Error::NotFound { .. })));
    assert!(matches!(machine.list(&read, "dir/file", 1, 10).await, Err(Error::WrongKind { .. })));
    assert!(matches!(machine.search(&read, "none", "x", 10).await, Err(Error::NotFound { .. })));
    assert!(matches!(machine.search(&read, ".", "(", 10).await, Err(Error::BadPattern { .. })));
}

/// Neither `..`, absolute paths, links nor links in the middle lead out.
pub async fn paths_that_lead_outside_are_refused(bench: &Bench) {
    bench.write("in/file", "x").await;
    let ran = bench
        .run("ln -s /etc etc; ln -s ../../../../etc/passwd in/up; ln -s / in/root; ln -s in inside")
        .await;
    assert_eq!(ran.stderr, "");
    let machine = bench.open().await;
    for path in [
        "../x",
        "in/../../x",
        "/etc/passwd",
        "/",
        "etc/passwd",
        "in/up",
        "in/root/etc/passwd",
        "/workspace/../x",
    ] {
        let read = machine.read(&bench.may_read(), path, 0, Bytes(1)).await;
        assert!(
            matches!(&read, Err(Error::Outside { path: named }) if named == path),
            "read {path}: {read:?}"
        );
        let written = machine.write(&bench.may_write(), path, b"x").await;
        assert!(matches!(written, Err(Error::Outside { .. })), "write {path}: {written:?}");
    }
    for path in ["..", "etc", "in/root"] {
        let listed = machine.list(&bench.may_read(), path, 1, 10).await;
        assert!(matches!(listed, Err(Error::Outside { .. })), "list {path}: {listed:?}");
        let searched = machine.search(&bench.may_read(), path, "root", 10).await;
        assert!(matches!(searched, Err(Error::Outside { .. })), "search {path}: {searched:?}");
    }
    assert_eq!(must("inside", bench.read("inside/file").await), "x", "links that stay inside are followed");
}

/// A reader sees the old file or the new one, also of a caller who went away in the middle.
pub async fn a_large_file_is_written_whole_or_not_at_all(bench: &Bench) {
    let machine = bench.open().await;
    let (old, new) = (vec![b'o'; 3_000_000], vec![b'n'; 5_000_000]);
    must("write", machine.write(&bench.may_write(), "big", &old).await);
    {
        let permit = bench.may_write();
        let writing = machine.write(&permit, "big", &new);
        // silent-ok: to be cut off is the point.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(300), writing).await;
    }
    let whole = must("read", machine.read(&bench.may_read(), "big", 0, Bytes::mib(8)).await).content;
    assert!(whole == old || whole == new, "{} bytes", whole.len());
    must("write", machine.write(&bench.may_write(), "big", &new).await);
    let whole = must("read", machine.read(&bench.may_read(), "big", 0, Bytes::mib(8)).await).content;
    assert!(whole == new, "{} bytes", whole.len());
    let names = must("list", machine.list(&bench.may_read(), ".", 1, 10).await);
    assert_eq!(names.len(), 1, "nothing half-written is left: {names:?}");
}

/// Sorted by path, cut at the limit, links not followed.
pub async fn listings_are_sorted_and_bounded(bench: &Bench) {
    for path in ["b/two", "b/one", "a.txt", "a/deep/er"] {
        bench.write(path, "12345").await;
    }
    bench.run("ln -s .. b/loop; mkfifo b/pipe").await;
    let machine = bench.open().await;
    let list = async |path: &str, depth, max| {
        let entries = must(path, machine.list(&bench.may_read(), path, depth, max).await);
        entries.into_iter().map(|entry| (entry.path, entry.kind, entry.size.0)).collect::<Vec<_>>()
    };
    let entry = |path: &str, kind, size| (path.to_owned(), kind, size);
    assert_eq!(
        list("b", 1, 10).await,
        [
            entry("b/loop", EntryKind::Link, 0),
            entry("b/one", EntryKind::File, 5),
            entry("b/pipe", EntryKind::Other, 0),
            entry("b/two", EntryKind::File, 5),
        ]
    );
    let paths = |entries: Vec<(String, EntryKind, u64)>| entries.into_iter().map(|e| e.0).collect::<Vec<_>>();
    assert_eq!(paths(list(".", 1, 10).await), ["a", "a.txt", "b"]);
    assert_eq!(paths(list("", 3, 5).await), ["a", "a.txt", "a/deep", "a/deep/er", "b"]);
    assert_eq!(list("/workspace", 9, 0).await, []);
    bench.run("mkdir many; cd many; i=0; while [ $i -lt 3000 ]; do : > file-with-quite-a-long-name-$i; i=$((i+1)); done").await;
    assert_eq!(list("many", 1, 5000).await.len(), 3000, "a listing longer than one frame");
}

/// File, line and text; no more than asked for.
pub async fn searches_are_bounded_and_say_where(bench: &Bench) {
    bench.write("src/a.txt", "alpha\nneedle one\n").await;
    bench.write("src/b.txt", "needle two\n").await;
    bench.run("printf 'needle\\0' > src/binary; ln -s . src/loop; mkfifo src/pipe").await;
    let machine = bench.open().await;
    let found = must("search", machine.search(&bench.may_read(), ".", "^needle (one|two)$", 10).await);
    let found: Vec<_> = found.iter().map(|m| (m.path.as_str(), m.line, m.text.as_str())).collect();
    assert_eq!(found, [("src/a.txt", 2, "needle one"), ("src/b.txt", 1, "needle two")]);
    assert_eq!(must("search", machine.search(&bench.may_read(), "src", "needle", 1).await).len(), 1);
    assert_eq!(must("search", machine.search(&bench.may_read(), "src/b.txt", "needle", 9).await).len(), 1);
}

/// Commands and file operations work on the same files, with rights that fit.
pub async fn files_and_commands_see_each_other(bench: &Bench) {
    bench.write("from/outside", "hello\n").await;
    let ran = bench
        .run("cat from/outside; echo more >> from/outside; echo back > from/inside; rm from/outside")
        .await;
    assert_eq!(ran.stdout, "hello\n", "{ran:?}");
    assert_eq!(must("inside", bench.read("from/inside").await), "back\n");
    assert!(matches!(bench.read("from/outside").await, Err(Error::NotFound { .. })));
    bench.run("printf x > tool; chmod 755 tool").await;
    bench.write("tool", "#!/bin/sh\necho kept its mode\n").await;
    assert_eq!(bench.run("./tool").await.stdout, "kept its mode\n");
}

/// Pipes and sockets are no files, and nobody waits for them.
pub async fn odd_files_are_refused_without_waiting(bench: &Bench) {
    bench.run("mkfifo pipe; ln -s pipe link; ln -s nowhere dangling; ln -s self self").await;
    let machine = bench.open().await;
    for path in ["pipe", "link"] {
        let read = super::soon(path, machine.read(&bench.may_read(), path, 0, Bytes(1))).await;
        assert!(matches!(read, Err(Error::WrongKind { .. })), "read {path}: {read:?}");
        let written = super::soon(path, machine.write(&bench.may_write(), path, b"x")).await;
        assert!(matches!(written, Err(Error::WrongKind { .. })), "write {path}: {written:?}");
    }
    assert!(matches!(bench.read("dangling").await, Err(Error::NotFound { .. })));
    assert!(matches!(bench.read("self").await, Err(Error::NotFound { .. })));
    bench.write("dangling", "made").await;
    assert_eq!(must("nowhere", bench.read("nowhere").await), "made");
}

/// Leave to do something else is no leave to touch files.
pub async fn a_wrong_permit_touches_no_file(bench: &Bench) {
    bench.write("f", "x").await;
    let machine = bench.open().await;
    let (other, run) = (bench.other(), bench.may_run("cat f"));
    for permit in [&run, &other.may_read()] {
        assert!(matches!(machine.read(permit, "f", 0, Bytes(1)).await, Err(Error::NotPermitted)));
        assert!(matches!(machine.list(permit, ".", 1, 1).await, Err(Error::NotPermitted)));
        assert!(matches!(machine.search(permit, ".", "x", 1).await, Err(Error::NotPermitted)));
    }
    for permit in [&run, &bench.may_read(), &other.may_write()] {
        assert!(matches!(machine.write(permit, "f", b"y").await, Err(Error::NotPermitted)));
    }
    assert_eq!(must("f", bench.read("f").await), "x");
}

fn list(texts: &[&str]) -> Vec<PathRule> {
    texts.iter().map(|text| must(text, text.parse())).collect()
}

fn is_denied<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Denied { .. }))
}

/// Reading, writing, listing and searching, each to the letter of the rules.
pub async fn file_operations_keep_to_the_rules(bench: &Bench) {
    for path in ["secrets/key", "data/a.txt", "data/b.pem", "in/x.csv", "top"] {
        bench.write(path, "needle\n").await;
    }
    let mut ruled = bench.clone();
    ruled.spec.files = FileRules {
        read: list(&["data/**", "in/*.csv", "secrets/**"]),
        write: list(&["out/**", "in/*.csv"]),
        deny: list(&["secrets", "**/*.pem"]),
        within: vec![],
    };
    let machine = ruled.open().await;
    let (may_read, may_write) = (bench.may_read(), bench.may_write());
    for path in ["data/a.txt", "in/x.csv", "/workspace/in/../data/a.txt"] {
        assert_eq!(must(path, ruled.read(path).await), "needle\n", "{path}");
    }
    for path in ["secrets/key", "data/b.pem", "top", "in/../top", "in/other", "secrets/none"] {
        let read = ruled.read(path).await;
        assert!(is_denied(&read), "{path}: {read:?}");
    }
    for path in ["out/new/file", "in/x.csv", "in/y.csv"] {
        must(path, machine.write(&may_write, path, b"new").await);
        assert_eq!(must(path, ruled.read(path).await), "new", "{path}");
    }
    for path in ["top", "data/a.txt", "out/k.pem", "secrets/key", "in/deep/z.csv", "new/file"] {
        let written = machine.write(&may_write, path, b"x").await;
        assert!(is_denied(&written), "{path}: {written:?}");
    }
    let listed = must("list", machine.list(&may_read, ".", 9, 100).await);
    let listed: Vec<_> = listed.iter().map(|entry| entry.path.as_str()).collect();
    let shown = ["data", "data/a.txt", "in", "in/x.csv", "in/y.csv", "out", "out/new", "out/new/file"];
    assert_eq!(listed, shown);
    let found = must("search", machine.search(&may_read, ".", "needle", 100).await);
    assert_eq!(found.iter().map(|found| found.path.as_str()).collect::<Vec<_>>(), ["data/a.txt"]);
    assert!(is_denied(&machine.list(&may_read, "secrets", 1, 10).await));
    assert!(is_denied(&machine.search(&may_read, "top", "needle", 10).await));
    must("stop", bench.machines.stop(bench.agent).await);
    assert_eq!(must("top", bench.read("top").await), "needle\n", "nothing was changed");
    assert!(matches!(bench.read("new/file").await, Err(Error::NotFound { .. })));
}

/// A link is judged by where it leads.
pub async fn no_link_leads_file_operations_past_the_rules(bench: &Bench) {
    bench.write("secrets/key", "secret").await;
    bench.write("out/x", "x").await;
    bench
        .run(
            "ln -s secrets alias; ln -s ../secrets/key out/key; ln -s ../secrets out/s; ln -s ../other out/o",
        )
        .await;
    let mut ruled = bench.clone();
    ruled.spec.files = FileRules {
        write: list(&["out/**", "alias/**"]),
        deny: list(&["secrets/**"]),
        ..FileRules::default()
    };
    let machine = ruled.open().await;
    for path in ["alias/key", "out/key", "out/s/key"] {
        let read = ruled.read(path).await;
        assert!(is_denied(&read), "read {path}: {read:?}");
        let written = machine.write(&bench.may_write(), path, b"x").await;
        assert!(is_denied(&written), "write {path}: {written:?}");
        let found = machine.search(&bench.may_read(), path, "secret", 10).await;
        assert!(is_denied(&found) || found.as_ref().is_ok_and(Vec::is_empty), "search {path}: {found:?}");
    }
    for path in ["out/s/new/file", "out/s/new", "out/o"] {
        let written = machine.write(&bench.may_write(), path, b"x").await;
        assert!(is_denied(&written), "write {path}: {written:?}");
    }
    for path in ["alias", "out/s"] {
        let listed = machine.list(&bench.may_read(), path, 1, 10).await;
        assert!(is_denied(&listed), "list {path}: {listed:?}");
    }
    must("stop", bench.machines.stop(bench.agent).await);
    assert_eq!(
        bench.run("ls -A secrets; cat secrets/key").await.stdout,
        "key\nsecret",
        "nothing was made there"
    );
}
