//! `roost.toml` as it is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::name::{Name, PlanName};
use super::quantity::{Size, Span};
use super::section::section;
use super::uids::UidRange;

section! {
    /// These keys stand at the top of the file, before any section.
    File {
        /// Where the server listens, as `host:port`. Port 0 picks a free one and prints it. An address that
        /// others can reach belongs behind a proxy that speaks TLS.
        listen: String = "127.0.0.1:7700".to_owned(),
        /// Where everything is kept: the database, the master key, the agents' workspaces. Without it,
        /// `$XDG_DATA_HOME/roost` or `~/.local/share/roost`.
        data: Option<PathBuf> = None,
    }
    with {
        server: Server,
        regions: Regions,
        log: Log,
        limits: Limits,
        models: Models,
        api: Api,
        guard: Guard,
        fullpilot: Fullpilot,
        plans: BTreeMap<String, PlanOptions>,
        runtime: Runtime,
        machines: Machines,
        openclaw: Openclaw,
        sandboxes: Sandboxes,
        skills: Skills,
        integrations: Integrations,
        webhooks: Webhooks,
        triggers: Triggers,
        knowledge: Knowledge,
        embeddings: Embeddings,
        store: Store,
    }
}

section! {
    /// How requests come in and how the server ends.
    Server {
        /// The URL under which people and other services reach this server: links that it gives out begin with it.
        /// Without it, `http://` and the address it listens on.
        public_url: Option<String> = None,
        /// What this server is called in the pools of `[regions]`.
        host: String = "local".to_owned(),
        /// Connections that may be open at once; more wait until one closes.
        max_connections: usize = 1_024,
        /// How long a client may take to send a request's head, and how long a connection may idle between two
        /// requests.
        header_timeout: Span = Span::from_secs(30),
        /// How long a client may take no data before its connection is closed.
        write_timeout: Span = Span::from_secs(30),
        /// How long the server takes to end in good order: running turns park, streams end, machines stop. After
        /// it, what is left is cut off; nothing is lost by that.
        shutdown_timeout: Span = Span::from_secs(10),
        /// Threads that work on requests.
        workers: usize = 2,
    }
}

section! {
    /// Pools of hosts that agents live in. An agent's region selects one; an agent whose pool does not have this
    /// server's host is not started here.
    Regions {}
    with {
        eu: Region,
        us: Region,
    }
}

section! {
    /// One pool.
    Region {
        /// The hosts in it, by their names; none makes it an error to create an agent there.
        hosts: Vec<String> = vec!["local".to_owned()],
    }
}

section! {
    /// What the server tells about itself on standard error.
    Log {
        /// How much: `error`, `warn`, `info`, `debug` or `trace`, also by module (`info,roost_core=debug`). Without
        /// it, `info` for `roost serve` and `warn` for `roost up`.
        filter: Option<String> = None,
        /// `text` for people, `json` for machines: one object a line.
        format: LogFormat = LogFormat::Text,
    }
}

section! {
    /// What one account, session or call may use.
    Limits {
        /// Agents of one account, where its plan allows more.
        max_agents: u64 = 100_000,
        /// Snapshots of one agent.
        max_snapshots: u64 = 20,
        /// Messages of one session that may wait for an answer, the one that is being answered included.
        max_open_turns: usize = 100,
        /// Workflow runs of one agent that may be under way, those included that wait for people.
        max_open_runs: u32 = 10_000,
        /// Workflow runs of one agent that may wait for others to end.
        max_queued_runs: u32 = 10_000,
        /// Tokens a model may write in one call.
        max_output_tokens: u64 = 16_384,
        /// Tokens a model may read in one call, where the model itself allows more.
        max_input_tokens: u64 = 150_000,
    }
}

section! {
    /// Who thinks. Keys never stand in this file: they come from the environment or with an agent.
    Models {
        /// The model of agents that name none and bring no key. Without it, the usual model of the first
        /// provider whose key is in the environment.
        default: Option<Name> = None,
        /// Where `scripted/NAME` finds `NAME.yaml`.
        scripts: Option<PathBuf> = None,
        /// A proxy for all providers but those on this machine, as a URL.
        proxy: Option<String> = None,
    }
    with {
        anthropic: Anthropic,
        openai: Openai,
        google: Google,
        openrouter: Openrouter,
        ollama: Ollama,
        timeouts: Timeouts,
        retries: Retries,
        compatible: Vec<Compatible>,
        prices: Vec<PriceEntry>,
    }
}

