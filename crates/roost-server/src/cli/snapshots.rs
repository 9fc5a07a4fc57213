//! What can be typed about snapshots.

use clap::{Args, Subcommand};

use super::{ClientArgs, OneAgent};

#[derive(Debug, Subcommand)]
pub(crate) enum Snapshots {
    /// List an agent's snapshots
    List(OneAgent),
    /// Save an agent's files, documents and conversations as they are now
    #[command(after_help = "Example:\n  roost snapshots create scout --name \"before the move\"")]
    Create {
        #[command(flatten)]
        one: OneAgent,
        /// What you call it [default: the time]
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Make an agent's files and documents those of a snapshot again
    ///
    /// What it is doing is cancelled. Its conversations stay; the next message begins another one.
    Restore(OneSnapshot),
    /// Remove a snapshot for good
    Delete(OneSnapshot),
    /// Show what two snapshots differ in
    Diff {
        /// The first, by id or name
        before: String,
        /// The second, by id or name
        after: String,
        /// The agent, by name or id [default: the one of `roost up`, else the only one]
        #[arg(long, value_name = "AGENT")]
        agent: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OneSnapshot {
    /// The snapshot, by id or name
    pub(crate) snapshot: String,
    /// The agent, by name or id [default: the one of `roost up`, else the only one]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Make another agent with an agent's files, documents and conversations
///
/// As they are now, or as they were at a snapshot. Secrets are used from the agent until the fork has its own.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost fork scout --name scout-2\n  roost fork scout --snapshot \"before the move\""
)]
pub(crate) struct Fork {
    #[command(flatten)]
    pub(crate) one: OneAgent,
    /// One of its snapshots, by id or name [default: its state now]
    #[arg(long, value_name = "SNAPSHOT")]
    pub(crate) snapshot: Option<String>,
    /// What you call the new one [default: the agent's name and `fork`]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}
