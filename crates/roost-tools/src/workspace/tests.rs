use super::*;

#[test]
fn paths_are_read_from_the_workspace_in_one_spelling() {
    for (text, expected) in [
        ("notes/today.md", "notes/today.md"),
        ("./notes//today.md", "notes/today.md"),
        ("/workspace/notes/today.md", "notes/today.md"),
        ("/workspace", "."),
        ("/workspace/", "."),
        (".", "."),
        ("..hidden/a..b", "..hidden/a..b"),
        ("ä b/ü", "ä b/ü"),
    ] {
        assert_eq!(path("read_file", text).unwrap(), expected, "{text}");
    }
}

#[test]
fn paths_that_lead_out_are_refused_with_the_right_form() {
    for text in ["/etc/passwd", "/", "/workspaces/a", "../a", "a/../../b", "/workspace/../etc", "a\0b"] {
        let problem = path("read_file", text).unwrap_err().0;
        assert!(problem.starts_with("read_file: `path` "), "{problem}");
        assert!(problem.ends_with("write it from the workspace, such as notes/today.md"), "{problem}");
    }
    assert!(file_path("write_file", "/workspace/.").unwrap_err().0.contains("must name a file"));
}
