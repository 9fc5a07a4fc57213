use roost_domain::document::{Author, Document, DocumentName, Mark, Version};
use roost_domain::page::Limit;
use roost_ports::store::{DocumentEntry, NewVersion, VersionEntry};

use super::{Any, agent, at, id, read, session, world, write};

pub(crate) fn version(name: DocumentName, content: Option<&str>, seconds: i64) -> NewVersion {
    let mark = Mark { author: Author::Key("ci".into()), note: Some("why".into()), at: at(seconds) };
    NewVersion { name, content: content.map(str::to_owned), mark }
}

fn rule(name: &str) -> DocumentName {
    DocumentName::Rule(name.parse().unwrap())
}

pub(crate) async fn every_version_of_a_document_is_kept_and_the_latest_is_the_document(store: Any) {
    let agent = world(&store).await.agent;
    let soul = || DocumentName::Soul;
    let numbers = write(&store, move |writer| {
        let first = writer.put_document(agent, &version(soul(), Some("kind"), 1))?;
        Ok([first, writer.put_document(agent, &version(soul(), Some("größer"), 2))?])
    })
    .await;
    assert_eq!(numbers, [1, 2]);
    let now = read(&store, move |reader| reader.document(agent, &soul())).await;
    let expected = Document { name: soul(), version: 2, content: "größer".into(), updated_at: at(2) };
    assert_eq!(now, Some(expected));
    assert_eq!(read(&store, move |reader| reader.document(agent, &DocumentName::Identity)).await, None);
    let mark = |seconds| version(soul(), None, seconds).mark;
    let first = read(&store, move |reader| reader.document_version(agent, &soul(), 1)).await;
    let kind = Some("kind".to_owned());
    assert_eq!(first, Some(Version { name: soul(), number: 1, content: kind, mark: mark(1) }));
    for missing in [0, 3, u64::MAX] {
        let found = read(&store, move |reader| reader.document_version(agent, &soul(), missing)).await;
        assert_eq!(found, None);
    }
    let entry = DocumentEntry { name: soul(), version: 2, size: Some(8), mark: mark(2) };
    assert_eq!(read(&store, move |reader| reader.documents(agent)).await, [entry], "the size is in bytes");
    assert_eq!(read(&store, move |reader| reader.documents(id(11))).await, []);
}

pub(crate) async fn a_session_sees_documents_as_they_were_when_it_or_its_agent_began(store: Any) {
    let world = world(&store).await;
    let seen = async |number: u128| {
        let look = move |reader: &dyn roost_ports::store::Reader| {
            let soul = reader.document_in(world.agent, id(number), &DocumentName::Soul)?;
            let rules = reader.rules_in(world.agent, id(number))?;
            let rules: Vec<_> = rules.iter().map(ToString::to_string).collect();
            Ok((soul.map(|soul| soul.content), rules.join(" ")))
        };
        read(&store, look).await
    };
    let put = async |name: DocumentName, content: Option<&'static str>| {
        write(&store, move |writer| writer.put_document(world.agent, &version(name, content, 1))).await;
    };
    let begin = async |number| {
        let new = session(number, &agent(10, world.account));
        write(&store, move |writer| writer.insert_session(&new)).await;
    };
    put(DocumentName::Soul, Some("one")).await;
    put(rule("a"), Some("a")).await;
    assert_eq!(seen(100).await, (None, String::new()), "it began before there was anything");
    begin(101).await;
    put(DocumentName::Soul, Some("two")).await;
    put(rule("b"), Some("b")).await;
    put(rule("a"), None).await;
    begin(102).await;
    put(DocumentName::Soul, None).await;
    assert_eq!(seen(100).await, (None, String::new()));
    assert_eq!(seen(101).await, (Some("one".into()), "a".into()));
    assert_eq!(seen(102).await, (Some("two".into()), "b".into()));
    begin(103).await;
    assert_eq!(seen(103).await, (None, "b".into()), "it was deleted by then");
    put(DocumentName::Soul, Some("three")).await;
    write(&store, move |writer| writer.refresh_documents(world.agent)).await;
    put(DocumentName::Soul, Some("four")).await;
    for number in [100, 101, 102, 103] {
        assert_eq!(seen(number).await, (Some("three".into()), "b".into()), "{number}");
    }
    begin(104).await;
    assert_eq!(seen(104).await.0.as_deref(), Some("four"));
}

pub(crate) async fn versions_are_listed_latest_first_and_bounded(store: Any) {
    let agent = world(&store).await.agent;
    write(&store, move |writer| {
        for number in 1..=205 {
            writer.put_document(agent, &version(rule("a"), Some(&"x".repeat(number)), 1))?;
        }
        writer.put_document(agent, &version(rule("b"), Some("other"), 1))
    })
    .await;
    let page = async |before, limit| {
        let limit = Limit::clamped(limit, 200);
        read(&store, move |reader| reader.document_versions(agent, &rule("a"), before, limit)).await
    };
    let numbers = |rows: &[VersionEntry]| rows.iter().map(|row| row.number).collect::<Vec<_>>();
    let first = page(None, 2).await;
    assert_eq!((numbers(&first.rows), first.next, first.total), (vec![205, 204], Some(204), 200));
    assert_eq!(first.rows[0].size, Some(205));
    let second = page(first.next, 2).await;
    assert_eq!((numbers(&second.rows), second.next), (vec![203, 202], Some(202)));
    let last = page(Some(8), 2).await;
    assert_eq!((numbers(&last.rows), last.next), (vec![7, 6], None), "older ones are gone");
    let pinned = read(&store, move |reader| reader.document_in(agent, id(100), &rule("a"))).await;
    assert_eq!(pinned.map(|seen| seen.version), Some(6), "the oldest that is kept is the nearest");
    let other = read(&store, move |reader| reader.document(agent, &rule("b"))).await;
    assert_eq!(other.map(|other| other.version), Some(1), "others keep theirs");
}

pub(crate) async fn a_deletion_is_a_version_and_few_deleted_documents_are_kept(store: Any) {
    let agent = world(&store).await.agent;
    let name = |number: usize| rule(&format!("r{number}"));
    write(&store, move |writer| {
        for number in 0..203 {
            writer.put_document(agent, &version(name(number), Some("text"), 1))?;
        }
        (0..202).try_for_each(|number| {
            writer.put_document(agent, &version(name(number), None, 2)).map(|_number| ())
        })
    })
    .await;
    let kept = async |number| {
        read(&store, move |reader| reader.document_version(agent, &name(number), 1)).await.is_some()
    };
    assert!(!kept(0).await && !kept(1).await, "the two that were deleted first are forgotten");
    assert!(kept(2).await && kept(201).await);
    assert_eq!(read(&store, move |reader| reader.document(agent, &name(2))).await, None);
    let documents = read(&store, move |reader| reader.documents(agent)).await;
    let there: Vec<_> = documents.iter().filter(|entry| entry.size.is_some()).collect();
    assert_eq!((documents.len(), there.len()), (201, 1));
    assert_eq!(there[0].name, name(202));
}
