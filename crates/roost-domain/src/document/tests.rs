use super::{Author, ContentHash, DocumentName, RuleName};

#[test]
fn documents_are_named_by_their_files() {
    for (text, shown) in [
        ("SOUL.md", "SOUL.md"),
        ("IDENTITY.md", "IDENTITY.md"),
        ("WORKFLOW.md", "WORKFLOW.md"),
        ("rules/new-request_2.md", "rules/new-request_2.md"),
        ("rules:refunds.md", "rules/refunds.md"),
    ] {
        let name: DocumentName = text.parse().unwrap();
        assert_eq!(name.to_string(), shown);
        assert_eq!(shown.parse(), Ok(name));
    }
    for text in
        ["soul.md", "SOUL", "rules/a", "rules/.md", "rules/a.b.md", "rules/../x.md", "rules/a/b.md", ""]
    {
        assert!(text.parse::<DocumentName>().is_err(), "{text:?}");
    }
}

#[test]
fn a_rules_name_has_1_to_64_letters_digits_hyphens_and_underscores() {
    let long = "a".repeat(64);
    for text in ["a", "A-b_9", long.as_str()] {
        assert_eq!(text.parse::<RuleName>().unwrap().as_str(), text);
    }
    for text in ["", "a.md", "a b", "ä", "a/b", &"a".repeat(65)] {
        assert!(text.parse::<RuleName>().is_err(), "{text:?}");
    }
}

#[test]
fn a_hash_reads_back_in_either_case_and_nothing_else_does() {
    let hash = ContentHash::of("hello");
    let text = hash.to_string();
    assert_eq!(text, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_eq!(text.parse(), Ok(hash));
    assert_eq!(text.to_uppercase().parse(), Ok(hash));
    for bad in ["", &text[1..], &text.replace('2', "g"), &format!("{text}0"), "é".repeat(32).as_str()] {
        assert!(bad.parse::<ContentHash>().is_err(), "{bad:?}");
    }
}

#[test]
fn authors_read_back_as_they_are_written() {
    for author in [Author::Owner, Author::Agent, Author::Key("owner".to_owned()), Author::Key(String::new())]
    {
        assert_eq!(author.to_string().parse(), Ok(author));
    }
    assert!("somebody".parse::<Author>().is_err());
}
