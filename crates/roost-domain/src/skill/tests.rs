use std::collections::BTreeMap;

use super::*;
use crate::unit::Bytes;

fn file(path: &str, size: u64) -> SkillFile {
    SkillFile { path: path.parse().unwrap(), size: Bytes(size), sha256: [7; 32] }
}

fn manifest(paths: &[&str]) -> Result<Manifest, InvalidManifest> {
    let with = |path: &&str| file(path, 10);
    Manifest::new(std::iter::once(&"SKILL.md").chain(paths).map(with).collect())
}

#[test]
fn ids_follow_the_specification() {
    for good in ["a", "csv-insights", "7zip", &"a".repeat(64)] {
        assert!(good.parse::<SkillId>().is_ok(), "{good}");
    }
    for bad in ["", "-a", "a-", "a--b", "A", "a_b", "a b", "../a", "ä", "a/b", &"a".repeat(65)] {
        assert!(bad.parse::<SkillId>().is_err(), "{bad}");
    }
    assert_eq!(SkillId::from_title("Web Search!").unwrap().as_str(), "web-search");
    assert_eq!(SkillId::from_title("日本"), None);
    assert_eq!("csv-insights".parse::<SkillId>().unwrap().title(), "Csv Insights");
}

#[test]
fn no_path_leads_out_of_the_skill() {
    for good in ["SKILL.md", "scripts/run.sh", "a/b/c/d.txt", ".hidden"] {
        assert!(good.parse::<SkillPath>().is_ok(), "{good}");
    }
    let bad = [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "./a",
        "a/",
        "a\\b",
        "C:x",
        "a\0b",
        "a\nb",
        "con.",
        " a",
        "a/b/c/d/e/f/g/h/i",
    ];
    for bad in bad {
        assert!(bad.parse::<SkillPath>().is_err(), "{bad:?}");
    }
}

#[test]
fn files_that_not_every_system_keeps_apart_are_refused() {
    assert!(manifest(&["scripts/a.sh", "scripts/b.sh"]).is_ok());
    for paths in [
        &["skill.md"][..],
        &["scripts/a.sh", "scripts/A.sh"],
        &["scripts/a.sh", "Scripts/b.sh"],
        &["scripts", "scripts/b.sh"],
        &["Scripts", "scripts/b.sh"],
    ] {
        assert!(matches!(manifest(paths), Err(InvalidManifest::Same(..))), "{paths:?}");
    }
}

#[test]
fn a_skill_has_bounds() {
    assert_eq!(Manifest::new(vec![file("a", 1)]), Err(InvalidManifest::NoSkillFile));
    let long = file("SKILL.md", MOST_SKILL_FILE_BYTES + 1);
    assert_eq!(Manifest::new(vec![long]), Err(InvalidManifest::LongSkillFile));
    let large = vec![file("SKILL.md", 1), file("a", MOST_BYTES)];
    assert_eq!(Manifest::new(large), Err(InvalidManifest::TooLarge));
    let overflowing = vec![file("SKILL.md", 1), file("a", u64::MAX), file("b", u64::MAX)];
    assert_eq!(Manifest::new(overflowing), Err(InvalidManifest::TooLarge));
    let names: Vec<String> = (0..MOST_FILES).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(manifest(&names), Err(InvalidManifest::TooMany));
    assert!(manifest(&names[1..]).is_ok());
}

#[test]
fn the_hash_names_the_content() {
    let one = manifest(&["a", "b"]).unwrap();
    assert_eq!(one.hash(), manifest(&["b", "a"]).unwrap().hash(), "the order says nothing");
    assert_ne!(one.hash(), manifest(&["a", "c"]).unwrap().hash());
    let mut files = one.files().to_vec();
    files[1].sha256 = [8; 32];
    assert_ne!(Manifest::new(files).unwrap().hash(), one.hash());
}

#[test]
fn versions_are_ordered_and_forgiving() {
    let version = |text: &str| text.parse::<SkillVersion>().unwrap();
    assert_eq!(version("1.2"), version("v1.2.0"));
    assert!(version("1.10.0") > version("1.9.9"));
    assert!(version("1.0.0-beta.1") < version("1.0.0"));
    assert_eq!(version("1.2.3-rc.1").next(), version("1.2.4"));
    for bad in ["", "x", "1.2.3.4", "1..2", "1.2.x", "-1"] {
        assert!(bad.parse::<SkillVersion>().is_err(), "{bad:?}");
    }
}

#[test]
fn what_a_skill_says_of_itself_is_bounded() {
    let about = About {
        name: None,
        description: "Does it".to_owned(),
        license: None,
        compatibility: None,
        metadata: BTreeMap::new(),
        allowed_tools: Vec::new(),
    };
    assert!(about.clone().check().is_ok());
    let with = |description: &str| About { description: description.to_owned(), ..about.clone() }.check();
    assert_eq!(with(" "), Err(InvalidAbout::Missing("description")));
    assert!(with(&"ä".repeat(1_024)).is_ok());
    assert!(matches!(with(&"a".repeat(1_025)), Err(InvalidAbout::TooLong { .. })));
    assert!(matches!(with("a\u{1b}[2J"), Err(InvalidAbout::Control(_))));
    let much = (0..65).map(|n| (format!("k{n}"), String::new())).collect();
    assert_eq!(About { metadata: much, ..about }.check(), Err(InvalidAbout::TooMuch(65)));
}

#[test]
fn what_is_installed_stands_as_its_people_and_its_approval_say() {
    use crate::approval::Status;
    let id = |n| uuid::Uuid::from_u128(n);
    let skill = InstalledSkill {
        id: InstalledSkillId::from_uuid(id(1)),
        account: AccountId::from_uuid(id(2)),
        agent: AgentId::from_uuid(id(3)),
        skill: "tidy".parse().unwrap(),
        trust: TrustLevel::Verified,
        title: "Tidy".into(),
        description: "Tidies".into(),
        version: SkillVersion::FIRST,
        package: PackageHash([1; 32]),
        score: TrustScore::MAX,
        enabled: true,
        approval: None,
        installed_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    let with = |enabled, status: Option<Status>| {
        let approval = status.map(|status| (ApprovalId::from_uuid(id(9)), status));
        InstalledSkill { enabled, approval, ..skill.clone() }.standing()
    };
    for (enabled, status, standing) in [
        (true, None, Standing::Active),
        (false, None, Standing::Disabled),
        (true, Some(Status::Approved), Standing::Active),
        (false, Some(Status::Approved), Standing::Disabled),
        (true, Some(Status::Pending), Standing::Pending),
        (false, Some(Status::Pending), Standing::Pending),
        (true, Some(Status::Denied), Standing::Refused),
        (true, Some(Status::Expired), Standing::Refused),
        (true, Some(Status::Withdrawn), Standing::Refused),
    ] {
        assert_eq!(with(enabled, status), standing, "{enabled} {status:?}");
    }
    let other = InstalledSkill { skill: "sweep".parse().unwrap(), ..skill.clone() };
    let newer = InstalledSkill { package: PackageHash([2; 32]), ..skill.clone() };
    assert_eq!(Placement::of([&skill, &other]), Placement::of([&other, &skill]));
    assert_ne!(Placement::of([&skill]), Placement::of([&newer]));
    assert_ne!(Placement::of([&skill]), Placement::of([&skill, &other]));
    assert!(
        needs_approval(TrustScore::from_number(69), 70) && !needs_approval(TrustScore::from_number(70), 70)
    );
}