section! {
    /// `anthropic/…`; the key is `ANTHROPIC_API_KEY`.
    Anthropic {
        /// Where it is, a bare host.
        base_url: String = "https://api.anthropic.com".to_owned(),
    }
}

section! {
    /// `openai/…`; the key is `OPENAI_API_KEY`.
    Openai {
        /// Where it is, up to and with `/v1`.
        base_url: String = "https://api.openai.com/v1".to_owned(),
    }
}

section! {
    /// `google/…`; the key is `GEMINI_API_KEY` or `GOOGLE_API_KEY`.
    Google {
        /// Where it is, a bare host.
        base_url: String = "https://generativelanguage.googleapis.com".to_owned(),
    }
}

section! {
    /// `openrouter/…`; the key is `OPENROUTER_API_KEY`.
    Openrouter {
        /// Where it is, up to and with `/v1`.
        base_url: String = "https://openrouter.ai/api/v1".to_owned(),
    }
}

section! {
    /// `ollama/…`, which needs no key.
    Ollama {
        /// Where it is, up to and with `/v1`.
        base_url: String = "http://127.0.0.1:11434/v1".to_owned(),
    }
}

section! {
    /// How long to wait for a provider.
    Timeouts {
        /// For a connection, TLS included.
        connect: Span = Span::from_secs(10),
        /// From the request to the first byte of the answer; local models load first.
        first_byte: Span = Span::from_secs(180),
        /// Between two pieces of an answer.
        silence: Span = Span::from_secs(120),
        /// For one whole answer, however it trickles.
        whole: Span = Span::from_secs(1_800),
    }
}

section! {
    /// How often to try a call that a provider refused in passing.
    Retries {
        /// Tries in all, the first included.
        max_attempts: u32 = 4,
        /// The wait before the second try where the provider names none; doubles each time, up to 8 s.
        first_wait: Span = Span::from_millis(500),
        /// The longest `Retry-After` that is waited for.
        longest_wait: Span = Span::from_secs(60),
    }
}

section! {
    /// One more server that speaks OpenAI's Chat Completions, such as vLLM or LM Studio. May be there several times.
    Compatible {
        /// The first part of its models' names: lower-case letters, digits and dashes.
        name: String = String::new(),
        /// Where it is: what comes before `/chat/completions`.
        base_url: String = String::new(),
        /// The environment variable that holds its key, if it wants one.
        api_key_env: Option<String> = None,
    }
}

section! {
    /// What a model costs where the built-in list does not know it or is wrong. May be there several times.
    PriceEntry {
        /// The beginning of the names it is for, provider included: `openai/gpt-5` is also for
        /// `openai/gpt-5-2025-08-07`.
        model: String = String::new(),
        /// US dollars per million tokens read.
        input_usd: f64 = 0.0,
        /// US dollars per million tokens read from the provider's cache.
        cached_usd: f64 = 0.0,
        /// US dollars per million tokens written to the provider's cache.
        cache_written_usd: f64 = 0.0,
        /// US dollars per million tokens written.
        output_usd: f64 = 0.0,
        /// The most tokens the model can read and write in one call.
        context: u64 = 128_000,
        /// The most tokens it can write in one call.
        max_output: u64 = 16_384,
    }
}

section! {
    /// How turns are worked on.
    Runtime {
        /// Turns that are worked on at once, over all agents.
        max_turns: usize = 256,
        /// How often idle machines, overdue approvals and webhooks to be tried again are looked for.
        upkeep_every: Span = Span::from_secs(1),
        /// How long to wait before a model is asked again after it failed in passing; doubles with every failure.
        retry_delay: Span = Span::from_secs(1),
    }
}

section! {
    /// The API's bounds.
    Api {
        /// Requests that a key may make in any minute.
        requests_per_minute: u32 = 120,
        /// The longest request body that is read.
        max_body: Size = Size(roost_domain::unit::Bytes::mib(1)),
        /// How long a request may take until its answer begins.
        deadline: Span = Span::from_secs(30),
        /// How long the answer to a message stays open while nothing happens in its turn, for example because a
        /// person has to approve something first.
        chat_wait: Span = Span::from_secs(900),
        /// Web pages of other origins that may call, such as `["https://example.com"]`; `["*"]` lets all.
        cors_origins: Vec<String> = Vec::new(),
    }
}

