//! What can be typed about agents' secrets.

use clap::{Args, Subcommand};

use super::{ClientArgs, OneAgent};

#[derive(Debug, Subcommand)]
pub(crate) enum Secrets {
    /// List an agent's secrets by name, with where they may go; never their values
    List(OneAgent),
    /// Set a secret: its value is asked for, or read from standard input
    ///
    /// The value is never an argument, since others on this machine can see command lines. Nobody can read it again.
    #[command(
        after_help = "Examples:\n  roost secrets set anthropic_api_key --agent robin\n  pass show github | roost \
                      secrets set github_token"
    )]
    Set(OneSecret),
    /// Remove a secret for good
    Delete {
        #[command(flatten)]
        of: OneSecret,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let the agent's requests carry a secret to some hosts, without the agent seeing it
    #[command(
        after_help = "Example:\n  roost secrets bind github_token --host api.github.com --method GET --method POST"
    )]
    Bind {
        #[command(flatten)]
        of: OneSecret,
        /// A host, such as api.github.com or *.example.com:443; may be given several times
        #[arg(long = "host", value_name = "HOST", required = true)]
        hosts: Vec<String>,
        /// A method, such as GET; may be given several times [default: GET and HEAD]
        #[arg(long = "method", value_name = "METHOD")]
        methods: Vec<String>,
    },
    /// Let no request carry a secret any more
    Unbind(OneSecret),
    /// List the requests that carried a secret, the latest first
    Uses(OneSecret),
}

#[derive(Debug, Args)]
pub(crate) struct OneSecret {
    /// The secret's name, such as github_token
    #[arg(value_name = "NAME")]
    pub(crate) secret: String,
    /// The agent, by name or id [default: the one of `roost up`, else the only one]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
