use super::*;

#[test]
fn a_command_names_what_it_may_run() {
    for (command, expected) in [
        ("ls -la", vec![]),
        ("git commit -m 'fix'", vec![]),
        ("cat docs/install.md setup.sh", vec![]),
        ("cp bin/tool /workspace/other", vec![]),
        ("./run me", vec!["./run"]),
        ("true && bin/tool docs/a.md", vec!["bin/tool"]),
        ("python3 -u tool.py --flag notes.txt", vec!["tool.py"]),
        ("bash notes.txt", vec!["notes.txt"]),
        ("bash<setup", vec!["setup"]),
        ("cat install.md | sh", vec!["install.md"]),
        ("cd sub && sh x", vec!["x", "sub/x"]),
        ("/usr/bin/python3 /workspace/a.py", vec!["/workspace/a.py"]),
        ("echo $(. ./env)", vec!["./env"]),
        ("if true; then sudo ./a; fi", vec!["./a"]),
        ("xargs -n1 sh < list.txt", vec!["list.txt"]),
    ] {
        let found = named(command);
        for path in &expected {
            assert!(found.iter().any(|one| one == path), "{command}: {path} is not in {found:?}");
        }
        assert_eq!(found.is_empty(), expected.is_empty(), "{command}: {found:?}");
    }
}

#[test]
fn a_long_command_names_a_bounded_number() {
    let command = (0..1_000).map(|n| format!("sh f{n}.sh; ")).collect::<String>();
    assert_eq!(named(&command).len(), MOST_FILES);
}

#[test]
fn a_file_is_scanned_in_every_language_it_may_be_run_in() {
    for (path, command, content, expected) in [
        ("x", "bash x", "", vec!["x", "x.sh"]),
        ("x.txt", "python3 x.txt", "", vec!["x.txt", "x.txt.py"]),
        ("x.sh", "python3 x.sh", "", vec!["x.sh", "x.sh.py"]),
        ("x.sh", "./x.sh", "#!/bin/sh\n", vec!["x.sh"]),
        ("x", "./x", "#!/usr/bin/env python3\nprint()", vec!["x", "x.py"]),
        ("x", "./x", "echo", vec!["x", "x.sh"]),
    ] {
        assert_eq!(aliases_of(path, command, content.as_bytes()), expected, "{command}");
    }
}
