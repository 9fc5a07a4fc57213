use std::time::Duration;

use roost_core::{
    DeleteKnowledge, Error, ForkAgent, Found, Ingest, Kind, KnowledgeChunk, ListKnowledge, Removed,
    SearchKnowledge, Settings, Stored, Upload,
};
use roost_domain::event::TurnEvent;
use roost_domain::id::{AgentId, SwarmId};
use roost_domain::knowledge::{Entry, Owner};
use roost_domain::page::Limit;
use roost_testkit::{TestApp, TestEmbedder};
use serde_json::{Map, json};

fn chunk(text: &str, source: &str) -> KnowledgeChunk {
    KnowledgeChunk { text: text.to_owned(), source: source.to_owned(), metadata: Map::new() }
}

async fn ingest(app: &TestApp, owner: Owner, chunks: Vec<KnowledgeChunk>) -> Result<Stored, Error> {
    app.core.knowledge().ingest(&app.ctx(), Ingest { owner, chunks }).await
}

async fn search(app: &TestApp, owner: Owner, query: &str) -> Found {
    let search = SearchKnowledge { owner, query: query.to_owned(), limit: Limit::clamped(5, 5) };
    app.core.knowledge().search(&app.ctx(), search).await.expect("it works")
}

fn texts(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.entry.text.as_str()).collect()
}

async fn all(app: &TestApp, owner: Owner) -> Vec<Entry> {
    let list = ListKnowledge { owner, source: None, from: None, limit: Limit::clamped(100, 100) };
    app.core.knowledge().list(&app.ctx(), list).await.expect("it works").rows
}

async fn delete(app: &TestApp, owner: Owner, which: Removed) -> u64 {
    app.core.knowledge().delete(&app.ctx(), DeleteKnowledge { owner, which }).await.expect("it works")
}

/// A text that shares no word with another of these.
fn unheard(number: usize) -> String {
    (0..6).map(|word| format!("{}{number} ", ["ka", "lo", "mi", "nu", "pe", "ru"][word])).collect()
}

const REFUNDS: &str = "Refunds are paid within fourteen days after the parcel came back to our warehouse.";
const OFFICE: &str = "The office in Vienna is closed on Sundays and on public holidays.";

async fn stocked() -> (TestApp, AgentId) {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let chunks = vec![chunk(REFUNDS, "refunds.md"), chunk(OFFICE, "office.md")];
    let stored = ingest(&app, Owner::Agent(agent), chunks).await.expect("it works");
    assert_eq!(stored, Stored { stored: 2, skipped: 0, total: 2 });
    (app, agent)
}

#[tokio::test]
async fn what_says_the_same_is_skipped_and_asking_twice_does_no_harm() {
    let (app, agent) = stocked().await;
    let owner = Owner::Agent(agent);
    let near = format!("{}!!", REFUNDS.to_uppercase());
    let chunks = vec![
        chunk(REFUNDS, "elsewhere.md"),
        chunk(&near, "near.md"),
        chunk("Something else entirely: bicycles.", "bike.md"),
        chunk("Something else entirely: bicycles.", "again.md"),
    ];
    let stored = ingest(&app, owner, chunks.clone()).await.unwrap();
    assert_eq!(stored, Stored { stored: 1, skipped: 3, total: 4 });
    let before = app.embedder.embedded();
    assert_eq!(ingest(&app, owner, chunks).await.unwrap(), Stored { stored: 0, skipped: 4, total: 4 });
    assert!(app.embedder.embedded() - before <= 1, "what is known word by word is not embedded again");
    assert_eq!(all(&app, owner).await.len(), 3);
}

#[tokio::test]
async fn the_same_text_taken_in_by_many_at_once_is_stored_once() {
    let app = TestApp::start().await;
    let owner = Owner::Agent(app.agent(json!({})).await);
    let takes =
        (0..8).map(|_| ingest(&app, owner, vec![chunk(REFUNDS, "refunds.md"), chunk(OFFICE, "office.md")]));
    let all_stored: Vec<Stored> = futures_util::future::try_join_all(takes).await.unwrap();
    assert_eq!(all_stored.iter().map(|stored| stored.stored).sum::<u64>(), 2, "{all_stored:?}");
    assert_eq!(all(&app, owner).await.len(), 2);
}

