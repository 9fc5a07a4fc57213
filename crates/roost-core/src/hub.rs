//! What is happening right now, in memory only: who wants to be told that a session went on, and the text of
//! answers and commands that are not finished. Losing it loses nothing: the log has the rest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roost_domain::event::Offset;
use roost_domain::id::SessionId;
use roost_domain::tool::ToolCallId;
use tokio::sync::watch;

/// What a piece of unfinished text belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProgressOf {
    /// The answer to the model call whose intent stands at this offset.
    Model(Offset),
    /// The output of a tool call.
    Tool(ToolCallId),
}

/// One topic per session that somebody watches or that has something unfinished.
#[derive(Default)]
pub(crate) struct Hub {
    topics: Mutex<HashMap<SessionId, Arc<Topic>>>,
}

pub(crate) struct Topic {
    log: watch::Sender<u64>,
    text: watch::Sender<u64>,
    unfinished: Mutex<Vec<(ProgressOf, String)>>,
}

/// Unfinished text is kept up to this size for late subscribers; what comes later is only in the log.
const UNFINISHED_CAP: usize = 1 << 20;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data are plain collections that no panic leaves half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Tells watchers that the session's log went on.
    pub(crate) fn tick(&self, session: SessionId) {
        if let Some(topic) = lock(&self.topics).get(&session) {
            tick(&topic.log);
        }
    }

    /// Watches a session.
    pub(crate) fn watch(self: &Arc<Self>, session: SessionId) -> Watch {
        let topic = self.topic(session);
        Watch {
            log: topic.log.subscribe(),
            text: topic.text.subscribe(),
            lease: Lease { hub: Arc::clone(self), session, topic: Some(topic) },
        }
    }

    /// Begins something unfinished; it is gone when the handle is dropped.
    pub(crate) fn begin(self: &Arc<Self>, session: SessionId, of: ProgressOf) -> Unfinished {
        let topic = self.topic(session);
        lock(&topic.unfinished).push((of.clone(), String::new()));
        Unfinished { of, lease: Lease { hub: Arc::clone(self), session, topic: Some(topic) } }
    }

    fn topic(&self, session: SessionId) -> Arc<Topic> {
        let new = || {
            Arc::new(Topic {
                log: watch::Sender::new(0),
                text: watch::Sender::new(0),
                unfinished: Mutex::default(),
            })
        };
        Arc::clone(lock(&self.topics).entry(session).or_insert_with(new))
    }

    #[cfg(test)]
    fn topics(&self) -> usize {
        lock(&self.topics).len()
    }
}

fn tick(ticks: &watch::Sender<u64>) {
    ticks.send_modify(|ticks| *ticks = ticks.wrapping_add(1));
}

/// Holds a topic and takes it out of the hub when nobody else does.
struct Lease {
    hub: Arc<Hub>,
    session: SessionId,
    topic: Option<Arc<Topic>>,
}

impl Lease {
    fn topic(&self) -> Option<&Topic> {
        self.topic.as_deref()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut topics = lock(&self.hub.topics);
        drop(self.topic.take());
        if topics.get(&self.session).is_some_and(|topic| Arc::strong_count(topic) == 1) {
            topics.remove(&self.session);
        }
    }
}

async fn wait(ticks: &mut watch::Receiver<u64>) {
    if ticks.changed().await.is_err() {
        // The sender lives in the topic that the watch holds, so it cannot be gone.
        std::future::pending::<()>().await;
    }
}

/// A watched session.
pub(crate) struct Watch {
    log: watch::Receiver<u64>,
    text: watch::Receiver<u64>,
    lease: Lease,
}

impl Watch {
    /// Waits until the log or an unfinished text went on. Safe to drop.
    pub(crate) async fn changed(&mut self) {
        tokio::select! {
            () = wait(&mut self.log) => {
                // Left to be seen by `log_went_on`.
                self.log.mark_changed();
            }
            () = wait(&mut self.text) => {}
        }
    }

    /// Waits until the log went on since the last call. Safe to drop.
    pub(crate) async fn log_changed(&mut self) {
        wait(&mut self.log).await;
    }

    /// Tells whether the log went on since the last call.
    pub(crate) fn log_went_on(&mut self) -> bool {
        let went_on = self.log.has_changed().unwrap_or(false);
        self.log.mark_unchanged();
        went_on
    }

    /// Returns what came of unfinished texts beyond what `seen` has of each, and remembers it there.
    pub(crate) fn news(&self, seen: &mut HashMap<ProgressOf, usize>) -> Vec<(ProgressOf, String)> {
        let Some(topic) = self.lease.topic() else { return Vec::new() };
        let unfinished = lock(&topic.unfinished);
        let mut news = Vec::new();
        for (of, text) in unfinished.iter() {
            let from = seen.entry(of.clone()).or_default();
            if text.len() > *from {
                news.push((of.clone(), text[*from..].to_owned()));
                *from = text.len();
            }
        }
        news
    }
}

/// Something unfinished, held by whoever produces it.
pub(crate) struct Unfinished {
    of: ProgressOf,
    lease: Lease,
}

impl Unfinished {
    /// Adds to its text.
    pub(crate) fn push(&self, text: &str) {
        let Some(topic) = self.lease.topic() else { return };
        {
            let mut unfinished = lock(&topic.unfinished);
            let Some((_, whole)) = unfinished.iter_mut().find(|(of, _)| *of == self.of) else { return };
            if whole.len() + text.len() > UNFINISHED_CAP {
                return;
            }
            whole.push_str(text);
        }
        tick(&topic.text);
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(topic) = self.lease.topic() {
            lock(&topic.unfinished).retain(|(of, _)| *of != self.of);
        }
    }
}

#[cfg(test)]
mod tests;