section! {
    /// The gate, the scanner and what keys may use of them.
    Guard {
        /// The plan of every account for which none was chosen with `roost account set-plan`: `free`, `pro`,
        /// `enterprise`, which is without limits, or one of the sections `[plans.NAME]`.
        plan: String = "enterprise".to_owned(),
        /// Requests that a key may make in any minute on AgentCop's paths.
        requests_per_minute: u32 = 60_000,
    }
}

section! {
    /// What keys may do on Fullpilot's paths in any minute.
    Fullpilot {
        /// Requests, those that start runs and answer them apart.
        requests_per_minute: u32 = 100,
        /// Runs that are started and answered.
        executions_per_minute: u32 = 20,
    }
}

section! {
    /// A plan that accounts can have, one section for each: what an account and its keys may use. A section named
    /// `free`, `pro` or `enterprise` changes the plan of that name. What a section does not say is as in the plan that
    /// it is like.
    PlanOptions {
        /// What people call it. Without it, the section's name.
        name: Option<String> = None,
        /// The built-in plan that it is like in all that stands not here. Without it, `enterprise`, or the plan of
        /// the section's own name.
        like: Option<PlanName> = None,
        /// Agents of one account.
        max_agents: Option<u64> = None,
        /// Skills of one agent.
        max_skills_per_agent: Option<u64> = None,
        /// What an account may spend in a calendar month, in UTC, on models that it asks directly over the
        /// OpenAI-compatible API, in dollars. Embeddings are not counted: nobody knows here what they cost.
        direct_model_usd: Option<f64> = None,
        /// What it includes, out of `api_access` (keys work) and `swarms`.
        features: Option<Vec<String>> = None,
        /// Scans by one key in any 24 hours.
        scans: Option<u64> = None,
        /// Evaluations by the gate for one key in any 24 hours.
        evaluations: Option<u64> = None,
        /// Approvals asked for by one key in any 24 hours.
        approvals: Option<u64> = None,
        /// Sandboxes of one account at once.
        max_sandboxes: Option<u32> = None,
        /// How long results of scans are kept.
        scan_retention: Option<Span> = None,
    }
}

section! {
    /// Where tools run.
    Machines {
        /// Who makes machines: `kernel` needs nothing but Linux; `docker` asks a Docker engine on this host.
        driver: Driver = Driver::Kernel,
        /// The walls without which nothing runs in the machine of an agent under the policy `strict`, out of
        /// `namespaces`, `network`, `files`, `seccomp`, `landlock`, `memory`, `cpu`, `processes`, `freezer`. `roost
        /// doctor` says which hold here. Sandboxes need them too.
        strict_layers: Vec<String> = ["namespaces", "network", "seccomp"].map(str::to_owned).to_vec(),
        /// The user ids of this host that machines may run as, one each, as `first-last`. A server that is not root
        /// runs machines as its own user.
        uids: UidRange = UidRange::default(),
        /// A directory of the control groups (version 2) that belongs to this server. Without it, the best one below
        /// the server's own group.
        cgroup_parent: Option<PathBuf> = None,
    }
    with {
        docker: Docker,
    }
}

section! {
    /// Machines as containers of a Docker engine, with `driver = "docker"`. They have no network, no capability and a
    /// read-only root.
    Docker {
        /// Where the engine listens. Whoever may use it is root on this host, so the server is too.
        socket: PathBuf = PathBuf::from("/var/run/docker.sock"),
        /// The image whose programs machines have, such as `debian:12`; it must have been pulled, and be able to run
        /// this server's binary. Without it, machines have the programs of this host, read-only.
        image: Option<String> = None,
    }
}

section! {
    /// OpenClaw gateways, hosted in the machines of agents whose `runtime_kind` is `openclaw`.
    Openclaw {
        /// Where it is installed: the directory that holds `node_modules`. Without it, where `roost openclaw install`
        /// puts it in the data directory, if it is there.
        path: Option<PathBuf> = None,
    }
}

section! {
    /// Sandboxes for somebody's code.
    Sandboxes {
        /// The images that may be asked for. The kernel's machines have the programs of this host, whatever the name.
        images: Vec<String> = vec!["default".to_owned()],
        /// Sandboxes that one account may have at once; without it, as many as it likes.
        max_per_account: Option<u32> = None,
        /// Runs that are performed at once, over all sandboxes.
        max_runs: usize = 64,
        /// Modules that run at once in the mode `wasm`; each keeps a CPU busy.
        max_modules: usize = 4,
        /// A Python interpreter as a WASI module (`python.wasm`, preview 1, with its library inside), with which the
        /// mode `wasm` runs Python. Without it, that mode runs modules only.
        python_wasm: Option<PathBuf> = None,
    }
}