#[tokio::test]
async fn entries_are_found_by_meaning_and_by_words_and_gone_when_deleted() {
    let (app, agent) = stocked().await;
    let owner = Owner::Agent(agent);
    let found = search(&app, owner, "when is a refund paid").await;
    assert_eq!(texts(&found)[0], REFUNDS);
    let hit = &found.hits[0];
    assert!(hit.by_words && hit.similarity.is_some_and(|cosine| cosine > 0.2) && hit.score > 0.9, "{hit:?}");
    assert!(found.by_meaning);
    assert_eq!((found.embedder.provider, found.embedder.dimensions), ("lexical", 128));
    // Taken in later, and found at once.
    ingest(&app, owner, vec![chunk("Gift cards are valid for three years.", "gifts.md")]).await.unwrap();
    assert_eq!(texts(&search(&app, owner, "gift card").await)[0], "Gift cards are valid for three years.");
    assert_eq!(delete(&app, owner, Removed::Source("refunds.md".to_owned())).await, 1);
    assert!(!texts(&search(&app, owner, "when is a refund paid").await).contains(&REFUNDS));
    let id = all(&app, owner).await[0].id;
    assert_eq!(
        (delete(&app, owner, Removed::One(id)).await, delete(&app, owner, Removed::One(id)).await),
        (1, 0)
    );
    assert_eq!(delete(&app, owner, Removed::All).await, 1);
    assert!(search(&app, owner, "gift card").await.hits.is_empty());
    // What was deleted may come again.
    assert_eq!(ingest(&app, owner, vec![chunk(REFUNDS, "refunds.md")]).await.unwrap().stored, 1);
}

#[tokio::test]
async fn queries_are_never_syntax() {
    let (app, agent) = stocked().await;
    for query in
        ["\"refunds\" OR (", "NEAR(a, b)", "refund*", "AND", "'; drop table x; --", "?", "source:refunds.md"]
    {
        search(&app, Owner::Agent(agent), query).await;
    }
    let empty =
        SearchKnowledge { owner: Owner::Agent(agent), query: " ".to_owned(), limit: Limit::clamped(1, 1) };
    assert_eq!(app.core.knowledge().search(&app.ctx(), empty).await.unwrap_err().kind(), Kind::InvalidInput);
}

#[tokio::test]
async fn an_agent_in_a_swarm_has_the_swarms_knowledge() {
    let app = TestApp::start().await;
    let (swarm, [ann, bob]) = app.swarm("Support", [("Ann", json!({})), ("Bob", json!({}))]).await;
    let lonely = app.agent(json!({})).await;
    ingest(&app, Owner::Agent(ann), vec![chunk(REFUNDS, "refunds.md")]).await.unwrap();
    for owner in [Owner::Agent(ann), Owner::Agent(bob), Owner::Swarm(swarm.id)] {
        assert_eq!(texts(&search(&app, owner, "refund").await), [REFUNDS]);
    }
    assert!(search(&app, Owner::Agent(lonely), "refund").await.hits.is_empty());
    app.core.swarms().delete(&app.ctx(), swarm.id).await.unwrap();
    assert!(search(&app, Owner::Agent(ann), "refund").await.hits.is_empty());
    assert_eq!(app.core.knowledge().status(&app.ctx()).await.unwrap().embedded.entries, 0);
}

