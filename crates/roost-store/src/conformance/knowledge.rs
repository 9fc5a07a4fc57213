use std::collections::BTreeSet;

use roost_domain::id::AccountId;
use roost_domain::knowledge::{Entry, Owner, Shelf, Vector, query_words};
use roost_domain::page::Limit;
use roost_ports::store::{KeptShelf, NewEntry, Reader, Removed, Writer};

use super::{Any, account, at, id, read, world, write};

const MODEL: &str = "test/model@4";
const MANY: Limit = Limit::clamped(1_000, 1_000);

fn new(number: u128, text: &str, source: &str) -> NewEntry {
    let metadata = serde_json::json!({"type": "faq", "n": 1.5});
    NewEntry {
        entry: Entry {
            id: id(number),
            text: text.to_owned(),
            source: source.to_owned(),
            metadata: metadata.as_object().unwrap().clone(),
            created_at: at(1),
            updated_at: at(2),
        },
        digest: [u8::try_from(number % 256).unwrap(); 32],
        vector: Some(Vector::normalized(vec![number as f32, 1.0, 0.0, -1.0])),
    }
}

fn mine() -> Shelf {
    Shelf::knowledge(Owner::Agent(id(10)))
}

fn put(writer: &mut dyn Writer, of: AccountId, shelf: &Shelf, entries: &[NewEntry]) -> KeptShelf {
    let kept = writer.open_shelf(of, shelf).unwrap();
    writer.insert_entries(kept.number, MODEL, entries).unwrap();
    writer.shelf(of, shelf).unwrap().unwrap()
}

/// Three entries of two sources on the shelf of agent 10; returns the shelf's number.
async fn with_entries(store: &Any) -> i64 {
    let world = world(store).await;
    write(store, move |writer| {
        let entries = [
            new(1, "Refunds are paid within 14 days.", "refunds.md"),
            new(2, "The office is closed on Sundays.", "office.md"),
            new(3, "A refund needs the receipt; refunds, refunds!", "refunds.md"),
        ];
        Ok(put(writer, world.account, &mine(), &entries).number)
    })
    .await
}

fn found(reader: &dyn Reader, shelf: i64, query: &str) -> Vec<String> {
    let rows = reader.with_words(shelf, &query_words(query), MANY).unwrap();
    let entries = reader.entries_at(shelf, &rows).unwrap();
    let text = |row: &i64| entries.iter().find(|kept| kept.row == *row).unwrap().entry.text.clone();
    rows.iter().map(text).collect()
}

pub(crate) async fn entries_are_listed_in_order_and_found_by_words_on_their_shelf_only(store: Any) {
    let shelf = with_entries(&store).await;
    let other = write(&store, |writer| {
        let other = Shelf::knowledge(Owner::Swarm(id(10)));
        Ok(put(writer, id(1), &other, &[new(4, "Refunds of others.", "refunds.md")]).number)
    })
    .await;
    read(&store, move |reader| {
        let first = reader.entries(shelf, None, None, Limit::clamped(2, 2))?;
        assert_eq!(first.rows[0], new(1, "Refunds are paid within 14 days.", "refunds.md").entry);
        assert_eq!(first.next, Some(id(3)));
        let rest = reader.entries(shelf, None, first.next, MANY)?;
        assert_eq!((rest.rows.len(), rest.next), (1, None));
        let of_source = reader.entries(shelf, Some("refunds.md"), None, MANY)?;
        assert_eq!(of_source.rows.iter().map(|entry| entry.id).collect::<Vec<_>>(), [id(1), id(3)]);
        assert_eq!(found(reader, shelf, "How is a REFUND paid?").len(), 2);
        assert_eq!(found(reader, shelf, "sunday"), ["The office is closed on Sundays."]);
        assert_eq!(found(reader, other, "refunds"), ["Refunds of others."]);
        assert_eq!(found(reader, other, "office"), Vec::<String>::new());
        // What keeps shelves apart leads from none into another.
        assert_eq!(found(reader, other, &format!("s{shelf}xrefunds s{shelf}xoffice")), Vec::<String>::new());
        assert!(reader.entries_at(other, &reader.rows(shelf, MODEL)?)?.is_empty());
        assert_eq!(reader.shelf(id(2), &mine())?, None, "another account's");
        assert_eq!(reader.known_digests(shelf, &[[1; 32], [9; 32]], None)?, [[1; 32]]);
        assert!(reader.known_digests(shelf, &[[1; 32]], Some("refunds.md"))?.is_empty());
        Ok(())
    })
    .await;
}

