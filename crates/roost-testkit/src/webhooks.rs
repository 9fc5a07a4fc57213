use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use roost_domain::secret::Secret;
use roost_ports::webhooks::{Answer, SendError, WebhookRequest, WebhookSender};
use tokio::sync::Notify;

/// Takes webhooks and answers as it is told: 204 where nobody said otherwise.
#[derive(Default)]
pub struct TestWebhooks {
    answers: Mutex<VecDeque<Result<u16, &'static str>>>,
    taken: Mutex<Vec<TakenWebhook>>,
    stalled: Mutex<bool>,
    never: Notify,
}

/// A webhook that was sent.
#[derive(Clone)]
pub struct TakenWebhook {
    /// Its id.
    pub id: String,
    /// Where it went.
    pub url: String,
    /// Its body.
    pub body: serde_json::Value,
    /// What signed it.
    pub secrets: Vec<Secret>,
}

impl TestWebhooks {
    /// Says how the next ones are answered: with a status, or not at all.
    pub fn answer(&self, answers: impl IntoIterator<Item = Result<u16, &'static str>>) {
        lock(&self.answers).extend(answers);
    }

    /// Lets those that come from now on wait for ever, or no more.
    pub fn stall(&self, stalled: bool) {
        *lock(&self.stalled) = stalled;
    }

    /// Returns those that came, first come first.
    pub fn taken(&self) -> Vec<TakenWebhook> {
        lock(&self.taken).clone()
    }

    /// Waits until so many have come, and returns them.
    ///
    /// # Panics
    ///
    /// When they do not come in time.
    pub async fn until(&self, count: usize) -> Vec<TakenWebhook> {
        let wait = async {
            while lock(&self.taken).len() < count {
                tokio::task::yield_now().await;
            }
        };
        let deadline = std::time::Duration::from_secs(10);
        if tokio::time::timeout(deadline, wait).await.is_err() {
            panic!("{} of {count} webhooks came", lock(&self.taken).len());
        }
        self.taken()
    }
}

#[async_trait]
impl WebhookSender for TestWebhooks {
    fn check(&self, url: &str) -> Result<(), SendError> {
        if url.starts_with("https://") {
            Ok(())
        } else {
            Err(SendError::BadUrl("must begin with https://".to_owned()))
        }
    }

    async fn send(&self, request: WebhookRequest) -> Result<Answer, SendError> {
        lock(&self.taken).push(TakenWebhook {
            id: request.id.to_string(),
            url: request.url,
            body: serde_json::from_str(&request.body).expect("the body is JSON"),
            secrets: request.secrets,
        });
        if *lock(&self.stalled) {
            self.never.notified().await;
        }
        match lock(&self.answers).pop_front().unwrap_or(Ok(204)) {
            Ok(status) => Ok(Answer { status, retry_after: None }),
            Err(why) => Err(SendError::NoAnswer(why.to_owned())),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
