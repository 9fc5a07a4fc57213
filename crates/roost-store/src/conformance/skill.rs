use std::collections::BTreeMap;

use roost_domain::approval::{Approval, Status};
use roost_domain::id::AccountId;
use roost_domain::scan::{Report, TrustScore};
use roost_domain::skill::{About, InstalledSkill, Manifest, Placement, SkillFile, SkillPath, TrustLevel};
use roost_domain::unit::Bytes;
use roost_ports::store::{CustomVersion, Error, KeptPackage, Writer};

use super::approval::approval;
use super::{Any, World, account, agent, at, id, read, session, turn, world, write};

fn package(mark: u8) -> (KeptPackage, Vec<(SkillPath, Vec<u8>)>) {
    let contents: Vec<(SkillPath, Vec<u8>)> =
        vec![("SKILL.md".parse().unwrap(), vec![mark]), ("scripts/run.sh".parse().unwrap(), vec![mark; 3])];
    let file = |(path, content): &(SkillPath, Vec<u8>)| SkillFile {
        path: path.clone(),
        size: Bytes(content.len() as u64),
        sha256: [mark; 32],
    };
    let about = About {
        name: Some("tidy".parse().unwrap()),
        description: "Tidies up".into(),
        license: Some("MIT".into()),
        compatibility: None,
        metadata: BTreeMap::from([("author".into(), "ann".into())]),
        allowed_tools: vec!["Read".into()],
    };
    let manifest = Manifest::new(contents.iter().map(file).collect()).unwrap();
    (KeptPackage { about, manifest, report: Report::new(Vec::new(), 2), rules: "1".into() }, contents)
}

fn put(writer: &mut dyn Writer, mark: u8) -> Result<roost_domain::skill::PackageHash, Error> {
    let (package, contents) = package(mark);
    writer.put_skill_package(&package, &contents, at(1))?;
    Ok(package.manifest.hash())
}

fn version(account: AccountId, skill: &str, version: &str, mark: u8) -> CustomVersion {
    CustomVersion {
        account,
        skill: skill.parse().unwrap(),
        version: version.parse().unwrap(),
        title: "Tidy".into(),
        package: package(mark).0.manifest.hash(),
        created_at: at(2),
    }
}

fn installed(world: &World, number: u128, skill: &str, mark: u8) -> InstalledSkill {
    InstalledSkill {
        id: id(number),
        account: world.account,
        agent: world.agent,
        skill: skill.parse().unwrap(),
        trust: TrustLevel::Verified,
        title: "Tidy".into(),
        description: "Tidies up".into(),
        version: "1.2.3".parse().unwrap(),
        package: package(mark).0.manifest.hash(),
        score: TrustScore::from_number(85),
        enabled: true,
        approval: None,
        installed_at: at(i64::try_from(number).unwrap()),
        updated_at: at(9),
    }
}

pub(crate) async fn a_package_is_kept_once_and_as_long_as_it_is_used(store: Any) {
    let world = world(&store).await;
    let (kept, contents) = package(1);
    let hash = kept.manifest.hash();
    write(&store, |writer| put(writer, 1)).await;
    assert_eq!(read(&store, move |reader| reader.skill_package(hash)).await, Some(kept.clone()));
    let (path, content) = contents[1].clone();
    assert_eq!(read(&store, move |reader| reader.skill_file(hash, &path)).await, Some(content));
    let newer = KeptPackage { rules: "2".into(), ..kept };
    let again = newer.clone();
    write(&store, move |writer| writer.put_skill_package(&again, &contents, at(5))).await;
    assert_eq!(read(&store, move |reader| reader.skill_package(hash)).await, Some(newer));
    let skill = installed(&world, 7, "tidy", 1);
    write(&store, move |writer| writer.insert_installed_skill(&skill)).await;
    write(&store, move |writer| writer.drop_skill_package(hash)).await;
    assert!(read(&store, move |reader| reader.skill_package(hash)).await.is_some(), "an agent has it");
    let agent = world.agent;
    write(&store, move |writer| writer.delete_installed_skill(agent, &"tidy".parse().unwrap())).await;
    write(&store, move |writer| writer.drop_skill_package(hash)).await;
    assert_eq!(read(&store, move |reader| reader.skill_package(hash)).await, None);
    assert_eq!(read(&store, move |reader| reader.skill_file(hash, &"SKILL.md".parse().unwrap())).await, None);
}