section! {
    /// Skills for agents.
    Skills {
        /// A folder of skills that this server's owner trusts, such as a git checkout: folders with a `SKILL.md`, in
        /// it or in its folder `skills`. Changes are seen at the next look.
        catalog: Option<PathBuf> = None,
        /// Whether the skills that are built in belong to the catalog too.
        starter: bool = true,
        /// The public registry of skills, without `/api/v1`; empty does without one.
        clawhub_url: String = "https://clawhub.ai".to_owned(),
        /// How long a request to the registry may take.
        clawhub_timeout: Span = Span::from_secs(20),
        /// Skills whose scan comes to less than this, out of 100, wait for an approval.
        approval_below: u32 = 70,
    }
}

section! {
    /// Services that agents are connected to.
    Integrations {
        /// Hosts whose OAuth endpoints and OpenAPI documents may be reached even where they stand for addresses of this
        /// machine or of a private network, such as `["git.internal"]`. Where agents themselves may send requests is
        /// in their own configuration.
        allow_private: Vec<String> = Vec::new(),
    }
}

section! {
    /// What starts agents' workflows by itself.
    Triggers {
        /// Messages that one trigger's URL takes in any minute.
        requests_per_minute: u32 = 60,
    }
}

section! {
    /// Outgoing webhooks.
    Webhooks {
        /// Hosts that webhooks may be sent to even where they stand for addresses of this machine or of a private
        /// network, such as `["127.0.0.1:9000", "*.internal"]`. Whoever has an account's admin key can have anything
        /// that is listed here posted to.
        allow_private: Vec<String> = Vec::new(),
    }
}

section! {
    /// What agents know.
    Knowledge {
        /// Entries that the knowledge of one agent or swarm may have.
        max_entries: u64 = 200_000,
        /// Memory for copies of vectors that are searched; those that were not used for longest go. 100,000 entries of
        /// 384 dimensions take 40 MiB.
        memory: Size = Size(roost_domain::unit::Bytes::mib(256)),
    }
}

section! {
    /// Who says what texts mean, so that knowledge is found by its meaning. When this changes, all entries are embedded
    /// anew in the background.
    Embeddings {
        /// `auto`, `local`, `openai`, `gemini` or `lexical`. `auto` is the local model if it is there, else `lexical`:
        /// texts are compared by their words, without a model.
        provider: EmbeddingProvider = EmbeddingProvider::Auto,
        /// Where the local model is: a directory with `config.json`, `vocab.txt` and `model.safetensors`, as
        /// `sentence-transformers/all-MiniLM-L6-v2` has them. Without it, `models/all-MiniLM-L6-v2` below `data`.
        path: Option<PathBuf> = None,
        /// The model of `openai` or `gemini`. Without it, `text-embedding-3-small` or `gemini-embedding-001`.
        model: Option<String> = None,
        /// How many numbers a vector has. Without it, 512 of OpenAI's models and 768 of Gemini's; needed for the models
        /// of other servers.
        dimensions: Option<usize> = None,
        /// A server that speaks OpenAI's `/embeddings`: what comes before that. Without it, `models.openai.base_url`.
        base_url: Option<String> = None,
        /// The environment variable that holds the key for `base_url`. Without it, no key is sent there; OpenAI and
        /// Gemini themselves get theirs.
        api_key_env: Option<String> = None,
    }
}

section! {
    /// How the database is used. The defaults fit a server with a few hundred agents at work.
    Store {
        /// Reads that run at once.
        readers: usize = 4,
        /// Memory for the database's pages; each reader takes a quarter of it on top.
        cache: Size = Size(roost_domain::unit::Bytes::mib(4)),
        /// How large the database's log is made in advance, so that commits overwrite instead of growing a file.
        log_size: Size = Size(roost_domain::unit::Bytes::mib(8)),
    }
}

/// Who makes machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Driver {
    /// The kernel's own parts.
    Kernel,
    /// A Docker engine.
    Docker,
}

/// Who says what texts mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EmbeddingProvider {
    /// The local model if it is there, else words.
    Auto,
    /// The local model.
    Local,
    /// OpenAI or a server like it.
    Openai,
    /// Gemini.
    Gemini,
    /// Words.
    Lexical,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}
