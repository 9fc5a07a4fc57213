//! What can be typed about what starts agents' workflows.

use clap::{Args, Subcommand};

use super::{ClientArgs, OneAgent};

#[derive(Debug, Subcommand)]
pub(crate) enum Triggers {
    /// List what starts an agent's workflow: when it fires next, what came of the last time, where messages go
    List(OneAgent),
    /// Give a webhook another path, another secret or both
    ///
    /// The secret is shown, once. The one before is taken for 24 hours more; a path before leads nowhere at once.
    #[command(
        group = clap::ArgGroup::new("what").required(true).multiple(true).args(["new_path", "new_secret", "set_secret"]),
        after_help = "Examples:\n  roost triggers rotate orders --new-secret\n  pass show stripe | roost triggers rotate \
                      payments --set-secret"
    )]
    Rotate {
        #[command(flatten)]
        of: OneTrigger,
        /// Another path
        #[arg(long)]
        new_path: bool,
        /// A secret that is made now
        #[arg(long, conflicts_with = "set_secret")]
        new_secret: bool,
        /// The secret that the sender has made: asked for, or read from standard input
        #[arg(long)]
        set_secret: bool,
    },
    /// Begin a run as if what a trigger waits for had happened now
    #[command(after_help = "Example:\n  roost triggers fire orders --event '{\"body\": {\"order\": 1}}'")]
    Fire {
        #[command(flatten)]
        of: OneTrigger,
        /// What is laid over the event that the trigger would have, as a JSON object
        #[arg(long, value_name = "JSON")]
        event: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OneTrigger {
    /// The trigger's name in the workflow
    #[arg(value_name = "NAME")]
    pub(crate) trigger: String,
    /// The agent, by name or id [default: the one of `roost up`, else the only one]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
