//! Measures the knowledge of one agent with 100,000 entries of 384 dimensions: how fast texts are taken in, how long a
//! search takes, how many of the exact nearest neighbours it finds, what it takes in memory. Prints a table.
//!
//! The embedder costs nothing here: vectors are made from the texts' numbers, around 2,000 centres, as texts gather
//! around subjects. What a model takes comes on top.

use std::time::{Duration, Instant};

use roost_core::{Ingest, KnowledgeChunk, SearchKnowledge};
use roost_domain::knowledge::{Owner, Vector};
use roost_domain::page::Limit;
use roost_testkit::{TestApp, TestEmbedder};
use serde_json::{Map, json};

const ENTRIES: u64 = 100_000;
const CENTRES: u64 = 2_000;
const QUERIES: u64 = 500;

/// Queries name entries by numbers that stand in none, so that their words do not find them.
const OTHER: u64 = 1_000_000_000;

const WANTED: usize = 10;

/// Numbers that look random and are the same each time.
struct Noise(u64);

impl Noise {
    fn of(seed: u64) -> Self {
        let mut noise = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            noise.next();
        }
        noise
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From -1 to 1, about as often near 0 as a bell's curve has it.
    fn number(&mut self) -> f32 {
        (0..3).map(|_| (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0).sum::<f32>() / 3.0
    }

    /// A word; few are common and many are rare: the commonest stands in a third of the texts.
    #[expect(clippy::cast_possible_truncation, reason = "below 20,000")]
    fn word(&mut self) -> String {
        let part = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        format!("w{}", (20_000.0 * part.powi(2)) as u64)
    }
}

/// Makes the vector of the text `doc N …`, or of a query `near N …`, which is somewhere around that.
fn vector(text: &str, dimensions: usize) -> Vector {
    let mut words = text.split(' ');
    let query = words.next() == Some("near");
    let number = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default() % OTHER;
    let (mut centre, mut own) = (Noise::of(number % CENTRES + 1), Noise::of(number + 1_000_000));
    let mut around = Noise::of(number + 9_000_000);
    let number = |_| {
        let drift = if query { 0.5 * around.number() } else { 0.0 };
        centre.number() + own.number() + drift
    };
    Vector::normalized((0..dimensions).map(number).collect())
}

fn text(number: u64) -> String {
    let mut noise = Noise::of(number + 5_000_000);
    let words: Vec<String> = (0..60).map(|_| noise.word()).collect();
    format!("doc {number} {}", words.join(" "))
}

fn query(number: u64) -> String {
    let mut noise = Noise::of(number + 7_000_000);
    format!("near {} {} {} {} {}", number + OTHER, noise.word(), noise.word(), noise.word(), noise.word())
}

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn row(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    println!("{what:<44} p50 {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99));
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the table is what it is for")]
async fn main() {
    let embedder = TestEmbedder::with("bench", 384, vector);
    let app = TestApp::builder().embedder(embedder).build().await;
    let owner = Owner::Agent(app.agent(json!({})).await);
    let began = Instant::now();
    let mut last = Duration::ZERO;
    for batch in 0..ENTRIES / 100 {
        let chunk =
            |number| KnowledgeChunk { text: text(number), source: "bench".to_owned(), metadata: Map::new() };
        let chunks = (batch * 100..(batch + 1) * 100).map(chunk).collect();
        let before = Instant::now();
        let stored = app
            .core
            .knowledge()
            .ingest(&app.ctx(), Ingest { owner, chunks })
            .await
            .expect("they are taken in");
        assert_eq!(stored.skipped, 0, "no two say the same");
        last = before.elapsed();
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{:<44} {:>12.0} a second over all, {:.0} a second at the end",
        "taking in, 100 at a time",
        ENTRIES as f64 / took,
        100.0 / last.as_secs_f64()
    );

    let search = |text: String| SearchKnowledge { owner, query: text, limit: Limit::clamped(10, 10) };
    let mut times = Vec::new();
    for number in 0..QUERIES {
        let query = search(query(number * 199));
        let before = Instant::now();
        let found = app.core.knowledge().search(&app.ctx(), query).await.expect("it is searched");
        times.push(before.elapsed());
        assert!(!found.hits.is_empty());
    }
    row("search by meaning and words", &mut times);
    let mut times = Vec::new();
    let mut found = 0;
    let all: Vec<Vector> = (0..ENTRIES).map(|number| vector(&text(number), 384)).collect();
    for number in 0..QUERIES {
        // No word of it stands in any entry, so what is found is found by meaning.
        let query = format!("near {} nowhere", number * 199 + OTHER);
        let meaning = vector(&query, 384);
        let mut exact: Vec<(f32, u64)> =
            all.iter().zip(0..).map(|(one, row)| (meaning.cosine(one), row)).collect();
        exact.select_nth_unstable_by(WANTED, |one, other| other.0.total_cmp(&one.0));
        let nearest: Vec<String> = exact[..WANTED].iter().map(|(_, row)| format!("doc {row} ")).collect();
        let before = Instant::now();
        let hits = app.core.knowledge().search(&app.ctx(), search(query)).await.expect("it is searched").hits;
        times.push(before.elapsed());
        found +=
            nearest.iter().filter(|text| hits.iter().any(|hit| hit.entry.text.starts_with(*text))).count();
    }
    row("search by meaning", &mut times);
    println!(
        "{:<44} {:>12.4}",
        "recall of the exact 10 nearest",
        found as f64 / (QUERIES as f64 * WANTED as f64)
    );
    let (bytes, _) = app.core.knowledge_in_memory();
    println!("{:<44} {:>12.1} MiB", "memory of its vectors", bytes as f64 / 1_048_576.0);
}
