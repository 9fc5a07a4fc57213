use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use roost_domain::model::ModelName;
use roost_domain::plan::{BuiltinPlan, Plans};
use roost_domain::unit::Tokens;
use roost_ports::clock::Clock;
use roost_ports::embedder::Embedder;
use roost_ports::integrations::Integrations as Services;
use roost_ports::machine::Machines;
use roost_ports::model::Models;
use roost_ports::random::Random;
use roost_ports::reader::DocumentReader;
use roost_ports::runtime::Runtimes;
use roost_ports::scanner::Scanner;
use roost_ports::skills::SkillSources;
use roost_ports::store::{Reader, Store};
use roost_ports::tool::Tools;
use roost_ports::vault::Vault;
use roost_ports::wasm::WasmRunner;
use roost_ports::webhooks::WebhookSender;
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::accounts::ChosenPlans;
use crate::guard::Editions;
use crate::hub::Hub;
use crate::knowledge::Library;
use crate::models::Live as LiveCalls;
use crate::quota::Quotas;
use crate::regions::Regions;
use crate::skills::{Places, Reports};
use crate::snapshots::UnderWay;
use crate::triggers::Rates;
use crate::usage::MachineTime;
use crate::{
    Accounts, Agents, Approvals, Artifacts, Connections, Conversations, Documents, Error, Events, Forms,
    Gate, HostedRuntimes, Integrations, Keys, Knowledge, Memories, Messages, ModelCalls, PermissionSets,
    Policies, Runs, Sandboxes, Scans, Secrets, Sessions, Skills, Snapshots, Swarms, Triggers, Turns, Usages,
    Webhooks, Workflows,
};

/// Everything Roost can do. Cheap to clone; faces and the runtime hold one.
#[derive(Clone)]
pub struct Core {
    pub(crate) ports: Arc<Ports>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) queued: Arc<Notify>,
    pub(crate) sandbox_runs: Arc<Notify>,
    pub(crate) provisioning: Arc<Notify>,
    pub(crate) announced: Arc<Notify>,
    /// Somebody changed when triggers are due, in a transaction that may not be over yet.
    pub(crate) scheduled: Arc<Notify>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) editions: Arc<Editions>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) library: Arc<Library>,
    pub(crate) stale: Arc<Notify>,
    pub(crate) memorable: Arc<Notify>,
    pub(crate) runs_due: Arc<Notify>,
    pub(crate) plans: Arc<crate::runs::Plans>,
    pub(crate) run_states: Arc<crate::runs::States>,
    pub(crate) live_calls: Arc<LiveCalls>,
    pub(crate) under_way: Arc<UnderWay>,
    pub(crate) chosen_plans: Arc<ChosenPlans>,
    pub(crate) machine_time: Arc<MachineTime>,
    /// Scans that are asked for run at most so many at once; the others wait until their callers give up.
    pub(crate) scanning: Arc<Semaphore>,
    /// Files that are read, likewise.
    pub(crate) reading: Arc<Semaphore>,
    /// Credentials that are being renewed, whoever waits for them.
    pub(crate) renewals: TaskTracker,
    pub(crate) skill_reports: Arc<Reports>,
    pub(crate) skill_places: Arc<Places>,
    started: Timestamp,
}

/// Scans that run at once because somebody asked for them. What the gate itself looks at waits for none of them.
const SCANS_AT_ONCE: usize = 2;

/// Files that are read at once: each may take a processor and the memory that its reader allows.
const READ_AT_ONCE: usize = 2;

/// How the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Whether the store answers.
    pub store: bool,
    /// Whether the scanner knows any rules.
    pub scanner: bool,
    /// How long ago this process started.
    pub uptime: Duration,
}

impl Health {
    /// Tells whether everything is well.
    pub const fn is_ok(&self) -> bool {
        self.store && self.scanner
    }
}

