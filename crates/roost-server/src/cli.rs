//! The command line: what can be typed, and the help that says so.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use roost_domain::key::{Scope, Style};
use roost_domain::model::ModelName;
use roost_domain::scan::{Framework, Severity};

use crate::config::Flags;

mod connections;
mod documents;
mod guard;
mod knowledge;
mod secrets;
mod skills;
mod snapshots;
mod swarms;
mod triggers;
mod usage;
mod workflows;

pub(crate) use connections::{AddIntegration, Connect, Connections, Integrations};
pub(crate) use documents::{Documents, OneDocument};
pub(crate) use guard::{
    Explain, FileOf, Permissions, Policy, PutPermissions, PutPolicy, Suggest, TestPolicy,
};
pub(crate) use knowledge::{Knowledge, KnowledgeOf};
pub(crate) use secrets::{OneSecret, Secrets};
pub(crate) use skills::{InstallSkill, SearchSkills, SkillOf, SkillSource, Skills, UploadSkill};
pub(crate) use snapshots::{Fork, OneSnapshot, Snapshots};
pub(crate) use swarms::{OneSwarm, Swarms};
pub(crate) use triggers::{OneTrigger, Triggers};
pub(crate) use usage::Usage;
pub(crate) use workflows::{OneRun, RunWorkflow, Runs, Workflow};

/// A self-hosted home for AI agents: one server, one program.
#[derive(Debug, Parser)]
#[command(
    name = "roost",
    version,
    after_help = "First steps:\n  roost up                     a server, a key and a first agent on this machine\n  \
                  roost chat                   talk with the agent, in another terminal\n  roost doctor                 \
                  what this machine offers, and what is missing\n\nEvery command explains itself: roost COMMAND --help"
)]
pub(crate) struct Cli {
    /// The configuration file [default: ./roost.toml or ~/.config/roost/roost.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(Up),
    Serve(Serve),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Keys(Keys),
    /// See accounts, what they may have and have, and choose their plans
    #[command(subcommand)]
    Account(Account),
    /// Make, look after and remove agents
    #[command(subcommand)]
    Agents(Agents),
    /// Save agents' states, go back to them and compare them
    #[command(subcommand)]
    Snapshots(Snapshots),
    Fork(Fork),
    /// See and change the documents that shape an agent
    #[command(subcommand)]
    Documents(Documents),
    /// Set agents' secrets and say where they may go
    #[command(subcommand)]
    Secrets(Secrets),
    Chat(Chat),
    Logs(Logs),
    Usage(Usage),
    /// See what waits for a decision of yours, and decide it
    #[command(subcommand)]
    Approvals(Approvals),
    /// See, try and change what an agent may do
    #[command(subcommand)]
    Policy(Policy),
    /// See and change what an agent may reach, whatever its policy says
    #[command(subcommand)]
    Permissions(Permissions),
    /// Find skills, make your own, put them on agents
    #[command(subcommand)]
    Skills(Skills),
    /// Host OpenClaw gateways
    #[command(subcommand)]
    Openclaw(Openclaw),
    Scan(Scan),
    /// Group agents that share keys, permissions and knowledge, and may ask one another
    #[command(subcommand)]
    Swarms(Swarms),
    /// See what starts agents' workflows by itself, and try it
    #[command(subcommand)]
    Triggers(Triggers),
    /// Give agents documents to know, and search them
    #[command(subcommand)]
    Knowledge(Knowledge),
    /// Connect agents to other services
    #[command(subcommand)]
    Connections(Connections),
    /// Find services that agents can be connected to, and add your own
    #[command(subcommand)]
    Integrations(Integrations),
    /// Check workflows and give them to agents
    #[command(subcommand)]
    Workflow(Workflow),
    Run(RunWorkflow),
    /// See runs of workflows, answer and stop them
    #[command(subcommand)]
    Runs(Runs),
    FakeModel(FakeModel),
    Doctor(Doctor),
    Completions(Completions),
}

/// Start everything on this machine: data directory, server, a first key and a first agent
///
/// Makes what is not there yet and finds what is, so it can be run again at any time. Without a model key in the
/// environment the agent follows a script, so that the first conversation works offline.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost up\n  ANTHROPIC_API_KEY=… roost up\n  roost up --listen 127.0.0.1:8080 \
                        --data ./data --model ollama/qwen3"
)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) at: ServerArgs,
    /// The agent's model, as provider/model [default: the usual one of the provider whose key is in the environment,
    /// else scripted/demo]
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<ModelName>,
}

