use std::time::Duration;

use roost_domain::agent::{Agent, Settings};
use roost_domain::event::{Body, Recollection, TurnEvent};
use roost_domain::knowledge::Shelf;
use roost_ports::store::{Reader, Writer};

use super::{Turns, Work};
use crate::knowledge::Hit;
use crate::{Core, Error, log, memory};

/// How long looking up may hold up an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much of a message is looked for, in characters: models read no more of it, and words far down seldom matter.
const LONGEST_QUERY: usize = 2_000;

/// How many memories and how many pieces of knowledge are recalled at most.
const MOST_MEMORIES: usize = 6;
const MOST_KNOWLEDGE: usize = 4;

/// How much of one entry, and of all, the model is given to read, in characters.
const LONGEST_ENTRY: usize = 1_200;
const LONGEST: usize = 6_000;

/// Where there is something to look up, and what for.
struct Wanted {
    agent: Agent,
    message: String,
    /// With whether it is memory.
    shelves: Vec<(Shelf, bool)>,
}

impl Turns<'_> {
    /// Looks up what the agent knows of its peer and of the matter, before the model reads the message for the first
    /// time, and writes it to the log. It is left out when it takes too long or fails: an answer matters more.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the log cannot be written.
    pub(super) async fn recall(&self, work: &Work) -> Result<(), Error> {
        let held = work.clone();
        let wanted = self.0.ports.store.read(move |reader: &dyn Reader| wanted(reader, &held)).await?;
        let Some(wanted) = wanted else { return Ok(()) };
        let (turn, shelves) = (work.turn.id, wanted.shelves.len());
        let entries = match tokio::time::timeout(PATIENCE, self.0.recollect(&wanted)).await {
            Ok(Ok(entries)) => entries,
            Ok(Err(error)) => {
                tracing::warn!(%turn, %error, "nothing was recalled");
                return Ok(());
            }
            Err(_) => {
                tracing::warn!(%turn, shelves, "nothing was recalled: it took too long");
                return Ok(());
            }
        };
        if entries.is_empty() {
            return Ok(());
        }
        let (held, now) = (work.clone(), self.0.now());
        let write = move |writer: &mut dyn Writer| {
            let agent = log::agent_of(writer, &held.turn)?;
            // Somebody may have cancelled the turn meanwhile.
            if log::fold(writer, &agent, &held.turn, &held.folded)?.may_recall() {
                let recalled = vec![TurnEvent::Recalled { entries }];
                log::append(writer, &agent, &held.turn, &held.folded, now, recalled)?;
            }
            Ok::<_, Error>(())
        };
        self.0.ports.store.write(write).await?;
        self.0.went_on(&work.turn);
        Ok(())
    }
}

impl Core {
    async fn recollect(&self, wanted: &Wanted) -> Result<Vec<Recollection>, Error> {
        let query: String = wanted.message.chars().take(LONGEST_QUERY).collect();
        let meaning = self.meaning(&query).await;
        let related = self.ports.embedder.description().related;
        let (mut entries, mut left) = (Vec::new(), LONGEST);
        for (shelf, memory) in &wanted.shelves {
            let most = if *memory { MOST_MEMORIES } else { MOST_KNOWLEDGE };
            let hits = self.look_up(wanted.agent.account, shelf, &query, meaning.as_ref(), most).await?;
            for hit in hits.into_iter().filter(|hit| is_related(hit, related)) {
                let text: String = hit.entry.text.chars().take(LONGEST_ENTRY.min(left)).collect();
                left -= text.chars().count();
                if text.is_empty() {
                    break;
                }
                let source = hit.entry.source;
                entries.push(Recollection { id: hit.entry.id, memory: *memory, source, text });
            }
        }
        Ok(entries)
    }
}

/// Tells whether an entry has enough to do with a message: by its meaning, or by words where nothing is known of that.
fn is_related(hit: &Hit, related: f32) -> bool {
    hit.similarity.map_or(hit.by_words, |similarity| similarity >= related)
}

fn wanted(reader: &dyn Reader, work: &Work) -> Result<Option<Wanted>, Error> {
    let agent = log::agent_of(reader, &work.turn)?;
    let settings = Settings::read(&agent.config)?;
    if !settings.memory.recall {
        return Ok(None);
    }
    let session = reader.session(agent.id, work.turn.session)?;
    // A task from another agent is nobody's word of whom something would be remembered.
    let peer = session.filter(|_| work.turn.caller.is_none()).map(|session| session.peer);
    let mut shelves = Vec::new();
    if let Some(shelf) = peer.and_then(|peer| memory::shelf(&agent, &settings, &peer)) {
        shelves.push((shelf, true));
    }
    shelves.push((Shelf::knowledge(memory::owner(&agent)), false));
    let mut stocked = Vec::new();
    for (shelf, memory) in shelves {
        if reader.shelf(agent.account, &shelf)?.is_some_and(|kept| kept.entries > 0) {
            stocked.push((shelf, memory));
        }
    }
    if stocked.is_empty() || !log::fold(reader, &agent, &work.turn, &work.folded)?.may_recall() {
        return Ok(None);
    }
    let message = reader.turn_events(work.turn.session, work.turn.id)?.into_iter().find_map(|event| {
        let Body::Turn { event: TurnEvent::MessageReceived { text, .. }, .. } = event.body else {
            return None;
        };
        Some(text)
    });
    Ok(message.map(|message| Wanted { agent, message, shelves: stocked }))
}
