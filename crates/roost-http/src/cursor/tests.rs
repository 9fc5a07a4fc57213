use proptest::prelude::*;

use super::*;

fn read(list: &str, cursor: &str) -> Option<[String; 2]> {
    read_cursor(list, cursor).ok()
}

#[test]
fn a_cursor_comes_back_as_it_was_written() {
    let cursor = write_cursor("agents", &[&"2026-01-15T10:30:00Z", &42]);
    assert_eq!(read("agents", &cursor).unwrap(), ["2026-01-15T10:30:00Z", "42"]);
    assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
}

#[test]
fn a_cursor_of_another_list_or_with_other_parts_is_refused() {
    let cursor = write_cursor("agents", &[&"a", &"b"]);
    assert!(read("approvals", &cursor).is_none());
    assert!(read_cursor::<3>("agents", &cursor).is_err());
    let failure = read_cursor::<2>("approvals", &cursor).unwrap_err();
    assert_eq!((failure.status().as_u16(), failure.code()), (400, "invalid_request"));
    assert!(failure.message().starts_with("cursor "));
}

proptest! {
    #[test]
    fn a_changed_cursor_is_refused(index in 0_usize..40, other in "[A-Za-z0-9_-]") {
        let cursor = write_cursor("agents", &[&"2026-01-15T10:30:00Z", &"0123456789"]);
        let index = index % cursor.len();
        let mut changed = cursor.clone();
        changed.replace_range(index..=index, &other);
        prop_assert_eq!(read("agents", &changed).is_some(), changed == cursor);
    }

    #[test]
    fn any_text_is_read_without_harm(text in ".{0,60}") {
        prop_assert!(read("agents", &text).is_none());
    }
}