/// Run the server, and nothing else
///
/// Prints `listening on http://ADDR` on standard error when it is ready. Ends in good order on SIGTERM or Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  roost serve --listen 127.0.0.1:7700 --data /var/lib/roost")]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) at: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where everything is kept [default: ROOST_DATA, else ~/.local/share/roost]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen, as host:port; port 0 picks a free one [default: ROOST_LISTEN, else 127.0.0.1:7700]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// The server's data directory [default: ROOST_DATA, else ~/.local/share/roost]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Openclaw {
    /// Install the OpenClaw gateway, with the Node it needs, from npm
    ///
    /// Agents whose runtime_kind is openclaw are hosted from then on. Scripts of packages do not run.
    #[command(after_help = "Example:\n  roost openclaw install --data /var/lib/roost")]
    Install(DataArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key and show it, once
    ///
    /// Works on the data directory itself, whether a server runs on it or not.
    #[command(
        after_help = "Examples:\n  roost keys create --name ci --scope chat --scope agents:read\n  roost keys \
                            create --name widget --as agento --json"
    )]
    Create(CreateKey),
    /// List the keys: names, scopes and last four characters
    List {
        #[command(flatten)]
        at: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Make a key useless, at once and for good
    Revoke {
        /// The key's id, as `roost keys list` shows it
        id: String,
        #[command(flatten)]
        at: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    #[command(flatten)]
    pub(crate) at: DataArgs,
    /// What you call it, 1 to 100 characters
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Which product's keys it looks like; any key works on every API
    #[arg(long = "as", value_name = "STYLE", default_value = "native", value_parser = styles())]
    pub(crate) style: Style,
    /// What it may do; may be given several times [default: all that keys of its style can have]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scopes())]
    pub(crate) scopes: Vec<Scope>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

fn styles() -> impl TypedValueParser<Value = Style> {
    PossibleValuesParser::new(Style::ALL.map(Style::name)).try_map(|name| name.parse::<Style>())
}

fn scopes() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::ALL.map(Scope::name)).try_map(|name| name.parse::<Scope>())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Show the account of your key, its plan and what it has of it, as the server tells
    #[command(after_help = "Example:\n  roost account show --json")]
    Show(ClientArgs),
    #[command(flatten)]
    Kept(Accounts),
}

/// What is done in the data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum Accounts {
    /// List the accounts with their plans and what they use of them
    ///
    /// Works on the data directory itself, whether a server runs on it or not.
    List {
        #[command(flatten)]
        at: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Choose an account's plan, from its next request on
    #[command(
        after_help = "Examples:\n  roost account set-plan pro\n  roost account set-plan team --account acct_…\n  \
                            roost account set-plan default"
    )]
    SetPlan {
        /// A built-in plan (free, pro, enterprise), one of the configuration, or `default`
        plan: String,
        /// The account's id, as `roost account list` shows it [default: the only one]
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        #[command(flatten)]
        at: DataArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// The server [default: ROOST_URL, else the one that `roost up` noted in the data directory]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The API key; better in ROOST_KEY, since others on this machine can see command lines [default: ROOST_KEY, else the one that `roost up` noted]
    #[arg(long, value_name = "KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// The data directory in which `roost up` noted server and key [default: ROOST_DATA, else ~/.local/share/roost]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Agents {
    /// List the agents
    List {
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Make an agent and start it
    #[command(
        after_help = "Examples:\n  roost agents create --name scout\n  roost agents create --name writer --model \
                            anthropic/claude-sonnet-4-6 --policy strict --soul ./SOUL.md"
    )]
    Create(CreateAgent),
    /// Show everything about an agent
    Show(OneAgent),
    /// Start an agent that is stopped, paused or in error
    Start(OneAgent),
    /// Stop an agent: its machine ends, its files stay
    Stop(OneAgent),
    /// Start an agent afresh with its latest configuration
    Restart(OneAgent),
    /// Turn an agent's loop off: messages queue, machine and files stay up
    Pause(OneAgent),
    /// Turn an agent's loop on again
    Resume(OneAgent),
    /// Remove an agent with its files, secrets and conversations, for good
    Delete {
        #[command(flatten)]
        one: OneAgent,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Show what an agent's machine is doing and using right now, and which walls hold around it
    Status(OneAgent),
}

