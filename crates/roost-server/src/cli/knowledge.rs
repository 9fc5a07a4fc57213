use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Knowledge {
    /// Give an agent or a swarm documents to know: Markdown, HTML, PDF, DOCX, CSV or text
    #[command(after_help = "Example:\n  roost knowledge add handbook.pdf prices.csv --agent robin")]
    Add {
        /// The files; each takes the place of what had the same name
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        of: KnowledgeOf,
    },
    /// Search by meaning and by words
    #[command(after_help = "Example:\n  roost knowledge search \"how long do refunds take\" --agent robin")]
    Search {
        /// What to look for
        query: String,
        /// How many texts at most
        #[arg(long, default_value_t = 5)]
        limit: u32,
        #[command(flatten)]
        of: KnowledgeOf,
    },
    /// List the texts
    List {
        /// Only those of this source
        #[arg(long)]
        source: Option<String>,
        #[command(flatten)]
        of: KnowledgeOf,
    },
    /// Delete texts
    #[command(after_help = "Example:\n  roost knowledge delete --source handbook.pdf --agent robin")]
    Delete {
        /// All of this source
        #[arg(long, group = "which")]
        source: Option<String>,
        /// One of them
        #[arg(long, group = "which")]
        id: Option<String>,
        /// All of them; needs --yes
        #[arg(long, group = "which")]
        all: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        of: KnowledgeOf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KnowledgeOf {
    /// The agent, by name or id; the one that `roost up` made without
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// The swarm, by name, slug or id
    #[arg(long, conflicts_with = "agent")]
    pub(crate) swarm: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
