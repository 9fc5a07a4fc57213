//! All gateways of a server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use roost_domain::agent::RuntimeKind;
use roost_domain::gate::Permit;
use roost_domain::id::AgentId;
use roost_ports::machine::{Hosted, Machines};
use roost_ports::model::{Chunks, Error as ModelError};
use roost_ports::random::Random;
use roost_ports::runtime::{Runtimes, Said, Setup, Unavailable};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::chat;
use crate::gateway::Gateway;
use crate::http::with_cause;
use crate::setup::Tokens;

/// How gateways are hosted.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the program is installed: the directory that holds `node_modules`.
    pub programs: PathBuf,
    /// Where this server answers gateways' model calls.
    pub door: SocketAddr,
}

/// Hosts gateways.
pub struct Gateways {
    machines: Arc<dyn Machines>,
    random: Arc<dyn Random>,
    options: Option<Options>,
    places: Mutex<HashMap<AgentId, Arc<Place>>>,
    tasks: TaskTracker,
    falling: mpsc::UnboundedSender<AgentId>,
    fallen: tokio::sync::Mutex<mpsc::UnboundedReceiver<AgentId>>,
}

/// One agent's place for a gateway.
#[derive(Default)]
struct Place {
    /// Held while a gateway starts or ends.
    change: tokio::sync::Mutex<()>,
    gateway: Mutex<Option<Arc<Gateway>>>,
}

impl Gateways {
    /// Makes a host; without options it can host nothing, and says so.
    pub fn new(machines: Arc<dyn Machines>, random: Arc<dyn Random>, options: Option<Options>) -> Self {
        // One message for each gateway that fell, and none falls twice before it is started again: bounded by the
        // agents there are.
        let (falling, fallen) = mpsc::unbounded_channel();
        Self {
            machines,
            random,
            options,
            places: Mutex::default(),
            tasks: TaskTracker::new(),
            falling,
            fallen: tokio::sync::Mutex::new(fallen),
        }
    }

    fn place(&self, agent: AgentId) -> Arc<Place> {
        Arc::clone(lock(&self.places).entry(agent).or_default())
    }

    fn up(&self, agent: AgentId) -> Option<Arc<Gateway>> {
        let place = lock(&self.places).get(&agent).cloned()?;
        place.up()
    }

    fn tokens(&self) -> Tokens {
        let token = || {
            let mut bytes = [0; 32];
            self.random.fill(&mut bytes);
            bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
        };
        Tokens { gateway: token(), door: token() }
    }
}

impl Place {
    fn up(&self) -> Option<Arc<Gateway>> {
        lock(&self.gateway).clone().filter(|gateway| gateway.is_up())
    }
}

#[async_trait]
impl Runtimes for Gateways {
    fn hosted(&self, kind: RuntimeKind) -> Result<Hosted, Unavailable> {
        let Some(options) = self.options.as_ref().filter(|_| kind == RuntimeKind::Openclaw) else {
            return Err(Unavailable(format!(
                "this server hosts no {kind}; install it with roost {kind} install, and start the server again"
            )));
        };
        Ok(Hosted { programs: options.programs.clone(), door: options.door })
    }

    async fn start(&self, permit: Permit, setup: Setup) -> Result<(), Unavailable> {
        let agent = setup.spec.agent;
        let place = self.place(agent);
        let _change = place.change.lock().await;
        if let Some(gateway) = place.up() {
            if *gateway.spec() == setup.spec {
                return Ok(());
            }
            gateway.end().await;
        }
        let opened = self.machines.open(&permit, &setup.spec).await;
        let machine = opened.map_err(|error| Unavailable(with_cause(&error)))?;
        let tokens = self.tokens();
        let falling = self.falling.clone();
        let fallen = move || {
            // silent-ok: nobody waits any more, as the server ends.
            let _ = falling.send(agent);
        };
        let starting = Gateway::start(machine, permit, &setup, tokens, &self.tasks, fallen);
        let gateway = starting.await?;
        *lock(&place.gateway) = Some(gateway);
        Ok(())
    }

    fn is_up(&self, agent: AgentId) -> bool {
        self.up(agent).is_some()
    }

    async fn ask(&self, agent: AgentId, said: Said) -> Result<Chunks, ModelError> {
        let gateway = self.up(agent).ok_or_else(|| chat::unreached("the gateway is not up".to_owned()))?;
        chat::ask(gateway, said).await
    }

    async fn stop(&self, agent: AgentId) {
        let Some(place) = lock(&self.places).get(&agent).cloned() else { return };
        let _change = place.change.lock().await;
        let gateway = lock(&place.gateway).take();
        if let Some(gateway) = gateway {
            gateway.end().await;
        }
    }

    async fn fallen(&self) -> AgentId {
        match self.fallen.lock().await.recv().await {
            Some(agent) => agent,
            // The sender is in this same struct.
            None => std::future::pending().await,
        }
    }

    fn whose(&self, token: &str) -> Option<AgentId> {
        let places: Vec<_> =
            lock(&self.places).iter().map(|(agent, place)| (*agent, Arc::clone(place))).collect();
        let shows = |place: &Place| place.up().is_some_and(|gateway| gateway.door_token() == token);
        places.into_iter().find(|(_, place)| shows(place)).map(|(agent, _)| agent)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
