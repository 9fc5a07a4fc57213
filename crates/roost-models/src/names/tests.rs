use proptest::prelude::*;

use super::*;

#[test]
fn plain_names_stay_as_they_are() {
    assert_eq!(call_id("call_12_0"), "call_12_0");
    assert_eq!(tool("read_file"), "read_file");
}

#[test]
fn ids_that_look_alike_once_cleaned_stay_different() {
    assert_ne!(call_id("a.b"), call_id("a:b"));
    assert_ne!(call_id(&"x".repeat(50)), call_id(&"x".repeat(51)));
}

proptest! {
    #[test]
    fn any_text_becomes_a_name_that_vendors_take(text in ".{0,80}") {
        let ok = |name: &str, longest| {
            !name.is_empty()
                && name.len() <= longest
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        prop_assert!(ok(&call_id(&text), 40));
        let name = tool(&text);
        prop_assert!(ok(&name, 64) && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
    }
}
