use super::*;

#[test]
fn a_subject_is_a_name_or_an_id_or_a_group() {
    let agent: Subject = "0192aaaa-0000-7000-8000-000000000001".parse().unwrap();
    assert!(agent.agent().is_some());
    assert!(!agent.is_group());
    let outside: Subject = "billing bot (prod)".parse().unwrap();
    assert_eq!((outside.agent(), outside.is_group()), (None, false));
    for group in ["account", "swarm:research"] {
        assert!(group.parse::<Subject>().unwrap().is_group());
    }
}

#[test]
fn a_text_that_names_nobody_is_refused() {
    for text in ["", " ", " a", "a ", "a\nb", "a\0"] {
        assert_eq!(text.parse::<Subject>(), Err(InvalidSubject), "{text:?}");
    }
    assert!("x".repeat(200).parse::<Subject>().is_ok());
    assert!("x".repeat(201).parse::<Subject>().is_err());
}
