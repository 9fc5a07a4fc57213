use super::*;

#[test]
fn a_command_names_what_it_may_run() {
    for (command, expected) in [
        ("ls -la", vec![]),
        ("git commit -m 'fix'", vec![]),
        ("./run me", vec!["./run"]),
        ("python3 -u tool.py --flag out.txt", vec!["tool.py", "out.txt"]),
        ("bash<setup", vec!["setup"]),
        ("cat setup.sh", vec!["setup.sh"]),
        ("cd sub && sh x", vec!["sub", "sub/sub", "x", "sub/x"]),
        ("/usr/bin/python3 /workspace/a.py", vec!["/workspace/a.py"]),
        ("echo $(. ./env)", vec!["./env"]),
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
