use super::*;

#[test]
fn a_snippet_is_the_line_of_its_place() {
    assert_eq!(snippet("a\n  b = c(d)\ne\n", 4), "b = c(d)");
    assert_eq!(snippet("abc", 99), "abc");
    let long = format!("{}eval(x)", "a; ".repeat(10_000));
    let shown = snippet(&long, 30_000);
    assert_eq!(shown, "eval(x)");
}

#[test]
fn secrets_are_masked_and_names_are_not() {
    for (text, shown) in [
        ("key = 'sk-proj-Zk3mPq8LtR5vWx2NcB7hJd9f'", "key = 'sk-p***'"),
        ("password = 'hunter2-Forever'", "password = '***'"),
        ("api_key=os.environ['API_KEY']", "api_key=os.environ['API_KEY']"),
        (
            "curl -H 'Authorization: Bearer ghp_abcdefghijklmnopqrstuvwxyz0123456789'",
            "curl -H 'Authorization: Bearer ghp_***'",
        ),
        ("print(token)", "print(token)"),
    ] {
        assert_eq!(masked(text), shown);
    }
}
