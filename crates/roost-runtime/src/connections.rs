use std::collections::HashMap;

use roost_core::Core;
use roost_domain::Timestamp;
use roost_domain::id::AgentId;
use roost_ports::machine::{Attempt, Connections};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many attempts may wait to be written.
const BOUND: usize = 1_024;

/// Takes note of what machines' processes try to reach, without holding them up.
pub struct ConnectionNotes {
    sender: mpsc::Sender<Attempt>,
}

/// The runtime's end of [`ConnectionNotes`].
pub struct ConnectionInbox {
    receiver: mpsc::Receiver<Attempt>,
}

impl ConnectionNotes {
    /// Makes both ends.
    pub fn channel() -> (Self, ConnectionInbox) {
        let (sender, receiver) = mpsc::channel(BOUND);
        (Self { sender }, ConnectionInbox { receiver })
    }
}

impl Connections for ConnectionNotes {
    fn attempted(&self, attempt: Attempt) {
        if let Err(error) = self.sender.try_send(attempt) {
            // The server's own log keeps what the agent's cannot take at this rate.
            let attempt = match error {
                mpsc::error::TrySendError::Full(attempt) | mpsc::error::TrySendError::Closed(attempt) => {
                    attempt
                }
            };
            let refused = attempt.refused.as_deref();
            tracing::warn!(agent = %attempt.agent, target = attempt.target, refused, "connection not noted: too many");
        }
    }
}

/// How many attempts of one agent are noted in a minute; a machine must not be able to fill the disk.
const NOTED_A_MINUTE: u32 = 60;

/// How many attempts of each agent were noted in the current minute.
#[derive(Default)]
struct Noted {
    minute: i64,
    counts: HashMap<AgentId, u32>,
}

impl Noted {
    fn has_room(&mut self, attempt: &Attempt, now: Timestamp) -> bool {
        let minute = now.as_second() / 60;
        if minute != self.minute {
            self.minute = minute;
            self.counts.clear();
        }
        let count = self.counts.entry(attempt.agent).or_default();
        *count = count.saturating_add(1);
        if *count == NOTED_A_MINUTE + 1 {
            tracing::warn!(agent = %attempt.agent, "its further connections of this minute are not noted");
        }
        *count <= NOTED_A_MINUTE
    }
}

impl ConnectionInbox {
    /// Writes attempts to their agents' journals until `shutdown`, and then those that wait.
    pub(crate) async fn run(mut self, core: Core, shutdown: CancellationToken) {
        let mut noted = Noted::default();
        loop {
            let attempt = tokio::select! {
                attempt = self.receiver.recv() => attempt,
                () = shutdown.cancelled() => {
                    self.receiver.close();
                    self.receiver.recv().await
                }
            };
            let Some(attempt) = attempt else { return };
            if !noted.has_room(&attempt, core.now()) {
                continue;
            }
            if let Err(error) = core.agents().note_connection(attempt).await {
                tracing::error!(%error, "a connection could not be noted");
            }
        }
    }
}