pub(crate) async fn no_query_is_a_syntax_error(store: Any) {
    let shelf = with_entries(&store).await;
    read(&store, move |reader| {
        for query in [
            "\"",
            "'",
            "*",
            "refunds*",
            "(",
            ")",
            "NEAR(a b, 3)",
            "AND",
            "OR",
            "NOT",
            "AND OR NOT",
            "a AND",
            "^refunds",
            "text:refunds",
            "-",
            "+refunds",
            "{refunds}",
            ";drop table",
            "\0",
            "\u{1f600}",
            "",
            "refunds\"OR\"1",
            "shelf : x",
            "ﬁ",
            "ß",
            "٣",
        ] {
            reader.with_words(shelf, &query_words(query), MANY)?;
            reader.with_words(shelf, &[query.to_owned()], MANY)?;
        }
        assert_eq!(found(reader, shelf, "\"refunds\" AND (NOT office*)").len(), 3);
        Ok(())
    })
    .await;
}

pub(crate) async fn vectors_are_read_in_the_order_in_which_they_came(store: Any) {
    let shelf = with_entries(&store).await;
    write(&store, |writer| {
        put(writer, id(1), &mine(), &[new(5, "Later.", "later.md")]);
        Ok(())
    })
    .await;
    read(&store, move |reader| {
        let all = reader.vectors_after(shelf, MODEL, (0, 0), MANY)?;
        assert_eq!(all.iter().map(|kept| kept.revision).collect::<Vec<_>>(), [1, 1, 1, 2]);
        assert!(all.windows(2).all(|pair| pair[0].row < pair[1].row));
        assert!(all[3].vector.cosine(&new(5, "", "").vector.unwrap()) > 0.999_99);
        let rest = reader.vectors_after(shelf, MODEL, (1, all[1].row), MANY)?;
        assert_eq!(rest, all[2..]);
        assert!(reader.vectors_after(shelf, "test/other@4", (0, 0), MANY)?.is_empty());
        let at = reader.vectors_at(shelf, MODEL, &[all[0].row, all[3].row, 99])?;
        assert_eq!(at.len(), 2);
        let whole = reader.whole_entries(shelf, MODEL, all[0].row, MANY)?;
        assert_eq!(whole.iter().map(|(_, new)| new.entry.id).collect::<Vec<_>>(), [id(2), id(3), id(5)]);
        assert_eq!((whole[2].1.digest, whole[2].1.vector.is_some()), ([5; 32], true));
        assert!(
            reader.whole_entries(shelf, "test/other@4", 0, MANY)?.iter().all(|(_, new)| new.vector.is_none())
        );
        assert_eq!(reader.shelves_of(id(1), mine().owner, 0, MANY)?, [(shelf, mine())]);
        assert!(reader.shelves_of(id(1), mine().owner, shelf, MANY)?.is_empty());
        assert!(reader.shelves_of(id(2), mine().owner, 0, MANY)?.is_empty(), "another account's");
        Ok(())
    })
    .await;
}

pub(crate) async fn what_is_removed_is_gone_from_every_way_of_finding(store: Any) {
    let shelf = with_entries(&store).await;
    write(&store, move |writer| {
        assert_eq!(writer.remove_entries(shelf, &Removed::One(id(77)))?, 0);
        assert_eq!(writer.remove_entries(shelf, &Removed::Source("refunds.md".into()))?, 2);
        Ok(())
    })
    .await;
    read(&store, move |reader| {
        assert_eq!(reader.entries(shelf, None, None, MANY)?.rows.len(), 1);
        assert_eq!(found(reader, shelf, "refunds"), Vec::<String>::new());
        assert_eq!(reader.vectors_after(shelf, MODEL, (0, 0), MANY)?.len(), 1);
        assert_eq!(reader.rows(shelf, MODEL)?.len(), 1);
        Ok(())
    })
    .await;
    write(&store, move |writer| {
        assert_eq!(writer.remove_entries(shelf, &Removed::One(id(2)))?, 1);
        put(writer, id(1), &mine(), &[new(6, "New refunds.", "refunds.md")]);
        assert_eq!(found(writer, shelf, "refunds office"), ["New refunds."]);
        assert_eq!(writer.remove_entries(shelf, &Removed::All)?, 1);
        assert_eq!(writer.shelf(id(1), &mine())?.unwrap().entries, 0);
        Ok(())
    })
    .await;
}

pub(crate) async fn the_shelf_counts_its_changes(store: Any) {
    let shelf = with_entries(&store).await;
    write(&store, move |writer| {
        let look = |writer: &mut dyn Writer| writer.shelf(id(1), &mine()).unwrap().unwrap();
        let first = look(writer);
        assert_eq!((first.revision, first.removed, first.entries), (1, 0, 3));
        let added = put(writer, id(1), &mine(), &[new(7, "More.", "more.md")]);
        assert_eq!((added.revision, added.removed, added.entries), (2, 0, 4));
        writer.remove_entries(shelf, &Removed::One(id(7)))?;
        let removed = look(writer);
        assert_eq!((removed.revision, removed.removed, removed.entries), (3, 3, 3));
        writer.remove_entries(shelf, &Removed::One(id(7)))?;
        assert_eq!(look(writer), removed, "nothing was there to remove");
        assert_eq!(writer.open_shelf(id(1), &mine())?, removed);
        Ok(())
    })
    .await;
}