#[tokio::test]
async fn another_accounts_knowledge_is_not_there() {
    let (app, agent) = stocked().await;
    let stranger = app.stranger().await;
    let nobody: SwarmId = "0190a000-0000-7000-8000-000000000000".parse().unwrap();
    for owner in [Owner::Agent(agent), Owner::Swarm(nobody)] {
        let search = SearchKnowledge { owner, query: "refund".to_owned(), limit: Limit::clamped(1, 1) };
        let new = Ingest { owner, chunks: vec![chunk("Mine now.", "x")] };
        let knowledge = app.core.knowledge();
        assert_eq!(knowledge.search(&stranger, search).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(knowledge.ingest(&stranger, new).await.unwrap_err().kind(), Kind::NotFound);
        let gone = DeleteKnowledge { owner, which: Removed::All };
        assert_eq!(knowledge.delete(&stranger, gone).await.unwrap_err().kind(), Kind::NotFound);
    }
    assert_eq!(app.core.knowledge().status(&stranger).await.unwrap().embedded.entries, 0);
    assert_eq!(all(&app, Owner::Agent(agent)).await.len(), 2);
}

#[tokio::test]
async fn without_the_embedder_words_are_still_found_and_nothing_is_taken_in_by_halves() {
    let (app, agent) = stocked().await;
    let owner = Owner::Agent(agent);
    app.embedder.fail(true);
    let found = search(&app, owner, "refund").await;
    assert_eq!((texts(&found), found.by_meaning), (vec![REFUNDS], false));
    let many: Vec<KnowledgeChunk> = (0..20).map(|number| chunk(&unheard(number), "new.md")).collect();
    let error = ingest(&app, owner, many).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "embedder_unavailable"));
    assert_eq!(all(&app, owner).await.len(), 2);
}

#[tokio::test]
async fn what_is_wrong_with_texts_is_named() {
    let (app, agent) = stocked().await;
    let owner = Owner::Agent(agent);
    let long = "x".repeat(4_001);
    let metadata = Map::from_iter([("k".to_owned(), json!("v".repeat(5_000)))]);
    for (chunks, problem) in [
        (vec![], "chunks must have"),
        (vec![chunk("a", "b"); 101], "chunks has 101"),
        (vec![chunk("a", "b"), chunk(&long, "b")], "chunks[1].text has 4001 characters"),
        (vec![chunk(" ", "b")], "chunks[0].text is required"),
        (vec![chunk("a", "")], "chunks[0].source is required"),
        (vec![chunk("a", &long[..501])], "chunks[0].source has 501 characters"),
        (vec![KnowledgeChunk { metadata, ..chunk("a", "b") }], "chunks[0].metadata has"),
    ] {
        let error = ingest(&app, owner, chunks).await.unwrap_err();
        assert!(error.public().starts_with(problem), "{}", error.public());
    }
    assert_eq!(ingest(&app, owner, vec![chunk(&"é ".repeat(2_000), "b")]).await.unwrap().stored, 1);
}

#[tokio::test]
async fn a_document_takes_the_place_of_what_had_its_name() {
    let (app, agent) = stocked().await;
    let owner = Owner::Agent(agent);
    let upload = |text: &str| Upload {
        owner,
        name: "handbook.md".to_owned(),
        media_type: None,
        source: None,
        bytes: text.as_bytes().to_vec(),
    };
    let knowledge = app.core.knowledge();
    let first =
        knowledge.upload(&app.ctx(), upload("# Holidays\nThirty days a year.\nAsk early.")).await.unwrap();
    assert_eq!((first.source.as_str(), first.stored.stored), ("handbook.md", 1));
    assert_eq!(
        texts(&search(&app, owner, "thirty days, ask early").await)[0],
        "Holidays\n\nThirty days a year.\n\nAsk early."
    );
    knowledge.upload(&app.ctx(), upload("# Holidays\nThirty-five days a year.")).await.unwrap();
    let found = search(&app, owner, "holidays thirty").await;
    assert_eq!(texts(&found).iter().filter(|text| text.contains("Thirty")).count(), 1, "{found:?}");
    // The same again leaves it as it is, whole.
    let same = knowledge.upload(&app.ctx(), upload("# Holidays\nThirty-five days a year.")).await.unwrap();
    assert_eq!(same.stored, Stored { stored: 1, skipped: 0, total: 1 });
    assert_eq!(all(&app, owner).await.len(), 3);
    for (name, bytes, code, words) in [
        ("a.exe", "x", "invalid_request", "cannot be read"),
        ("a.md", "%DAMAGED", "unreadable_document", "no readable test"),
        ("a.pdf", "\n", "unreadable_document", "has no text"),
    ] {
        let bad = Upload { name: name.to_owned(), ..upload(bytes) };
        let error = knowledge.upload(&app.ctx(), bad).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.public().contains(words), "{}", error.public());
    }
    assert_eq!(all(&app, owner).await.len(), 3, "what cannot be read takes nobody's place");
}

