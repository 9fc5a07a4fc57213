use super::*;

#[test]
fn a_star_stands_for_any_text() {
    for (pattern, path, matches) in [
        ("eval", "eval", true),
        ("eval", "ast.literal_eval", false),
        ("os.system", "os.system", true),
        ("subprocess.*", "subprocess.run", true),
        ("subprocess.*", "subprocess", false),
        ("*.execute", "db.cursor().execute", true),
        ("*.execute", "execute", false),
        ("*llm*.invoke", "self.my_llm.invoke", true),
        ("*llm*.invoke", "chain.invoke", false),
        ("a*a", "a", false),
    ] {
        assert_eq!(Pattern::new(pattern).matches(path), matches, "{pattern} {path}");
    }
}

#[test]
fn the_index_finds_what_the_patterns_match() {
    let mut index = Index::default();
    for (at, pattern) in ["eval", "*.eval", "sub*", "*_tool"].into_iter().enumerate() {
        index.add(pattern, at);
    }
    assert_eq!(index.find(&["eval"]), [0]);
    assert_eq!(index.find(&["x.eval", "eval"]), [1, 0]);
    assert_eq!(index.find(&["subprocess.run"]), [2]);
    assert_eq!(index.find(&["my_tool"]), [3]);
    assert_eq!(index.find(&["nothing"]), Vec::<usize>::new());
}
