use super::slug;

#[test]
fn a_slug_has_nothing_but_letters_digits_and_single_hyphens() {
    let cases = [
        ("Growth", "growth"),
        ("  Growth  Team! ", "growth-team"),
        ("R&D / Berlin", "r-d-berlin"),
        ("Größe", "gr-e"),
        ("🚀", "swarm"),
        ("", "swarm"),
    ];
    for (name, expected) in cases {
        assert_eq!(slug(name, 1), expected, "{name:?}");
    }
}

#[test]
fn a_slug_that_is_taken_gets_a_number_and_stays_short() {
    assert_eq!(slug("Growth", 2), "growth-2");
    let long = slug(&"a".repeat(100), 12);
    assert_eq!(long.len(), 60);
    assert!(long.ends_with("-12"));
}