/// What the core asks of the outside.
pub struct Ports {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Encryption of secrets, hashing of keys.
    pub vault: Arc<dyn Vault>,
    /// Where tools run.
    pub machines: Arc<dyn Machines>,
    /// Somebody else's loops, in agents' machines.
    pub runtimes: Arc<dyn Runtimes>,
    /// Who thinks.
    pub models: Arc<dyn Models>,
    /// What models can ask for.
    pub tools: Arc<dyn Tools>,
    /// Where sandboxes run WebAssembly.
    pub wasm: Arc<dyn WasmRunner>,
    /// What is wrong with code.
    pub scanner: Arc<dyn Scanner>,
    /// What texts mean.
    pub embedder: Arc<dyn Embedder>,
    /// What stands in files.
    pub reader: Arc<dyn DocumentReader>,
    /// Where skills come from.
    pub skills: Arc<dyn SkillSources>,
    /// Which services there are, and how leave is had from them.
    pub integrations: Arc<dyn Services>,
    /// Telling other people's systems what happened.
    pub webhooks: Arc<dyn WebhookSender>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// What the server's owner has set for all agents.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where people and other services reach the server, without a slash at the end: links begin with it.
    pub public_url: String,
    /// The model of an agent that names none and brings no key; `None` makes that an error.
    pub default_model: Option<ModelName>,
    /// The most a model may write in one call.
    pub max_output: Tokens,
    /// The most a model may read in one call, where the model itself allows more.
    pub max_input: Tokens,
    /// How many turns of one session may be open at once, the one that is worked on included.
    pub max_open_turns: usize,
    /// How many agents one account may have, where its plan allows more.
    pub max_agents: u64,
    /// How many snapshots one agent may have.
    pub max_snapshots: u64,
    /// Which hosts agents of which region live on.
    pub regions: Regions,
    /// The walls without which no machine of an agent under the policy `strict` is used; see
    /// `roost_domain::machine::Layer` for their names.
    pub strict_layers: Vec<String>,
    /// How many sandboxes one account may have at once, where its plan allows more; `None` is without limit.
    pub max_sandboxes: Option<u32>,
    /// The images that sandboxes may name.
    pub sandbox_images: Vec<String>,
    /// How many entries the knowledge of one agent or swarm may have.
    pub max_knowledge_entries: u64,
    /// How much memory copies of vectors may take, in bytes; those that were not used for longest go.
    pub knowledge_memory_bytes: usize,
    /// Skills whose scan comes to less than this wait for an approval.
    pub skill_approval_below: u8,
    /// The plans that accounts can have.
    pub plans: Plans,
    /// How many messages one trigger's URL takes in any minute.
    pub hook_requests_per_minute: u32,
    /// How long a turn waits for the results of its caller's own tools before it is cancelled.
    pub caller_wait: Duration,
    /// How many runs of one agent may be under way at once, those included that wait for people.
    pub max_open_runs: u32,
    /// How many runs of one agent may wait for others to end.
    pub max_queued_runs: u32,
}

impl Default for Settings {
    /// The documented defaults of `roost.toml`.
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:7700".to_owned(),
            default_model: None,
            max_output: Tokens(16_384),
            max_input: Tokens(150_000),
            max_open_turns: 100,
            max_agents: 100_000,
            max_snapshots: 20,
            regions: Regions::default(),
            strict_layers: ["namespaces", "network", "seccomp"].map(str::to_owned).to_vec(),
            max_sandboxes: None,
            sandbox_images: vec!["default".to_owned()],
            max_knowledge_entries: 200_000,
            knowledge_memory_bytes: 256 * 1024 * 1024,
            skill_approval_below: 70,
            plans: Plans::builtin(BuiltinPlan::Enterprise),
            hook_requests_per_minute: 60,
            caller_wait: Duration::from_secs(60 * 60),
            max_open_runs: 10_000,
            max_queued_runs: 10_000,
        }
    }
}

impl Core {
    /// Puts a core together.
    pub fn new(ports: Ports, settings: Settings) -> Self {
        let started = ports.clock.now();
        Self {
            started,
            ports: Arc::new(ports),
            settings: Arc::new(settings),
            hub: Arc::new(Hub::default()),
            queued: Arc::new(Notify::new()),
            sandbox_runs: Arc::new(Notify::new()),
            provisioning: Arc::new(Notify::new()),
            announced: Arc::new(Notify::new()),
            scheduled: Arc::new(Notify::new()),
            rates: Arc::default(),
            editions: Arc::default(),
            scanning: Arc::new(Semaphore::new(SCANS_AT_ONCE)),
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
            quotas: Arc::default(),
            library: Arc::default(),
            stale: Arc::new(Notify::new()),
            memorable: Arc::new(Notify::new()),
            runs_due: Arc::new(Notify::new()),
            plans: Arc::default(),
            run_states: Arc::default(),
            renewals: TaskTracker::new(),
            skill_reports: Arc::default(),
            skill_places: Arc::default(),
            live_calls: Arc::default(),
            under_way: Arc::default(),
            chosen_plans: Arc::default(),
            machine_time: Arc::default(),
        }
    }

    /// Looks at what the server cannot do without.
    pub async fn health(&self) -> Health {
        let look = |reader: &dyn Reader| Ok::<_, Error>(reader.first_account()?.is_some());
        let store = self.ports.store.read(look).await;
        if let Err(error) = &store {
            tracing::error!(%error, source = ?std::error::Error::source(error), "the store does not answer");
        }
        Health {
            store: store.is_ok(),
            scanner: !self.ports.scanner.version().is_empty(),
            // silent-ok: a clock that went back means that no time has gone by.
            uptime: self.now().duration_since(self.started).try_into().unwrap_or_default(),
        }
    }

