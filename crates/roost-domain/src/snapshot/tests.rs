use super::*;

fn at() -> Timestamp {
    "2026-11-25T18:04:05Z".parse().unwrap()
}

#[test]
fn a_snapshot_without_a_name_is_called_by_its_time() {
    assert_eq!(name(None, at()).as_deref(), Ok("2026-11-25 18:04:05"));
    assert_eq!(name(Some("  before the move "), at()).as_deref(), Ok("before the move"));
}

#[test]
fn names_that_are_empty_long_or_unprintable_are_refused() {
    for wrong in ["", "   ", "a\nb", &"ä".repeat(101)] {
        assert_eq!(name(Some(wrong), at()), Err(InvalidName), "{wrong:?}");
    }
    assert!(name(Some(&"ä".repeat(100)), at()).is_ok());
}

#[test]
fn a_forks_name_fits_an_agent_whatever_its_parent_is_called() {
    assert_eq!(fork_name("Ada"), "Ada fork");
    assert_eq!(fork_name(&"ö".repeat(100)).chars().count(), 100);
    assert!(fork_name(&"ö".repeat(100)).ends_with(" fork"));
}

#[test]
fn a_diff_shows_changed_lines_with_what_stands_around_them() {
    let before = "one\ntwo\nthree\nfour\nfive\nsix\n";
    let after = "one\ntwo\n3\nfour\nfive\nsix\nseven\n";
    let diff = unified(before, after).expect("they differ");
    assert_eq!(diff, "@@ -1,6 +1,7 @@\n one\n two\n-three\n+3\n four\n five\n six\n+seven\n");
    assert_eq!(unified(before, before), None);
}

#[test]
fn long_texts_have_no_diff_and_long_diffs_are_cut_at_a_line() {
    assert_eq!(unified(&"x".repeat(TEXT_MAX + 1), ""), None);
    let lines: String = (0..5_000).map(|n| format!("{n:09}\n")).collect();
    let diff = unified("", &lines).expect("they differ");
    assert!(diff.len() <= DIFF_MAX + "…\n".len(), "{}", diff.len());
    assert!(diff.ends_with("…\n") && diff.lines().rev().nth(1).is_some_and(|line| line.len() == 10));
}