pub(crate) async fn stale_entries_are_found_and_made_good(store: Any) {
    let shelf = with_entries(&store).await;
    write(&store, move |writer| {
        assert!(writer.stale(MODEL, 0, MANY)?.is_empty());
        let stale = writer.stale("test/next@2", 0, MANY)?;
        assert_eq!(stale.len(), 3);
        assert_eq!(stale[1].text, "The office is closed on Sundays.");
        assert_eq!(writer.stale("test/next@2", stale[0].row, Limit::clamped(1, 1))?, stale[1..2]);
        let next = Vector::normalized(vec![1.0, 0.0]);
        writer.put_vectors("test/next@2", &[(shelf, stale[0].row, next.clone()), (shelf, 4_711, next)])?;
        assert_eq!(writer.stale("test/next@2", 0, MANY)?.len(), 2);
        let embedded = writer.embedded(id(1), "test/next@2")?;
        assert_eq!((embedded.entries, embedded.embedded), (3, 1));
        let came = writer.vectors_after(shelf, "test/next@2", (1, i64::MAX), MANY)?;
        assert_eq!((came.len(), came[0].revision), (1, 2));
        assert_eq!(writer.forget_vectors(id(1))?, 3);
        assert_eq!(writer.embedded(id(1), MODEL)?.embedded, 0);
        assert_eq!(writer.stale(MODEL, 0, MANY)?.len(), 3);
        Ok(())
    })
    .await;
}

pub(crate) async fn memories_are_of_one_peer(store: Any) {
    with_entries(&store).await;
    write(&store, |writer| {
        let owner = Owner::Agent(id(10));
        put(writer, id(1), &Shelf::memory(owner, "peer:ann".into()), &[new(11, "Ann likes tea.", "chat")]);
        put(writer, id(1), &Shelf::memory(owner, "peer:bob".into()), &[new(12, "Bob likes rum.", "chat")]);
        let of = |writer: &dyn Reader, peer: Option<&str>| -> BTreeSet<String> {
            let part = writer.memories(id(1), owner, peer, None, MANY).unwrap();
            part.rows.into_iter().map(|one| format!("{}: {}", one.peer, one.entry.text)).collect()
        };
        assert_eq!(of(writer, Some("peer:ann")), BTreeSet::from(["peer:ann: Ann likes tea.".to_owned()]));
        assert_eq!(of(writer, None).len(), 2, "knowledge is nobody's memory");
        assert!(writer.memories(id(2), owner, None, None, MANY)?.rows.is_empty());
        assert!(!writer.remove_memory(id(2), owner, id(11))?, "another account's");
        assert!(!writer.remove_memory(id(1), Owner::Agent(id(99)), id(11))?);
        assert!(!writer.remove_memory(id(1), owner, id(1))?, "knowledge is no memory");
        assert!(writer.remove_memory(id(1), owner, id(11))?);
        assert_eq!(of(writer, None).len(), 1);
        assert_eq!(writer.remove_memories(id(1), owner, Some("peer:ann"))?, 0);
        assert_eq!(writer.remove_memories(id(2), owner, None)?, 0, "another account's");
        assert_eq!(writer.remove_memories(id(1), owner, None)?, 1);
        assert_eq!(found(writer, writer.shelf(id(1), &mine())?.unwrap().number, "refunds").len(), 2);
        Ok(())
    })
    .await;
}

pub(crate) async fn a_deleted_owner_leaves_nothing(store: Any) {
    let shelf = with_entries(&store).await;
    write(&store, move |writer| {
        let owner = Owner::Agent(id(10));
        writer.insert_account(&account(2))?;
        put(writer, id(1), &Shelf::memory(owner, "peer:ann".into()), &[new(11, "Ann likes tea.", "chat")]);
        put(writer, id(2), &Shelf::knowledge(Owner::Agent(id(20))), &[new(21, "Of others.", "x")]);
        assert!(writer.delete_agent(id(1), id(10), at(9))?);
        assert_eq!(writer.shelf(id(1), &mine())?, None);
        assert!(writer.memories(id(1), owner, None, None, MANY)?.rows.is_empty());
        assert_eq!(found(writer, shelf, "refunds"), Vec::<String>::new());
        assert_eq!(writer.embedded(id(1), MODEL)?.entries, 0);
        assert_eq!(writer.embedded(id(2), MODEL)?.entries, 1);
        Ok(())
    })
    .await;
}
