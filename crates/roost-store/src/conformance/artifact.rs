use roost_domain::artifact::{Artifact, File};
use roost_domain::id::{AccountId, AgentId, ArtifactId, FileId, FormId, RunId};
use roost_domain::page::Limit;
use roost_domain::unit::Bytes;
use roost_domain::workflow::ArtifactKind;
use roost_ports::random::Id;
use roost_ports::store::{ArtifactFilter, Error};
use uuid::Uuid;

use super::{Any, World, at, read, world, write};

fn id<I: Id>(number: u128) -> I {
    I::from_uuid(Uuid::from_u128(number))
}

fn artifact(world: &World, number: u64, run: u128, title: &str, version: u64) -> Artifact {
    Artifact {
        id: id(number.into()),
        account: world.account,
        agent: world.agent,
        run: id(run),
        step: "report[3]".into(),
        title: title.into(),
        version,
        kind: ArtifactKind::JavaScript,
        size: Bytes(5),
        sha256: "ab".into(),
        created_at: at(number.cast_signed()),
    }
}

fn file(world: &World, number: u128, form: u128) -> File {
    File {
        id: id(number),
        account: world.account,
        agent: world.agent,
        run: id(1),
        form: id(form),
        field: "scan".into(),
        name: "größe.png".into(),
        media_type: "image/png".into(),
        size: Bytes(3),
        created_at: at(5),
    }
}

async fn put(store: &Any, artifact: &Artifact) {
    let artifact = artifact.clone();
    write(store, move |writer| writer.insert_artifact(&artifact, "größe")).await;
}

pub(crate) async fn an_artifact_reads_back_in_its_account_and_agent_alone(store: Any) {
    let world = world(&store).await;
    let made = artifact(&world, 1, 1, "Report", 1);
    put(&store, &made).await;
    let (account, agent, number) = (world.account, world.agent, made.id);
    assert_eq!(read(&store, move |reader| reader.artifact(account, agent, number)).await, Some(made.clone()));
    assert_eq!(read(&store, move |reader| reader.artifact_content(number)).await.as_deref(), Some("größe"));
    let stranger: AccountId = id(77);
    assert_eq!(read(&store, move |reader| reader.artifact(stranger, agent, number)).await, None);
    let other: AgentId = id(77);
    assert_eq!(read(&store, move |reader| reader.artifact(account, other, number)).await, None);
    let missing: ArtifactId = id(77);
    assert_eq!(read(&store, move |reader| reader.artifact_content(missing)).await, None);
}

pub(crate) async fn versions_of_a_title_are_different(store: Any) {
    let world = world(&store).await;
    let agent = world.agent;
    assert_eq!(read(&store, move |reader| reader.artifact_version(agent, "Report")).await, 0);
    put(&store, &artifact(&world, 1, 1, "Report", 1)).await;
    put(&store, &artifact(&world, 2, 1, "Report", 2)).await;
    put(&store, &artifact(&world, 3, 1, "Else", 7)).await;
    assert_eq!(read(&store, move |reader| reader.artifact_version(agent, "Report")).await, 2);
    let again = artifact(&world, 4, 1, "Report", 2);
    let again = store.write(move |writer| writer.insert_artifact(&again, "x")).await;
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
}

pub(crate) async fn artifacts_are_listed_newest_first_and_filtered(store: Any) {
    let world = world(&store).await;
    for (number, run, title, version) in [(1, 1, "A", 1), (2, 2, "A", 2), (3, 2, "B", 1)] {
        put(&store, &artifact(&world, number, run, title, version)).await;
    }
    let agent = world.agent;
    let listed = |filter: ArtifactFilter, after, limit| {
        let store = store.clone();
        async move {
            let page = read(&store, move |reader| {
                reader.artifacts(agent, &filter, after, Limit::clamped(limit, 10))
            });
            let page = page.await;
            let ids: Vec<_> = page.rows.iter().map(|row| row.id.uuid().as_u128()).collect();
            (ids, page.next, page.total)
        }
    };
    let (ids, next, total) = listed(ArtifactFilter::default(), None, 2).await;
    assert_eq!((ids, total), (vec![3, 2], 3));
    let (ids, next, _) = listed(ArtifactFilter::default(), next, 2).await;
    assert_eq!((ids, next), (vec![1], None));
    let of_run = ArtifactFilter { run: Some(id::<RunId>(2)), title: None };
    assert_eq!(listed(of_run, None, 5).await, (vec![3, 2], None, 2));
    let of_title = ArtifactFilter { run: None, title: Some("A".into()) };
    assert_eq!(listed(of_title, None, 5).await, (vec![2, 1], None, 2));
}

pub(crate) async fn files_are_found_in_their_run_and_counted_by_form(store: Any) {
    let world = world(&store).await;
    let (first, second) = (file(&world, 1, 9), file(&world, 2, 9));
    let kept = first.clone();
    write(&store, move |writer| {
        writer.insert_run_file(&first, b"\x00\xff1")?;
        writer.insert_run_file(&second, b"abc")
    })
    .await;
    let (account, run, other): (_, RunId, RunId) = (world.account, id(1), id(2));
    let number: FileId = id(1);
    assert_eq!(read(&store, move |reader| reader.run_file(account, run, number)).await, Some(kept));
    assert_eq!(read(&store, move |reader| reader.run_file(account, other, number)).await, None);
    let content = read(&store, move |reader| reader.run_file_content(number)).await;
    assert_eq!(content.as_deref(), Some(&b"\x00\xff1"[..]));
    let form: FormId = id(9);
    assert_eq!(read(&store, move |reader| reader.form_files(form)).await, (2, 6));
}

pub(crate) async fn what_a_run_made_and_was_given_goes_with_it(store: Any) {
    let world = world(&store).await;
    put(&store, &artifact(&world, 1, 1, "A", 1)).await;
    put(&store, &artifact(&world, 2, 2, "A", 2)).await;
    let given = file(&world, 1, 9);
    write(&store, move |writer| writer.insert_run_file(&given, b"abc")).await;
    write(&store, move |writer| writer.delete_artifacts_of_run(id(1))).await;
    let agent = world.agent;
    let left = read(&store, move |reader| {
        reader.artifacts(agent, &ArtifactFilter::default(), None, Limit::clamped(9, 9))
    });
    assert_eq!(left.await.rows, [artifact(&world, 2, 2, "A", 2)]);
    let form: FormId = id(9);
    assert_eq!(read(&store, move |reader| reader.form_files(form)).await, (0, 0));
}