/// Waits until so many entries are embedded.
async fn until_embedded(app: &TestApp, wanted: u64) {
    let wait = async {
        while app.core.knowledge().status(&app.ctx()).await.expect("it works").embedded.embedded != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("they are embedded in time");
}

#[tokio::test]
async fn when_the_model_changes_everything_is_embedded_anew_and_meanwhile_found_by_words() {
    let (mut app, agent) = stocked().await;
    let owner = Owner::Agent(agent);
    let more = (0..60).map(|number| chunk(&unheard(number), "parts"));
    ingest(&app, owner, more.collect()).await.unwrap();
    let other = TestEmbedder::named("other", 64);
    other.fail(true);
    app.restart_with(other).await;
    let status = app.core.knowledge().status(&app.ctx()).await.unwrap();
    assert_eq!((status.embedded.entries, status.embedded.embedded), (62, 0));
    assert_eq!(texts(&search(&app, owner, "refund").await), [REFUNDS]);
    app.embedder.fail(false);
    // A search by meaning has only what is done, which is nothing yet: words still lead there.
    assert_eq!(texts(&search(&app, owner, "refund").await), [REFUNDS]);
    app.core.knowledge().reembed(&app.ctx()).await.unwrap();
    until_embedded(&app, 62).await;
    let found = search(&app, owner, "refund").await;
    assert!(found.hits[0].similarity.is_some_and(|cosine| cosine > 0.1), "{found:?}");
    assert_eq!(ingest(&app, owner, vec![chunk(REFUNDS, "again")]).await.unwrap().skipped, 1);
}

#[tokio::test]
async fn embedding_anew_goes_on_where_a_crash_left_it() {
    let (mut app, agent) = stocked().await;
    let more = (0..70).map(|number| chunk(&unheard(number), "things"));
    ingest(&app, Owner::Agent(agent), more.collect()).await.unwrap();
    let slow = TestEmbedder::named("slow", 32);
    slow.dawdle(Duration::from_millis(20));
    app.restart_with(slow).await;
    let some = async {
        while app.core.knowledge().status(&app.ctx()).await.unwrap().embedded.embedded == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), some).await.expect("it begins");
    app.kill_runtime().await;
    let done = app.core.knowledge().status(&app.ctx()).await.unwrap().embedded.embedded;
    assert!(done < 72, "it was killed in the middle");
    let before = app.embedder.embedded();
    app.start_runtime();
    until_embedded(&app, 72).await;
    let embedded = (app.embedder.embedded() - before) as u64;
    assert!(embedded <= 72 - done + 32, "{embedded} were embedded where {} were left", 72 - done);
}

#[tokio::test]
async fn copies_in_memory_are_bounded_and_made_again() {
    let settings = Settings { knowledge_memory_bytes: 4_096, ..Settings::default() };
    let app = TestApp::builder().settings(settings).build().await;
    let mut agents = Vec::new();
    for number in 0..6 {
        let agent = app.agent(json!({})).await;
        let chunks =
            (0..20).map(|part| chunk(&format!("agent{number} part{part} {}", "q".repeat(part + 1)), "s"));
        ingest(&app, Owner::Agent(agent), chunks.collect()).await.unwrap();
        agents.push(agent);
    }
    for _ in 0..2 {
        for (number, agent) in agents.iter().enumerate() {
            let found = search(&app, Owner::Agent(*agent), &format!("agent{number} part7")).await;
            assert!(texts(&found)[0].starts_with(&format!("agent{number} part7")), "{found:?}");
            assert!(found.hits[0].similarity.is_some());
        }
    }
    let (bytes, copies) = app.core.knowledge_in_memory();
    assert!(copies < 6 && bytes <= 4_096 + 4_096, "{copies} copies of {bytes} bytes");
}

