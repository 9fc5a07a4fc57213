use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use roost_core::{
    Core, CreateAgent, CreateKey, CreateSwarm, Ctx, Live, Ports, PostMessage, Posted, Principal, Settings,
    UpdateAgent,
};
use roost_domain::agent::{Agent, Region, RuntimeKind, State};
use roost_domain::event::{Body, Event, Offset, TurnEvent};
use roost_domain::id::{AccountId, AgentId, SessionId, TurnId};
use roost_domain::key::{Key, Scope, Style};
use roost_domain::machine::Size;
use roost_domain::secret::Secret;
use roost_domain::swarm::Swarm;
use roost_domain::unit::MicroUsd;
use roost_ports::random::Random;
use roost_ports::scanner::Scanner;
use roost_ports::store::Store;
use roost_ports::vault::Vault;
use roost_runtime::{Options, Runtime};
use roost_store::{Database, MasterKey, SealedVault};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    SeededRandom, TestClock, TestEmbedder, TestIntegrations, TestMachines, TestModels, TestReader,
    TestRuntimes, TestScanner, TestSkills, TestTools, TestWasm, TestWebhooks,
};

/// How long a test waits for anything before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// A whole application in process.
pub struct TestApp {
    /// The core that faces are built on.
    pub core: Core,
    /// The model.
    pub models: Arc<TestModels>,
    /// The machines.
    pub machines: Arc<TestMachines>,
    /// What says what texts mean.
    pub embedder: Arc<TestEmbedder>,
    /// Where skills come from.
    pub skills: Arc<TestSkills>,
    /// The services that agents can be connected to.
    pub integrations: Arc<TestIntegrations>,
    /// The hosted runtimes.
    pub runtimes: Arc<TestRuntimes>,
    /// Who is told by webhook.
    pub webhooks: Arc<TestWebhooks>,
    /// The clock.
    pub clock: Arc<TestClock>,
    /// The store, for looking at what no use case shows.
    pub store: Arc<dyn Store>,
    /// The same, for closing it under the server's feet.
    pub database: Arc<Database>,
    /// The first account.
    pub account: AccountId,
    /// The text of a key of that account with every scope.
    pub key_text: String,
    key: Key,
    shutdown: CancellationToken,
    runtime: Option<JoinHandle<()>>,
    retry_delay: Duration,
    grace: Duration,
    vault: Arc<dyn Vault>,
    settings: Settings,
}

/// Puts a [`TestApp`] together.
pub struct Builder {
    settings: Settings,
    style: Style,
    running: bool,
    grace: Duration,
    scanner: Arc<dyn Scanner>,
    embedder: TestEmbedder,
}

impl Builder {
    /// Embeds with this instead of the test's usual embedder.
    #[must_use]
    pub fn embedder(self, embedder: TestEmbedder) -> Self {
        Self { embedder, ..self }
    }

    /// Sets what the server's owner sets.
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Makes the key look like those of a product.
    #[must_use]
    pub fn key_style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// Leaves the runtime off until [`TestApp::start_runtime`].
    #[must_use]
    pub fn without_runtime(self) -> Self {
        Self { running: false, ..self }
    }

    /// Scans with this instead of the test's own scanner.
    #[must_use]
    pub fn scanner(self, scanner: Arc<dyn Scanner>) -> Self {
        Self { scanner, ..self }
    }

