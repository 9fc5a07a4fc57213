use roost_core::Core;
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

impl ConnectionInbox {
    /// Writes attempts to their agents' journals until `shutdown`, and then those that wait.
    pub(crate) async fn run(mut self, core: Core, shutdown: CancellationToken) {
        loop {
            let attempt = tokio::select! {
                attempt = self.receiver.recv() => attempt,
                () = shutdown.cancelled() => {
                    self.receiver.close();
                    self.receiver.recv().await
                }
            };
            let Some(attempt) = attempt else { return };
            if let Err(error) = core.agents().note_connection(attempt).await {
                tracing::error!(%error, "a connection could not be noted");
            }
        }
    }
}