    /// Returns the time now, for whoever makes a [`crate::Ctx`].
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Returns a new name for a request, for whoever makes a [`crate::Ctx`]: `req_` and 24 hexadecimal digits.
    pub fn request_id(&self) -> String {
        let mut random = [0; 12];
        self.ports.random.fill(&mut random);
        random.iter().fold("req_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
    }

    /// Returns the use cases of accounts.
    pub const fn accounts(&self) -> Accounts<'_> {
        Accounts(self)
    }

    /// Returns the use cases of agents.
    pub const fn agents(&self) -> Agents<'_> {
        Agents(self)
    }

    /// Returns the use cases of approvals.
    pub const fn approvals(&self) -> Approvals<'_> {
        Approvals(self)
    }

    /// Returns the use cases of connections.
    pub const fn connections(&self) -> Connections<'_> {
        Connections(self)
    }

    /// Returns the use cases of integrations.
    pub const fn integrations(&self) -> Integrations<'_> {
        Integrations(self)
    }

    /// Returns the use cases of artifacts.
    pub const fn artifacts(&self) -> Artifacts<'_> {
        Artifacts(self)
    }

    /// Returns the use cases of agents' documents.
    pub const fn documents(&self) -> Documents<'_> {
        Documents(self)
    }

    /// Returns the use cases of event streams.
    pub const fn events(&self) -> Events<'_> {
        Events(self)
    }

    /// Returns the use cases of conversations.
    pub const fn conversations(&self) -> Conversations<'_> {
        Conversations(self)
    }

    /// Returns the use cases of models that are asked outside of turns.
    pub const fn models(&self) -> ModelCalls<'_> {
        ModelCalls(self)
    }

    /// Returns the use cases of the pages of forms.
    pub const fn forms(&self) -> Forms<'_> {
        Forms(self)
    }

    /// Returns the gate's own use cases: what agents that run elsewhere ask, and what was decided.
    pub const fn gate(&self) -> Gate<'_> {
        Gate(self)
    }

    /// Returns the use cases of API keys.
    pub const fn keys(&self) -> Keys<'_> {
        Keys(self)
    }

    /// Returns the use cases of knowledge, and what the runtime embeds it anew with.
    pub const fn knowledge(&self) -> Knowledge<'_> {
        Knowledge(self)
    }

    /// Returns the use cases of what is remembered, and what the runtime keeps memories with.
    pub const fn memories(&self) -> Memories<'_> {
        Memories(self)
    }

    /// Returns the use cases of messages.
    pub const fn messages(&self) -> Messages<'_> {
        Messages(self)
    }

    /// Returns the use cases of sandboxes, and what the runtime performs their runs with.
    pub const fn sandboxes(&self) -> Sandboxes<'_> {
        Sandboxes(self)
    }

    /// Returns what hosted runtimes are brought up with, and what they ask for.
    pub const fn runtimes(&self) -> HostedRuntimes<'_> {
        HostedRuntimes(self)
    }

    /// Returns the use cases of permissions.
    pub const fn permissions(&self) -> PermissionSets<'_> {
        PermissionSets(self)
    }

    /// Returns the use cases of policies.
    pub const fn policies(&self) -> Policies<'_> {
        Policies(self)
    }

    /// Returns the use cases of runs of workflows, and what the runtime drives them with.
    pub const fn runs(&self) -> Runs<'_> {
        Runs(self)
    }

    /// Returns the use cases of scans.
    pub const fn scans(&self) -> Scans<'_> {
        Scans(self)
    }

    /// Returns the use cases of agents' secrets.
    pub const fn secrets(&self) -> Secrets<'_> {
        Secrets(self)
    }

    /// Returns the use cases of sessions.
    pub const fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// Returns the use cases of swarms.
    pub const fn swarms(&self) -> Swarms<'_> {
        Swarms(self)
    }

    /// Returns the use cases of snapshots, and what the runtime ends what was left of them with.
    pub const fn snapshots(&self) -> Snapshots<'_> {
        Snapshots(self)
    }

    /// Returns the use cases of skills.
    pub const fn skills(&self) -> Skills<'_> {
        Skills(self)
    }

    /// Returns the use cases of triggers, and what the runtime fires them with.
    pub const fn triggers(&self) -> Triggers<'_> {
        Triggers(self)
    }

    /// Returns what the runtime drives turns with.
    pub const fn turns(&self) -> Turns<'_> {
        Turns(self)
    }

    /// Returns the use cases of usage.
    pub const fn usage(&self) -> Usages<'_> {
        Usages(self)
    }

    /// Returns the use cases of webhooks, and what the runtime delivers them with.
    pub const fn webhooks(&self) -> Webhooks<'_> {
        Webhooks(self)
    }

    /// Returns the use cases of workflows.
    pub const fn workflows(&self) -> Workflows<'_> {
        Workflows(self)
    }
}
