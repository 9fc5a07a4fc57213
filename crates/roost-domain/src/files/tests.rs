use proptest::prelude::*;

use super::*;

fn rules(read: &[&str], write: &[&str], deny: &[&str]) -> FileRules {
    let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    FileRules { read: list(read), write: list(write), deny: list(deny), within: vec![] }
}

fn may(rules: &FileRules, path: &str) -> (bool, bool) {
    (rules.may_read(path).is_ok(), rules.may_write(path).is_ok())
}

#[test]
fn a_rule_covers_what_it_says() {
    let table: [(&str, &[&str], &[&str]); 12] = [
        ("reports/**", &["reports", "reports/a", "reports/a/b"], &["report", "reports2", "x/reports", ""]),
        ("reports", &["reports", "reports/a/b"], &["reports2", ""]),
        ("reports/", &["reports", "reports/a"], &["report"]),
        ("/workspace/reports/*.csv", &["reports/a.csv", "reports/.csv"], &["reports/a/b.csv", "a.csv"]),
        ("**/*.pem", &["a.pem", "a/b/c.pem"], &["a.pem/x", "pem", "a.pem2"]),
        ("./a/./b//c/**", &["a/b/c", "a/b/c/d"], &["a/b", "a"]),
        ("**", &["", "a", "a/b"], &[]),
        ("/workspace", &["", "a", "a/b"], &[]),
        ("a/*/out/**", &["a/x/out", "a/y/out/z"], &["a/out", "a/x/y/out"]),
        ("**/secrets/**", &["secrets", "a/secrets/b", "secrets/x"], &["secret", "a/secrets2"]),
        ("{a,b}/x?.txt", &["a/x1.txt", "b/xy.txt"], &["c/x1.txt", "a/x.txt"]),
        (r"odd\*name", &["odd*name"], &["odd1name"]),
    ];
    for (rule, covered, not) in table {
        let rule: PathRule = rule.parse().unwrap();
        for path in covered {
            assert!(rule.covers(path), "{rule} covers {path:?}");
        }
        for path in not {
            assert!(!rule.covers(path), "{rule} does not cover {path:?}");
        }
        assert_eq!(rule.to_string().parse::<PathRule>().unwrap(), rule, "it is read as it is written");
    }
}

#[test]
fn a_wrong_rule_says_what_is_wrong() {
    for (text, problem) in [
        ("", "1 to 1,000 bytes"),
        ("/etc/**", "only /workspace"),
        ("/workspaces/x", "only /workspace"),
        ("a/../b", "`..`"),
        ("a[", "unclosed character class"),
        ("{a", "unclosed alternate"),
    ] {
        let error = text.parse::<PathRule>().unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("reports/**"), "{text}: {error}");
    }
}

#[test]
fn no_rules_restrict_nothing_but_the_outside() {
    let none = FileRules::default();
    assert!(none.is_unrestricted());
    assert_eq!(may(&none, "a/b"), (true, true));
    assert_eq!(may(&none, "/workspace/a/../b"), (true, true));
    for path in ["../x", "a/../../x", "/etc/passwd", "/workspaces/x", "/"] {
        assert_eq!(none.may_read(path).unwrap_err().rule, "file_outside", "{path}");
    }
}