    /// Sets how long turns have at shutdown.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Starts the application.
    pub async fn build(self) -> TestApp {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let database = Arc::new(Database::in_memory().expect("a temporary database opens"));
        let store: Arc<dyn Store> = Arc::clone(&database) as _;
        let clock = Arc::new(TestClock::default());
        let models = Arc::new(TestModels::default());
        let machines = Arc::new(TestMachines::default());
        let embedder = Arc::new(self.embedder);
        let skills = Arc::new(TestSkills::default());
        let webhooks = Arc::new(TestWebhooks::default());
        let runtimes = Arc::new(TestRuntimes::default());
        let integrations = Arc::new(TestIntegrations::default());
        let master = MasterKey::generate(&*random);
        let vault: Arc<dyn Vault> = Arc::new(SealedVault::new(master, Arc::clone(&random)));
        let ports = Ports {
            store: Arc::clone(&store),
            vault: Arc::clone(&vault),
            machines: Arc::clone(&machines) as _,
            runtimes: Arc::clone(&runtimes) as _,
            models: Arc::clone(&models) as _,
            tools: Arc::new(TestTools::new(Arc::clone(&machines) as _)),
            wasm: Arc::new(TestWasm::default()),
            scanner: self.scanner,
            embedder: Arc::clone(&embedder) as _,
            reader: Arc::new(TestReader),
            skills: Arc::clone(&skills) as _,
            integrations: Arc::clone(&integrations) as _,
            webhooks: Arc::clone(&webhooks) as _,
            clock: Arc::clone(&clock) as _,
            random,
        };
        let core = Core::new(ports, self.settings.clone());
        let account = core.keys().owner_account("Test").await.expect("an account can be made");
        let owner = context(&core, Principal::Owner(account));
        let new = CreateKey { name: "test".to_owned(), style: self.style, scopes: Scope::ALL.to_vec() };
        let made = core.keys().create(&owner, new).await.expect("a key can be made");
        let mut app = TestApp {
            core,
            models,
            machines,
            embedder,
            integrations,
            runtimes,
            skills,
            webhooks,
            clock,
            store,
            database,
            account,
            key_text: made.text.expose().to_owned(),
            key: made.key,
            shutdown: CancellationToken::new(),
            runtime: None,
            retry_delay: Duration::from_millis(1),
            grace: self.grace,
            vault,
            settings: self.settings,
        };
        if self.running {
            app.start_runtime();
        }
        app
    }
}

fn context(core: &Core, principal: Principal) -> Ctx {
    let now = core.now();
    Ctx { principal, request_id: "req_test".to_owned(), now, deadline: now + PATIENCE }
}

impl TestApp {
    /// Begins to put one together.
    pub fn builder() -> Builder {
        Builder {
            settings: Settings::default(),
            style: Style::Native,
            running: true,
            grace: Duration::from_secs(5),
            scanner: Arc::new(TestScanner),
            embedder: TestEmbedder::default(),
        }
    }

    /// Starts one as most tests need it.
    pub async fn start() -> Self {
        Self::builder().build().await
    }

