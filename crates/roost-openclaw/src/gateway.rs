//! One agent's gateway: a process that lives in the agent's machine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use roost_domain::gate::Permit;
use roost_domain::unit::Bytes as Amount;
use roost_ports::machine::{Command, Machine, Output, Spec};
use roost_ports::runtime::{Setup, Unavailable};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::{self, Failed, with_cause};
use crate::setup::{self, PID_FILE, Tokens};

/// How long a gateway may take until it answers.
const START: Duration = Duration::from_secs(120);
/// How long it may take to answer whether it is ready.
const READY: Duration = Duration::from_secs(10);
/// How long it may take to end when it is asked to.
const END: Duration = Duration::from_secs(8);
/// A gateway lives until it is ended; a command needs a bound.
const LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// How many of its last lines are kept, to say why it did not start.
const LINES: usize = 40;
/// How much of a line is kept.
const LINE_MAX: usize = 500;

/// A gateway.
pub(crate) struct Gateway {
    machine: Arc<dyn Machine>,
    permit: Permit,
    spec: Spec,
    tokens: Tokens,
    tasks: TaskTracker,
    stop: CancellationToken,
    ended: CancellationToken,
    lines: Mutex<VecDeque<String>>,
}

impl Gateway {
    /// Writes what a gateway needs, starts it, and returns when it answers. `fallen` is called if it ends by itself
    /// after that.
    pub(crate) async fn start(
        machine: Arc<dyn Machine>,
        permit: Permit,
        setup: &Setup,
        tokens: Tokens,
        tasks: &TaskTracker,
        fallen: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<Self>, Unavailable> {
        for (path, content) in setup::files(setup, &tokens) {
            let written = machine.write(&permit, &path, content.as_bytes()).await;
            written
                .map_err(|error| Unavailable(format!("{path} cannot be written: {}", with_cause(&error))))?;
        }
        let gateway = Arc::new(Self {
            machine,
            permit,
            spec: setup.spec.clone(),
            tokens,
            tasks: tasks.clone(),
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
            lines: Mutex::default(),
        });
        let guard = gateway.stop.clone().drop_guard();
        tasks.spawn({
            let gateway = Arc::clone(&gateway);
            async move {
                gateway.live().await;
                gateway.ended.cancel();
                if !gateway.stop.is_cancelled() {
                    fallen();
                }
            }
        });
        gateway.wait_until_ready().await?;
        guard.disarm();
        Ok(gateway)
    }

    /// Returns how its machine was to be.
    pub(crate) const fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(crate) fn token(&self) -> &str {
        &self.tokens.gateway
    }

    pub(crate) fn door_token(&self) -> &str {
        &self.tokens.door
    }

    pub(crate) fn is_up(&self) -> bool {
        !self.ended.is_cancelled() && !self.stop.is_cancelled()
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failed> {
        tokio::select! {
            sent = http::send(&*self.machine, &self.permit, &self.tasks, request) => sent,
            () = self.ended.cancelled() => Err(Failed::After("it ended".to_owned())),
        }
    }

    /// Asks the gateway to end, and sees to it that it does.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.ended.cancelled().await;
    }

    /// Runs the process to its end.
    async fn live(&self) {
        let command = Command { line: setup::command(), timeout: LIFE, output_cap: Amount(u64::MAX) };
        let mut rest = String::new();
        let mut output = |piece: Output<'_>| {
            let (Output::Stdout(bytes) | Output::Stderr(bytes)) = piece;
            rest.push_str(&String::from_utf8_lossy(bytes));
            while let Some(end) = rest.find('\n') {
                let line: String = rest.drain(..=end).collect();
                self.note(line.trim_end());
            }
            if rest.len() > 64 * 1024 {
                rest.clear();
            }
        };
        let mut serving = std::pin::pin!(self.machine.serve(&self.permit, command, &mut output));
        let ended = tokio::select! {
            ended = &mut serving => ended,
            () = self.stop.cancelled() => {
                self.ask_to_end().await;
                // Dropped at the deadline, the process is killed.
                match tokio::time::timeout(END, &mut serving).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
        };
        match ended {
            Ok(exit) => self.note(&format!("the gateway ended: {:?}", exit.status)),
            Err(error) => self.note(&format!("the gateway ended: {}", with_cause(&error))),
        }
    }

    async fn ask_to_end(&self) {
        let line = format!("kill -TERM \"$(cat {PID_FILE})\"");
        let command = Command { line, timeout: END, output_cap: Amount(0) };
        // silent-ok: a machine that is gone has ended it.
        let _ = self.machine.serve(&self.permit, command, &mut |_| {}).await;
    }

    fn note(&self, line: &str) {
        tracing::debug!(agent = %self.permit.agent(), line, "gateway");
        let mut lines = self.lines();
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(LINE_MAX).collect());
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_until_ready(&self) -> Result<(), Unavailable> {
        let waiting = async {
            while !self.is_ready().await {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(250)) => {}
                    () = self.ended.cancelled() => return Err(self.said("the gateway ended before it answered")),
                }
            }
            Ok(())
        };
        match tokio::time::timeout(START, waiting).await {
            Ok(ready) => ready,
            Err(_) => Err(self.said(&format!("the gateway does not answer after {} s", START.as_secs()))),
        }
    }

    async fn is_ready(&self) -> bool {
        let Ok(request) = Request::get("/readyz").header("host", "localhost").body(Full::default()) else {
            return false;
        };
        let asked = tokio::time::timeout(READY, self.send(request)).await;
        matches!(asked, Ok(Ok(response)) if response.status().is_success())
    }

    /// Says what went wrong, with what the gateway said last.
    fn said(&self, problem: &str) -> Unavailable {
        let lines = self.lines();
        let last: Vec<&str> = lines.iter().rev().take(10).map(String::as_str).collect();
        Unavailable(format!(
            "{problem}. It said last: {}",
            last.into_iter().rev().collect::<Vec<_>>().join(" | ")
        ))
    }
}