#[tokio::test]
async fn knowledge_has_a_bound() {
    let settings = Settings { max_knowledge_entries: 3, ..Settings::default() };
    let app = TestApp::builder().settings(settings).build().await;
    let owner = Owner::Agent(app.agent(json!({})).await);
    ingest(&app, owner, vec![chunk(REFUNDS, "a"), chunk(OFFICE, "b")]).await.unwrap();
    let more = vec![chunk("One more thing about tea.", "c"), chunk("And something on coffee.", "d")];
    let error = ingest(&app, owner, more).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::QuotaExceeded, "too_many_knowledge_entries"));
    assert_eq!(all(&app, owner).await.len(), 2, "all or none");
}

#[tokio::test]
async fn a_deleted_agent_leaves_no_knowledge() {
    let (app, agent) = stocked().await;
    search(&app, Owner::Agent(agent), "refund").await;
    app.core.agents().delete(&app.ctx(), agent).await.unwrap();
    assert_eq!(app.core.knowledge().status(&app.ctx()).await.unwrap().embedded.entries, 0);
    let gone = SearchKnowledge {
        owner: Owner::Agent(agent),
        query: "refund".to_owned(),
        limit: Limit::clamped(1, 1),
    };
    assert_eq!(app.core.knowledge().search(&app.ctx(), gone).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_fork_knows_what_its_parent_knew_and_goes_its_own_way() {
    let (app, parent) = stocked().await;
    app.talk(parent, "I live in Vienna.").await;
    let wait = async {
        while app.core.knowledge().status(&app.ctx()).await.unwrap().embedded.entries != 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it is remembered in time");
    let fork = ForkAgent { parent, snapshot: None, name: None };
    let fork = app.core.snapshots().fork(&app.ctx(), fork).await.unwrap().view.agent.id;
    let owner = Owner::Agent(fork);
    let found = search(&app, owner, "when is a refund paid").await;
    assert_eq!((texts(&found)[0], found.hits[0].similarity.is_some()), (REFUNDS, true));
    let order: Vec<String> = all(&app, owner).await.into_iter().map(|entry| entry.text).collect();
    let of_parent: Vec<String> =
        all(&app, Owner::Agent(parent)).await.into_iter().map(|entry| entry.text).collect();
    assert_eq!(order, of_parent);
    let events = app.talk(fork, "Which city do I live in?").await;
    assert!(events.iter().any(|event| matches!(event, TurnEvent::Recalled { .. })), "{events:?}");
    delete(&app, owner, Removed::All).await;
    assert_eq!(all(&app, Owner::Agent(parent)).await.len(), 2);
}

#[tokio::test]
async fn what_was_deleted_stands_before_nothing_that_is_there() {
    let (app, agent) = stocked().await;
    let owner = Owner::Agent(agent);
    let near = (0..100).map(|number| chunk(&format!("apple pie {}", unheard(number)), "pies"));
    ingest(&app, owner, near.collect()).await.unwrap();
    let far = format!("crust {} {} {}", unheard(500), unheard(501), unheard(502));
    ingest(&app, owner, vec![chunk(&far, "far")]).await.unwrap();
    assert!(!texts(&search(&app, owner, "apple pie crust").await).is_empty());
    assert_eq!(delete(&app, owner, Removed::Source("pies".to_owned())).await, 100);
    let found = search(&app, owner, "apple pie crust").await;
    let hit = found.hits.iter().find(|hit| hit.entry.text == far).expect("it is found");
    assert!(hit.similarity.is_some_and(|cosine| cosine > 0.0), "{hit:?}");
}
