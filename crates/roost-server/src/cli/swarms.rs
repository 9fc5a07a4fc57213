use clap::{Args, Subcommand};

use super::ClientArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Swarms {
    /// List the swarms
    List {
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Make a swarm
    #[command(
        after_help = "Example:\n  roost swarms create Growth --description \"Finds and keeps customers\""
    )]
    Create {
        /// What it is called
        name: String,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Show a swarm with its agents
    Show(OneSwarm),
    /// Put an agent into a swarm; one that is in another leaves that
    #[command(after_help = "Example:\n  roost swarms add growth robin")]
    Add {
        #[command(flatten)]
        one: OneSwarm,
        /// The agent, by name or id
        agent: String,
    },
    /// Take an agent out of the swarm it is in
    Remove {
        /// The agent, by name or id
        agent: String,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Remove a swarm with its keys and its knowledge; its agents stay
    Delete {
        #[command(flatten)]
        one: OneSwarm,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OneSwarm {
    /// The swarm, by name, slug or id
    pub(crate) swarm: String,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