pub(crate) async fn versions_of_custom_skills_are_listed_latest_first_within_their_account(store: Any) {
    let (mine, theirs) = (account(1).id, account(2).id);
    write(&store, move |writer| {
        writer.insert_account(&account(1))?;
        writer.insert_account(&account(2))?;
        put(writer, 1)?;
        put(writer, 2)?;
        for (number, mark) in [("1.9.0", 1), ("1.10.0", 2)] {
            writer.insert_custom_version(&version(mine, "tidy", number, mark))?;
        }
        writer.insert_custom_version(&version(mine, "apple", "1.0.0", 1))?;
        writer.insert_custom_version(&version(theirs, "tidy", "5.0.0", 1))
    })
    .await;
    let latest = read(&store, move |reader| reader.custom_skills(mine)).await;
    let names: Vec<String> = latest.iter().map(|one| format!("{} {}", one.skill, one.version)).collect();
    assert_eq!(names, ["apple 1.0.0", "tidy 1.10.0"]);
    let versions = read(&store, move |reader| reader.custom_versions(mine, &"tidy".parse().unwrap())).await;
    assert_eq!(versions, [version(mine, "tidy", "1.10.0", 2), version(mine, "tidy", "1.9.0", 1)]);
    let again = store
        .write::<(), Error>(move |writer| writer.insert_custom_version(&version(mine, "tidy", "1.9.0", 2)));
    assert!(matches!(again.await, Err(Error::Exists { .. })));
    let gone = write(&store, move |writer| {
        let (skill, version) = ("tidy".parse().unwrap(), "1.10.0".parse().unwrap());
        Ok([
            writer.delete_custom_version(mine, &skill, &version)?,
            writer.delete_custom_version(mine, &skill, &version)?,
        ])
    });
    assert_eq!(gone.await, [true, false]);
    let left = read(&store, move |reader| reader.custom_versions(theirs, &"tidy".parse().unwrap())).await;
    assert_eq!(left.len(), 1);
}

pub(crate) async fn a_skill_on_an_agent_reads_back_with_how_its_approval_stands(store: Any) {
    let world = world(&store).await;
    let (first, second) = (installed(&world, 3, "tidy", 1), installed(&world, 2, "apple", 1));
    let asked = InstalledSkill { approval: Some((id(50), Status::Pending)), ..first.clone() };
    let owner = world.account;
    let (one, two) = (asked.clone(), second.clone());
    write(&store, move |writer| {
        put(writer, 1)?;
        let session = session(100, &agent(10, owner));
        let question = Approval { waiting: None, ..approval(50, &turn(1_000, &session)) };
        writer.insert_approval(&question)?;
        writer.insert_installed_skill(&one)?;
        writer.insert_installed_skill(&two)
    })
    .await;
    let of = world.agent;
    assert_eq!(read(&store, move |reader| reader.installed_skills(of)).await, [second, asked.clone()]);
    write(&store, move |writer| {
        let question = writer.approval(owner, id(50))?.unwrap();
        writer.update_approval(&Approval { status: Status::Denied, decided_at: Some(at(20)), ..question })
    })
    .await;
    let refused = read(&store, move |reader| reader.installed_skills(of)).await;
    assert_eq!(refused[1].approval, Some((id(50), Status::Denied)));
    let changed =
        InstalledSkill { enabled: false, approval: None, version: "2.0.0".parse().unwrap(), ..asked };
    let written = changed.clone();
    write(&store, move |writer| writer.update_installed_skill(&written)).await;
    assert_eq!(read(&store, move |reader| reader.installed_skills(of)).await[1], changed);
    let double = InstalledSkill { id: id(60), ..changed };
    let double = store.write::<(), Error>(move |writer| writer.insert_installed_skill(&double)).await;
    assert!(matches!(double, Err(Error::Exists { .. })));
    let counts = read(&store, move |reader| reader.skill_installs(TrustLevel::Verified, owner)).await;
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [1, 1]);
    let custom = read(&store, move |reader| reader.skill_installs(TrustLevel::Custom, owner)).await;
    assert!(custom.is_empty());
}

pub(crate) async fn what_a_workspace_holds_is_known_and_goes_with_the_agent(store: Any) {
    let world = world(&store).await;
    let (owner, of) = (world.account, world.agent);
    let skill = installed(&world, 3, "tidy", 1);
    let placement = Placement::of([&skill]);
    let hash = skill.package;
    assert_eq!(read(&store, move |reader| reader.placed_skills(of)).await, None);
    write(&store, move |writer| {
        put(writer, 1)?;
        writer.insert_installed_skill(&skill)?;
        writer.place_skills(of, Some(Placement([1; 32])))?;
        writer.place_skills(of, Some(placement))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.placed_skills(of)).await, Some(placement));
    assert!(write(&store, move |writer| writer.delete_agent(owner, of, at(9))).await);
    assert_eq!(read(&store, move |reader| reader.placed_skills(of)).await, None);
    assert!(read(&store, move |reader| reader.installed_skills(of)).await.is_empty());
    assert_eq!(read(&store, move |reader| reader.skill_package(hash)).await, None);
}