#[derive(Debug, Args)]
pub(crate) struct OneAgent {
    /// The agent, by name or id [default: the one of `roost up`, else the only one]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CreateAgent {
    /// What you call it, 1 to 100 characters
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Its model, as provider/model [default: the server's]
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<ModelName>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// How big its machine is [default: medium]
    #[arg(long, value_name = "SIZE", value_parser = ["small", "medium", "large", "xlarge"])]
    pub(crate) size: Option<String>,
    /// How freely it may act [default: standard]
    #[arg(long, value_name = "PROFILE", value_parser = ["open", "standard", "strict"])]
    pub(crate) policy: Option<String>,
    /// A host it may connect to without asking, such as example.com or *.example.com:443; may be given several times
    #[arg(long = "allow", value_name = "HOST")]
    pub(crate) allow: Vec<String>,
    /// A host of a private network, or of this machine, that it may ask to connect to; may be given several times
    #[arg(long = "allow-private", value_name = "HOST")]
    pub(crate) allow_private: Vec<String>,
    /// A file that says who it is (SOUL.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) soul: Option<PathBuf>,
    /// A file that says what its job is (WORKFLOW.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) workflow: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Talk with an agent
///
/// Without a message, and with a person at the keyboard, it is a conversation: Ctrl-C stops what the agent is doing,
/// Ctrl-C once more (or Ctrl-D) leaves. With a message, or with one on standard input, it prints the answer and ends:
/// with 0 when there is one, 3 when a person has to decide or answer first, 130 when it was interrupted, else 1.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost chat\n  roost chat \"run `uname -a`\"\n  roost chat robin what is in \
                        notes.txt\n  git diff | roost chat --new"
)]
pub(crate) struct Chat {
    /// The agent's name or id, if the first word is one; then the message
    #[arg(value_name = "AGENT | MESSAGE")]
    pub(crate) words: Vec<String>,
    /// The agent, by name or id; then all words are the message
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// Go on in this session [default: the latest with you]
    #[arg(long, value_name = "ID", conflicts_with = "new")]
    pub(crate) session: Option<String>,
    /// Begin a new session
    #[arg(long)]
    pub(crate) new: bool,
    /// Speak for this person; every peer has sessions of their own
    #[arg(long, value_name = "NAME")]
    pub(crate) peer: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Show what an agent has been doing
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The agent, by name or id [default: the one of `roost up`, else the only one]
    pub(crate) agent: Option<String>,
    /// Go on as more comes, until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many lines to begin with
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) tail: u32,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// List what waits for a decision
    List {
        /// Those that are decided too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Say yes
    Approve(Decide),
    /// Say no; the agent is told why if you say so
    Deny(Decide),
}

#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The approval's id, as `roost approvals list` shows it
    pub(crate) id: String,
    /// What you want to say about it; the agent is told
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Say what is wrong with agents' code, skills and manifests, without running them
///
/// Reads Python, JavaScript, TypeScript, Rust, Bash, Markdown skills, MCP manifests and lists of dependencies. Ends with
/// 0 when nothing is as bad as `--fail-on`, 1 when something is, 2 when it could not scan.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost scan .\n  roost scan skill.zip --fail-on medium\n  roost scan src --format sarif \
                        > roost.sarif\n  roost scan agent.py --min-score 80"
)]
pub(crate) struct Scan {
    /// A directory, a file or a zip archive
    pub(crate) path: PathBuf,
    /// How to print what was found
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ScanFormat::Text)]
    pub(crate) format: ScanFormat,
    /// The severity from which on a finding is a failure: critical, high, medium, low or info
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = severities())]
    pub(crate) fail_on: Severity,
    /// The trust score below which it is a failure, 0 to 100
    #[arg(long, value_name = "SCORE", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) min_score: Option<u8>,
    /// The framework the code is written for [default: the one it imports]
    #[arg(long, value_name = "NAME", value_parser = frameworks())]
    pub(crate) framework: Option<Framework>,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For code hosts and editors
    Sarif,
}

fn severities() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(["critical", "high", "medium", "low", "info"])
        .try_map(|word| word.parse::<Severity>())
}

fn frameworks() -> impl TypedValueParser<Value = Framework> {
    PossibleValuesParser::new(Framework::ALL.map(Framework::name)).try_map(|word| word.parse::<Framework>())
}

/// Serve a script as a model provider, for tests without any real model
///
/// Speaks the protocols of Anthropic, OpenAI and Gemini on one address; any key is accepted. Prints `listening on
/// http://ADDR` when it is ready, and what to set so that clients find it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  roost fake-model --listen 127.0.0.1:7701 --script story.yaml")]
pub(crate) struct FakeModel {
    /// Where to listen, as host:port; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7701")]
    pub(crate) listen: String,
    /// The script, in YAML; docs/scripted-models.md explains the form
    #[arg(long, value_name = "FILE")]
    pub(crate) script: PathBuf,
}

/// Say what this machine offers to Roost, and what is missing
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) at: ServerArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Print completions for your shell
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost completions bash > ~/.local/share/bash-completion/completions/roost\n  roost \
                        completions zsh > ~/.zfunc/_roost\n  roost completions fish > \
                        ~/.config/fish/completions/roost.fish"
)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

impl ServerArgs {
    /// Returns the flags of the configuration.
    pub(crate) fn flags(&self, config: Option<PathBuf>, model: Option<ModelName>) -> Flags {
        Flags { config, listen: self.listen.clone(), data: self.data.clone(), model, fallback_model: None }
    }
}

#[cfg(test)]
mod tests;