#[test]
fn denial_wins_and_holds_for_all_below() {
    let rules = rules(&["**"], &["secrets/**", "out/**"], &["secrets/**", "**/*.pem", "private"]);
    assert_eq!(may(&rules, "out/a"), (true, true));
    assert_eq!(may(&rules, "a"), (true, false));
    for path in [
        "secrets",
        "secrets/a",
        "/workspace/x/../secrets/a",
        "k.pem",
        "out/k.pem",
        "out/k.pem/x",
        "private/a",
    ] {
        assert_eq!(rules.may_read(path).unwrap_err().rule, "file_denied", "{path}");
    }
    let why = rules.may_write("out/k.pem").unwrap_err().why;
    assert_eq!(why, r#""out/k.pem" may not be touched: it is denied by "**/*.pem""#);
}

#[test]
fn each_list_restricts_its_own_use() {
    let only_read = rules(&["data/**"], &[], &[]);
    assert_eq!((may(&only_read, "data/a"), may(&only_read, "x")), ((true, true), (false, true)));
    let only_write = rules(&[], &["out/**"], &[]);
    assert_eq!((may(&only_write, "out/a"), may(&only_write, "x")), ((true, true), (true, false)));
    let both = rules(&["data/**"], &["out/*.csv"], &[]);
    assert_eq!(may(&both, "data/a"), (true, false));
    assert_eq!(may(&both, "out/a.csv"), (true, true), "who may write may read");
    assert_eq!(may(&both, "out/a.txt"), (false, false));
    assert_eq!(both.may_read("x").unwrap_err().why, r#""x" is not among what may be read"#);
}

#[test]
fn a_directory_may_be_looked_through_if_something_in_it_could_be_read() {
    let rules = rules(&["data/x/*.csv"], &[], &["data/y"]);
    for path in ["", ".", "data", "data/x"] {
        assert!(rules.may_look(path).is_ok(), "{path}");
    }
    for path in ["other", "data/x/a", "data/y", "data/z", ".."] {
        assert!(rules.may_look(path).is_err(), "{path}");
    }
}

#[test]
fn layers_only_take_away() {
    let account = rules(&[], &[], &["**/*.pem"]);
    let swarm = rules(&["shared/**"], &["shared/**", "out/**"], &[]);
    let agent = rules(&[], &["out/**"], &["out/old/**", "**/*.pem"]);
    let merged = FileRules::merge([account, swarm, FileRules::default(), agent]);
    assert_eq!(merged.deny.len(), 2, "the same rule twice is one");
    assert_eq!(may(&merged, "out/a"), (true, true));
    assert_eq!(may(&merged, "shared/a"), (true, false));
    assert_eq!(may(&merged, "x"), (false, false));
    assert_eq!(may(&merged, "out/k.pem"), (false, false));
    assert_eq!(may(&merged, "out/old/a"), (false, false));
    assert!(FileRules::merge([FileRules::default(), FileRules::default()]).is_unrestricted());
    assert_eq!(may(&FileRules::merge([merged.clone(), merged]), "out/a"), (true, true));
}

#[test]
fn directories_that_can_be_written_are_named() {
    let rules = rules(&["r/**"], &["out/**", "a/b/", "c/*/d/**", "file", "**", "x/*.csv"], &[]);
    assert_eq!(rules.writable_directories(), ["out", "a/b"]);
}

const RULES: [&str; 10] =
    ["a/**", "b", "a/b/*.x", "**/c", "**/*.x", "a/*/c/**", "b/c/", "{a,b/c}/x", "*", "a/**/c"];

fn some_rules() -> impl Strategy<Value = FileRules> {
    let list = || {
        proptest::collection::vec(proptest::sample::select(&RULES[..]), 0..3)
            .prop_map(|texts| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<PathRule>>())
    };
    (list(), list(), list()).prop_map(|(read, write, deny)| FileRules { read, write, deny, within: vec![] })
}

fn some_path() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&["a", "b", "c", "x", "y.x"][..]), 1..5)
        .prop_map(|parts| parts.join("/"))
}

proptest! {
    /// What a driver is told about a directory holds for each path below it.
    #[test]
    fn what_holds_below_a_directory_holds_for_each_path(rules in some_rules(), dir in some_path(), rest in some_path()) {
        let path = format!("{dir}/{rest}");
        let denied = rules.denies(&path).is_some();
        prop_assert!(!denied || rules.denies(&dir).is_some() || rules.denies_below(&dir));
        if !denied {
            let (read, write) = may(&rules, &path);
            prop_assert!(!rules.reads_all_below(&dir) || read);
            prop_assert!(!rules.writes_all_below(&dir) || write);
            prop_assert!(!read || rules.reads_below(&dir));
            prop_assert!(!write || rules.writes_below(&dir));
        }
        prop_assert!(rules.denies(&dir).is_none() || denied, "denial goes down");
    }

    #[test]
    fn merging_allows_exactly_what_every_layer_allows(
        one in some_rules(), two in some_rules(), path in some_path()
    ) {
        let (first, second) = (may(&one, &path), may(&two, &path));
        let merged = FileRules::merge([one, two]);
        prop_assert_eq!(may(&merged, &path), (first.0 && second.0, first.1 && second.1));
    }
}
