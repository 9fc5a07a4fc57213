use super::*;

#[test]
fn the_list_in_the_repository_can_be_read() {
    let benches = read(&crate::root().unwrap()).unwrap();
    let mut names: Vec<&str> = benches.iter().map(|bench| bench.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), benches.len(), "names are used once");
    assert!(!names.is_empty());
}

#[test]
fn wrong_entries_are_refused() {
    assert!(parse("[[bench]]\nname = \"a\"\nmeasures = \"b\"\ncommand = []").is_err());
    assert!(parse("[[bench]]\nname = \"a\"\nmeasures = \"b\"\ncommand = [\"true\"]\nodd = 1").is_err());
}

#[test]
fn arguments_reach_the_benchmark_and_its_failure_is_told() {
    let bench = |line: &str| Bench {
        name: "b".into(),
        measures: "nothing".into(),
        command: ["sh", "-c", line, "sh"].map(String::from).into(),
    };
    let root = crate::root().unwrap();
    assert_eq!(bench("test \"$1\" = x").run(&root, &["x"]).unwrap(), Ended::Well);
    assert_eq!(bench("test \"$1\" = x").run(&root, &["y"]).unwrap(), Ended::Badly);
    assert!(run_one(&root, "no-such-bench", &[]).unwrap_err().to_string().contains("there are: "));
}
