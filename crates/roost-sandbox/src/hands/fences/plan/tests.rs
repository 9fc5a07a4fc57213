use super::*;

fn rules(read: &[&str], write: &[&str], deny: &[&str]) -> FileRules {
    let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    FileRules { read: list(read), write: list(write), deny: list(deny), within: vec![] }
}

/// Returns the view and the steps in short, for a workspace with these files.
fn plan(files: &[&str], rules: &FileRules) -> (View, Vec<String>) {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    }
    let plan = Plan::make(root.path(), rules).unwrap();
    let short = |step: &Step| match step {
        Step::Show { path, access: Access::Write, .. } => format!("write {}", path.display()),
        Step::Show { path, access: Access::Read, .. } => format!("read {}", path.display()),
        Step::Cover { path, .. } => format!("cover {}", path.display()),
    };
    let mut steps: Vec<_> = plan.steps.iter().map(short).collect();
    steps.sort();
    (plan.view, steps)
}

const FILES: [&str; 6] = ["a/b/secret/key", "a/b/x", "a/y.pem", "out/z", "r/1.csv", "r/deep/2.csv"];

#[test]
fn a_denied_directory_is_covered_and_those_above_it_are_pinned() {
    let (view, steps) = plan(&FILES, &rules(&[], &[], &["a/b/secret/**"]));
    assert_eq!(view, View::Whole(Access::Write));
    assert_eq!(steps, ["cover a/b/secret", "write a", "write a/b"]);
}

#[test]
fn what_is_above_is_mounted_before_what_is_below() {
    let root = tempfile::tempdir().unwrap();
    for file in FILES {
        std::fs::create_dir_all(root.path().join(file)).unwrap();
    }
    let plan = Plan::make(root.path(), &rules(&[], &[], &["**/secret", "**/*.pem"])).unwrap();
    for (index, step) in plan.steps.iter().enumerate() {
        let below = plan.steps[..index].iter().find(|earlier| earlier.path().starts_with(step.path()));
        assert!(below.is_none(), "{step:?} hides {below:?}");
    }
}

#[test]
fn writing_is_narrowed_to_directories_and_files_that_exist() {
    let (view, steps) = plan(&FILES, &rules(&[], &["out/**", "r/*.csv"], &[]));
    assert_eq!(view, View::Whole(Access::Read));
    assert_eq!(steps, ["write out", "write r/1.csv"]);
}

#[test]
fn reading_a_part_shows_that_part_only() {
    let (view, steps) = plan(&FILES, &rules(&["a/b/**", "r/**/*.csv"], &["out/**"], &["**/key"]));
    assert_eq!(view, View::Parts);
    assert_eq!(steps, ["cover a/b/secret/key", "read a/b", "read r/1.csv", "read r/deep/2.csv", "write out"]);
}

#[test]
fn without_an_exception_nothing_is_looked_at() {
    let none = Path::new("/nonexistent");
    assert_eq!(Plan::make(none, &rules(&[], &["**"], &[])).unwrap().steps, []);
    assert!(Plan::make(none, &rules(&[], &[], &["**/x"])).is_err());
}

#[test]
fn what_cannot_be_looked_into_is_covered() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let mut deep = root.path().join("d");
    for _ in 0..DEPTH_MAX + 1 {
        deep.push("d");
    }
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir(root.path().join("closed")).unwrap();
    std::fs::set_permissions(root.path().join("closed"), PermissionsExt::from_mode(0o000)).unwrap();
    let plan = Plan::make(root.path(), &rules(&[], &[], &["**/x"])).unwrap();
    let covered: Vec<_> = plan.steps.iter().filter(|step| matches!(step, Step::Cover { .. })).collect();
    // Root looks into everything.
    let expected = if rustix::process::geteuid().is_root() { 1 } else { 2 };
    assert_eq!(covered.len(), expected, "{covered:?}");
}

#[test]
fn too_many_files_named_one_by_one_are_refused() {
    let root = tempfile::tempdir().unwrap();
    for n in 0..=STEPS_MAX {
        std::fs::write(root.path().join(format!("{n}.pem")), "").unwrap();
    }
    let problem = Plan::make(root.path(), &rules(&[], &[], &["**/*.pem"])).unwrap_err();
    assert!(problem.contains("name whole directories"), "{problem}");
}
