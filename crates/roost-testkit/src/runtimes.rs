use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::StreamExt;
use roost_domain::agent::RuntimeKind;
use roost_domain::conversation::{Answer, StopReason};
use roost_domain::gate::Permit;
use roost_domain::id::AgentId;
use roost_domain::model::Usage;
use roost_ports::machine::Hosted;
use roost_ports::model::{Chunk, Chunks, Error as ModelError};
use roost_ports::runtime::{Runtimes, Said, Setup, Unavailable};

/// Hosts a runtime that says again what it hears, once it is installed, and hangs where it hears so. At the door it shows its agent's id.
#[derive(Default)]
pub struct TestRuntimes(Mutex<State>);

#[derive(Default)]
struct State {
    installed: bool,
    /// Why the next one does not come up.
    broken: Option<String>,
    up: HashSet<AgentId>,
    /// Why nothing comes up yet.
    held: bool,
    /// How many wait to come up.
    rising: usize,
    /// What was said.
    heard: Vec<String>,
}

impl TestRuntimes {
    /// Installs the runtime.
    pub fn install(&self) {
        self.with(|state| state.installed = true);
    }

    /// Has the next runtime that is brought up fail.
    pub fn break_next(&self, why: &str) {
        self.with(|state| state.broken = Some(why.to_owned()));
    }

    /// Has runtimes that are brought up wait until they are let go.
    pub fn hold(&self, held: bool) {
        self.with(|state| state.held = held);
    }

    /// Tells whether a runtime waits to come up.
    pub fn is_rising(&self) -> bool {
        self.with(|state| state.rising > 0)
    }

    /// Returns what was said to runtimes, oldest first.
    pub fn heard(&self) -> Vec<String> {
        self.with(|state| state.heard.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Runtimes for TestRuntimes {
    fn hosted(&self, kind: RuntimeKind) -> Result<Hosted, Unavailable> {
        if !self.with(|state| state.installed) {
            return Err(Unavailable(format!("this server hosts no {kind}")));
        }
        Ok(Hosted { programs: PathBuf::from("/nowhere"), door: SocketAddr::from(([127, 0, 0, 1], 1)) })
    }

    async fn start(&self, permit: Permit, setup: Setup) -> Result<(), Unavailable> {
        assert_eq!(permit.agent(), setup.spec.agent);
        self.with(|state| state.rising += 1);
        while self.with(|state| state.held) {
            tokio::task::yield_now().await;
        }
        self.with(|state| state.rising -= 1);
        self.with(|state| match state.broken.take() {
            Some(why) => Err(Unavailable(why)),
            None => {
                state.up.insert(setup.spec.agent);
                Ok(())
            }
        })
    }

    fn is_up(&self, agent: AgentId) -> bool {
        self.with(|state| state.up.contains(&agent))
    }

    async fn ask(&self, agent: AgentId, said: Said) -> Result<Chunks, ModelError> {
        assert!(self.is_up(agent), "it is brought up before it is asked");
        self.with(|state| state.heard.push(said.text.clone()));
        if said.text.contains("hang") {
            return Ok(futures_util::stream::pending().boxed());
        }
        let text = format!("heard {}", said.text);
        let answer = Answer {
            text: text.clone(),
            calls: Vec::new(),
            stop: StopReason::EndTurn,
            usage: Usage::default(),
        };
        Ok(futures_util::stream::iter([Ok(Chunk::Text(text)), Ok(Chunk::End(answer))]).boxed())
    }

    async fn stop(&self, agent: AgentId) {
        self.with(|state| state.up.remove(&agent));
    }

    async fn fallen(&self) -> AgentId {
        std::future::pending().await
    }

    fn whose(&self, token: &str) -> Option<AgentId> {
        let agent = token.parse().ok()?;
        self.is_up(agent).then_some(agent)
    }
}
