//! What can be typed about policies and permissions.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Show the policy that is in force, as a file that can be put again
    #[command(
        after_help = "Examples:\n  roost policy show robin > robin.yaml\n  roost policy show robin --version 1.0"
    )]
    Show {
        #[command(flatten)]
        of: Of,
        /// Another version [default: the one in force]
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
    },
    Test(TestPolicy),
    Put(PutPolicy),
    Suggest(Suggest),
    Explain(Explain),
}

/// Whom it is about, and the server that is asked.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The agent, by name or id, or the name of one that runs elsewhere [default: the one of `roost up`, else the only one]
    #[arg(value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// A document, whom it is about, and the server that is asked.
#[derive(Debug, Args)]
pub(crate) struct FileOf {
    /// The file, in YAML or JSON; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The agent, by name or id, or the name of one that runs elsewhere [default: the file's `agent_id`, else the one of `roost up`, else the only one]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Say what a policy would have changed, and change nothing
///
/// Tries the policy in the file on what was decided about the agent since then, and shows each decision that would
/// have been another one.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost policy test --since 7d stricter.yaml\n  roost policy test stricter.yaml --agent \
                  robin --since 24h --json"
)]
pub(crate) struct TestPolicy {
    #[command(flatten)]
    pub(crate) of: FileOf,
    /// Since when: a span before now, such as 7d, 24h or 90m, or a time such as 2026-02-10T14:00:00Z
    #[arg(long, value_name = "SPAN | TIME", default_value = "7d")]
    pub(crate) since: String,
}

/// Put a policy in force
///
/// Every decision from then on goes by it. Says what is odd about it: rules that never decide, contradictions, tools
/// that nobody knows.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost policy put robin.yaml\n  roost policy put robin.yaml --agent robin --strict \
                  --dry-run"
)]
pub(crate) struct PutPolicy {
    #[command(flatten)]
    pub(crate) of: FileOf,
    /// Refuse it if anything is odd about it
    #[arg(long)]
    pub(crate) strict: bool,
    /// Only check it
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Suggest the smallest policy that covers what an agent did
///
/// Prints a file for `roost policy test` and `roost policy put`. Look at it before you put it: what the agent should
/// not have done is in it too.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  roost policy suggest robin --since 30d > robin.yaml")]
pub(crate) struct Suggest {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Since when: a span before now, such as 7d, 24h or 90m, or a time such as 2026-02-10T14:00:00Z
    #[arg(long, value_name = "SPAN | TIME", default_value = "7d")]
    pub(crate) since: String,
}

/// Explain what the gate would decide about a call, and why
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost policy explain shell '{\"command\": \"git push\"}'\n  roost policy explain \
                  send_email --agent billing-bot"
)]
pub(crate) struct Explain {
    /// The tool
    pub(crate) tool: String,
    /// Its parameters, as a JSON object
    #[arg(value_name = "PARAMETERS", default_value = "{}")]
    pub(crate) parameters: String,
    /// The agent, by name or id, or the name of one that runs elsewhere [default: the one of `roost up`, else the only one]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Permissions {
    /// Show an agent's own permissions, as a file that can be put again
    #[command(after_help = "Example:\n  roost permissions show robin > permissions.yaml")]
    Show(Of),
    Put(PutPermissions),
}

/// Replace an agent's permissions
///
/// What the file leaves out is empty. Machines whose hosts or files change by it are ended.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  roost permissions put permissions.yaml --agent robin")]
pub(crate) struct PutPermissions {
    #[command(flatten)]
    pub(crate) of: FileOf,
}
