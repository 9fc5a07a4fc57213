use std::time::Duration;

use roost_domain::agent::Settings;
use roost_domain::event::{Body, TurnEvent};
use roost_domain::id::{JobId, TurnId};
use roost_domain::knowledge::{Shelf, facts};
use roost_domain::scan::Category;
use roost_ports::scanner::SourceFile;
use roost_ports::store::{Reader, Turn, Writer};
use serde_json::{Map, json};

use super::{Memories, QUEUE, shelf};
use crate::knowledge::{Draft, Put};
use crate::{Core, Error};

/// How long a worker holds a job.
const LEASE: Duration = Duration::from_secs(120);

/// After so many tries a job is given up.
const ATTEMPTS: u32 = 8;

/// Who works on these jobs; there is one.
const WORKER: &str = "memory";

/// A turn that is to be looked through.
#[derive(Debug, Clone)]
pub struct MemoryWork {
    job: JobId,
    turn: Option<TurnId>,
    attempt: u32,
}

/// What is worth remembering of a turn.
struct Worth {
    turn: Turn,
    shelf: Shelf,
    facts: Vec<String>,
}

impl Memories<'_> {
    /// Gives back what a dead process held. Returns how many jobs there were.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn recover(&self) -> Result<u64, Error> {
        self.0.ports.store.write(|writer: &mut dyn Writer| Ok(writer.release_leases(QUEUE)?)).await
    }

    /// Waits until a turn was queued since the last call. Safe to drop.
    pub async fn queued(&self) {
        self.0.memorable.notified().await;
    }

    /// Leases up to `max` turns that are to be looked through.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn lease(&self, max: u32) -> Result<Vec<MemoryWork>, Error> {
        let now = self.0.now();
        let due =
            self.0.ports.store.read(|reader: &dyn Reader| Ok::<_, Error>(reader.next_job_at(QUEUE)?)).await?;
        if due.is_none_or(|at| at > now) {
            return Ok(Vec::new());
        }
        let lease = move |writer: &mut dyn Writer| {
            let jobs = writer.lease_jobs(QUEUE, WORKER, now, now + LEASE, max)?;
            let work = |job: roost_ports::store::Job| MemoryWork {
                job: job.id,
                // silent-ok: a job that names no turn has nothing to look through, and ends.
                turn: job.payload.parse().ok(),
                attempt: job.attempt,
            };
            Ok::<_, Error>(jobs.into_iter().map(work).collect())
        };
        self.0.ports.store.write(lease).await
    }

    /// Keeps what is worth remembering of a turn. Doing it twice does no harm. When it fails it is tried again later,
    /// several times.
    ///
    /// # Errors
    ///
    /// What went wrong, once everything is put away.
    pub async fn capture(&self, work: &MemoryWork) -> Result<u64, Error> {
        let kept = self.0.keep(work).await;
        let (job, attempt, now) = (work.job, work.attempt, self.0.now());
        let again = kept.is_err() && attempt < ATTEMPTS;
        let put_away = move |writer: &mut dyn Writer| {
            if again {
                let wait = Duration::from_secs(5) * 2_u32.saturating_pow(attempt);
                writer.extend_lease(job, WORKER, now + wait)?;
            } else {
                writer.finish_job(job, WORKER)?;
            }
            Ok::<_, Error>(())
        };
        self.0.ports.store.write(put_away).await?;
        kept
    }
}

impl Core {
    async fn keep(&self, work: &MemoryWork) -> Result<u64, Error> {
        let Some(id) = work.turn else { return Ok(0) };
        let read = move |reader: &dyn Reader| worth(reader, id);
        let Some(worth) = self.ports.store.read(read).await? else { return Ok(0) };
        let facts = self.without_secrets(worth.facts).await?;
        if facts.is_empty() {
            return Ok(0);
        }
        let metadata = Map::from_iter([
            ("type".to_owned(), json!("memory")),
            ("agentId".to_owned(), json!(worth.turn.agent.to_string())),
        ]);
        let draft =
            |text: String| Draft { text, source: worth.turn.session.to_string(), metadata: metadata.clone() };
        let stored = self
            .put(Put {
                account: worth.turn.account,
                shelf: worth.shelf,
                drafts: facts.into_iter().map(draft).collect(),
                replaces: None,
                forgets_beyond: Some(super::MOST),
                now: self.now(),
            })
            .await?;
        Ok(stored.stored)
    }

    /// Returns the texts in which the scanner finds no secret.
    pub(crate) async fn without_secrets(&self, texts: Vec<String>) -> Result<Vec<String>, Error> {
        if texts.is_empty() {
            return Ok(texts);
        }
        let scanner = self.ports.scanner.clone();
        let work = move || {
            let is_clean = |text: &String| {
                let file = SourceFile { path: String::new(), content: text.clone().into_bytes() };
                let report = scanner.scan(&[file], None);
                report.findings.iter().all(|finding| finding.category != Category::SensitiveDisclosure)
            };
            texts.into_iter().filter(is_clean).collect()
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// Looks for what is worth remembering; `None` if the turn, its agent or its wish to remember is gone.
fn worth(reader: &dyn Reader, id: TurnId) -> Result<Option<Worth>, Error> {
    let Some(turn) = reader.turn(id)? else { return Ok(None) };
    let Some(agent) = reader.agent_of_any_account(turn.agent)? else { return Ok(None) };
    let settings = Settings::read(&agent.config)?;
    let Some(session) = reader.session(agent.id, turn.session)? else { return Ok(None) };
    let Some(shelf) = shelf(&agent, &settings, &session.peer).filter(|_| settings.memory.capture) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for event in reader.turn_events(turn.session, turn.id)? {
        let Body::Turn { event, .. } = event.body else { continue };
        if let TurnEvent::MessageReceived { text, .. } | TurnEvent::QuestionAnswered { answer: text, .. } =
            event
        {
            found.extend(facts(&text));
        }
    }
    Ok(Some(Worth { turn, shelf, facts: found }))
}