    /// Starts the runtime, the first time or after [`TestApp::stop_runtime`] or [`TestApp::kill_runtime`].
    pub fn start_runtime(&mut self) {
        self.shutdown = CancellationToken::new();
        let options = Options {
            grace: self.grace,
            upkeep_every: Duration::from_millis(5),
            recheck_triggers: Duration::from_millis(5),
            retry_delay: self.retry_delay,
            ..Options::default()
        };
        let runtime = Runtime::new(self.core.clone(), options).run(self.shutdown.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "the handle is awaited or aborted by the app that owns it"
        )]
        let handle =
            tokio::spawn(async move { runtime.await.expect("the runtime takes over what was left") });
        self.runtime = Some(handle);
    }

    /// Stops the runtime in good order.
    pub async fn stop_runtime(&mut self) {
        self.shutdown.cancel();
        if let Some(runtime) = self.runtime.take() {
            within("the runtime stops", runtime).await.expect("the runtime does not panic");
        }
    }

    /// Stops the runtime in mid-step, as a crash does: nothing more is written.
    pub async fn kill_runtime(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.abort();
            let ended = within("the runtime dies", runtime).await;
            assert!(ended.is_err_and(|error| error.is_cancelled()), "the runtime had ended by itself");
        }
    }

    /// Stops the server and starts another over the same data, with another embedder.
    pub async fn restart_with(&mut self, embedder: TestEmbedder) {
        self.stop_runtime().await;
        self.embedder = Arc::new(embedder);
        self.core = self.with_settings(self.settings.clone());
        self.start_runtime();
    }

    /// Returns a context of the app's key, now.
    pub fn ctx(&self) -> Ctx {
        context(&self.core, Principal::Key(self.key.clone()))
    }

    /// Returns a context of a key with these scopes only.
    pub fn ctx_with(&self, scopes: &[Scope]) -> Ctx {
        context(&self.core, Principal::Key(Key { scopes: scopes.to_vec(), ..self.key.clone() }))
    }

    /// Makes another account and returns a context of its owner.
    pub async fn stranger(&self) -> Ctx {
        let id: AccountId = "acct_0000000000007000800000000000feed".parse().expect("is an id");
        let account = roost_domain::account::Account {
            id,
            name: "Stranger".to_owned(),
            plan: None,
            created_at: self.core.now(),
        };
        let insert = move |writer: &mut dyn roost_ports::store::Writer| writer.insert_account(&account);
        self.store.write::<_, roost_ports::store::Error>(insert).await.expect("an account can be made");
        context(&self.core, Principal::Owner(id))
    }

    /// Makes an agent of the model `test/echo` with this configuration.
    pub async fn agent(&self, config: serde_json::Value) -> AgentId {
        self.agent_of("test/echo", config).await.id
    }

    /// Makes a swarm, and an agent with this configuration in it for each name.
    pub async fn swarm<const N: usize>(
        &self,
        name: &str,
        agents: [(&str, serde_json::Value); N],
    ) -> (Swarm, [AgentId; N]) {
        let new = CreateSwarm { name: name.to_owned(), description: None, icon: None };
        let swarm = self.core.swarms().create(&self.ctx(), new).await.expect("a swarm can be made").swarm;
        let mut ids = Vec::new();
        for (name, config) in agents {
            let agent = self.agent(config).await;
            let change = UpdateAgent {
                name: Some(name.to_owned()),
                swarm: Some(Some(swarm.id)),
                ..UpdateAgent::default()
            };
            self.core.agents().update(&self.ctx(), agent, change).await.expect("it can be put there");
            ids.push(agent);
        }
        (swarm, ids.try_into().expect("there are as many"))
    }

    /// Makes an agent of a model with this configuration.
    pub async fn agent_of(&self, model: &str, config: serde_json::Value) -> Agent {
        self.make(model, config, Region::Eu, RuntimeKind::Roost).await.expect("an agent can be made")
    }

    /// Makes an agent whose loop is a hosted runtime's, which is installed here.
    pub async fn hosted_agent(&self) -> AgentId {
        self.runtimes.install();
        let made = self.make("test/echo", serde_json::json!({}), Region::Eu, RuntimeKind::Openclaw).await;
        made.expect("an agent can be made").id
    }

    /// Makes an agent in a region, if there it can be.
    ///
    /// # Errors
    ///
    /// Those of the core.
    pub async fn agent_in(&self, region: Region) -> Result<Agent, roost_core::Error> {
        self.make("test/echo", serde_json::json!({}), region, RuntimeKind::Roost).await
    }

    /// Returns the core of another server over the same database file.
    pub fn second_server(&self) -> Core {
        let options = roost_store::Options {
            wal_bytes: 0,
            durable: false,
            ..roost_store::Options::new(self.database.path())
        };
        let second = Database::open(options).expect("a second server opens the file");
        self.core_over(Arc::new(second), self.settings.clone())
    }

    /// Returns a core over the same store and machines as another owner of the server would set it up.
    pub fn with_settings(&self, settings: Settings) -> Core {
        self.core_over(Arc::clone(&self.store), settings)
    }

    fn core_over(&self, store: Arc<dyn Store>, settings: Settings) -> Core {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(2));
        let ports = Ports {
            store,
            vault: Arc::clone(&self.vault),
            machines: Arc::clone(&self.machines) as _,
            models: Arc::clone(&self.models) as _,
            tools: Arc::new(TestTools::new(Arc::clone(&self.machines) as _)),
            wasm: Arc::new(TestWasm::default()),
            scanner: Arc::new(TestScanner),
            embedder: Arc::clone(&self.embedder) as _,
            reader: Arc::new(TestReader),
            skills: Arc::clone(&self.skills) as _,
            runtimes: Arc::clone(&self.runtimes) as _,
            integrations: Arc::clone(&self.integrations) as _,
            webhooks: Arc::clone(&self.webhooks) as _,
            clock: Arc::clone(&self.clock) as _,
            random,
        };
        Core::new(ports, settings)
    }

    async fn make(
        &self,
        model: &str,
        config: serde_json::Value,
        region: Region,
        runtime: RuntimeKind,
    ) -> Result<Agent, roost_core::Error> {
        let serde_json::Value::Object(config) = config else { panic!("a configuration is an object") };
        let new = CreateAgent {
            name: "Ada".to_owned(),
            description: String::new(),
            model: Some(model.parse().expect("is a model name")),
            runtime,
            size: Size::Medium,
            region,
            swarm: None,
            avatar_url: None,
            tags: Vec::new(),
            config,
            soul: None,
            identity: None,
            workflow: None,
            secrets: BTreeMap::from([("keyed_api_key".to_owned(), Secret::new("sk-test-secret"))]),
        };
        Ok(self.core.agents().create(&self.ctx(), new).await?.agent)
    }

    /// Posts a message.
    pub async fn post(&self, agent: AgentId, text: &str) -> Posted {
        let message = PostMessage { agent, session: None, peer: None, text: text.to_owned(), context: None };
        self.core.messages().post(&self.ctx(), message).await.expect("a message can be posted")
    }

    /// Posts a message and returns everything that happened in its turn until it ended.
    pub async fn talk(&self, agent: AgentId, text: &str) -> Vec<TurnEvent> {
        let posted = self.post(agent, text).await;
        self.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await
    }

    /// Returns what happened in a turn, once an event has happened in it that the test waits for.
    ///
    /// # Panics
    ///
    /// When it does not happen in time.
    pub async fn until(
        &self,
        agent: AgentId,
        posted: &Posted,
        happened: impl Fn(&TurnEvent) -> bool,
    ) -> Vec<TurnEvent> {
        let (session, turn) = (posted.session, posted.turn);
        let subscribed = self.core.events().subscribe(&self.ctx(), agent, session, Offset::START).await;
        let mut events = subscribed.expect("the session can be followed");
        let mut seen = Vec::new();
        let wait = async {
            loop {
                let live = events.next().await.expect("the log can be read");
                let Live::Event(Event { body: Body::Turn { turn: of, event }, .. }) = live else { continue };
                if of == turn {
                    seen.push(event);
                    if seen.last().is_some_and(&happened) {
                        return;
                    }
                }
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("what the test waits for did not happen; this did: {seen:#?}");
        }
        seen
    }

    /// Returns a session's log as it stands.
    pub async fn log(&self, session: SessionId) -> Vec<Event> {
        let limit = roost_domain::page::Limit::clamped(10_000, 10_000);
        let read = move |reader: &dyn roost_ports::store::Reader| reader.last_events(session, limit);
        self.store.read::<_, roost_ports::store::Error>(read).await.expect("the log can be read")
    }

    /// Returns an agent as it stands.
    pub async fn look(&self, agent: AgentId) -> Agent {
        self.core.agents().get(&self.ctx(), agent).await.expect("the agent is there").agent
    }

    /// Puts an agent into a state, however it would come there.
    pub async fn put_state(&self, agent: AgentId, state: State) {
        let put = move |writer: &mut dyn roost_ports::store::Writer| {
            let found = writer.agent_of_any_account(agent)?.expect("the agent is there");
            writer.update_agent(&Agent { state, ..found })
        };
        self.store.write::<_, roost_ports::store::Error>(put).await.expect("can be put");
    }

    /// Waits until an agent is as the test wants it.
    ///
    /// # Panics
    ///
    /// When it does not come to be in time.
    pub async fn until_agent(&self, agent: AgentId, wanted: impl Fn(&Agent) -> bool) -> Agent {
        let wait = async {
            loop {
                let now = self.look(agent).await;
                if wanted(&now) {
                    return now;
                }
                tokio::task::yield_now().await;
            }
        };
        within("the agent becomes as wanted", wait).await
    }

    /// Returns what a ledger says: spent and reserved.
    pub async fn ledger(&self, of: AgentId) -> (MicroUsd, MicroUsd) {
        let read = move |reader: &dyn roost_ports::store::Reader| reader.ledger(of);
        let ledger =
            self.store.read::<_, roost_ports::store::Error>(read).await.expect("ledgers can be read");
        (ledger.spent, ledger.reserved)
    }

    /// Returns the phase of a turn.
    pub async fn phase(&self, turn: TurnId) -> roost_ports::store::TurnPhase {
        let read = move |reader: &dyn roost_ports::store::Reader| reader.turn(turn);
        let turn = self.store.read::<_, roost_ports::store::Error>(read).await.expect("turns can be read");
        turn.expect("the turn is there").phase
    }

    /// Waits until a turn is in a phase.
    ///
    /// # Panics
    ///
    /// When it does not come to be in time.
    pub async fn until_phase(&self, turn: TurnId, wanted: roost_ports::store::TurnPhase) {
        let wait = async {
            while self.phase(turn).await != wanted {
                tokio::task::yield_now().await;
            }
        };
        within(&format!("the turn becomes {}", wanted.name()), wait).await;
    }
}

/// Waits for something with a deadline.
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(tokio::time::error::Elapsed { .. }) => panic!("not in time: {what}"),
    }
}
