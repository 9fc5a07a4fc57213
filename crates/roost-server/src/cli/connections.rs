//! What can be typed about services and agents' connections to them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// List connections: an agent's, with what it needs and lacks, or those of all agents
    List {
        /// The agent, by name or id; all without one
        agent: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Connect an agent to a service
    ///
    /// Prints where you give leave with a browser. With --with-key, the key is asked for, or read from standard input.
    #[command(
        after_help = "Examples:\n  roost connections connect github --agent robin\n  pass show stripe | roost connections \
                      connect stripe --with-key\n  roost connections connect shopify --field shop=toys"
    )]
    Connect(Connect),
    /// Take a connection away, here and at the service
    Revoke {
        /// The connection (con_…)
        connection: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        client: ClientArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The service, as `roost integrations search` names it
    pub(crate) integration: String,
    /// The agent, by name or id [default: the only one, or that of `roost up`]
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// Connect with a key or token that you bring
    #[arg(long)]
    pub(crate) with_key: bool,
    /// What is asked for; can be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// What a blank in the service's addresses is filled with; can be given several times
    #[arg(long = "field", value_name = "NAME=VALUE")]
    pub(crate) fields: Vec<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Integrations {
    /// Find services that agents can be connected to
    #[command(
        after_help = "Examples:\n  roost integrations search calendar\n  roost integrations search --category crm"
    )]
    Search {
        /// What to look for; everything without it
        query: Vec<String>,
        /// Only those of this category
        #[arg(long)]
        category: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Add a service of your own, or tell more of one: its OAuth client, its OpenAPI description
    #[command(
        after_help = "Examples:\n  roost integrations add github --client-id Iv1.8a61f9b3a7aba766 --openapi published\n  \
                      roost integrations add intranet --base https://intranet.example.com/api --openapi api.yaml"
    )]
    Add(AddIntegration),
}

#[derive(Debug, Args)]
pub(crate) struct AddIntegration {
    /// The service: one of the catalog, or a name for one of your own
    pub(crate) name: String,
    /// What the paths of its interface begin with; makes it one of your own
    #[arg(long, value_name = "URL")]
    pub(crate) base: Option<String>,
    /// What people call it
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Its OpenAPI description: a file, a URL, or `published` for what its maker publishes
    #[arg(long, value_name = "FILE|URL|published")]
    pub(crate) openapi: Option<String>,
    /// The id of your OAuth client there; its secret is asked for, or read from standard input
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The OAuth client is a public one, which has no secret
    #[arg(long, requires = "client_id")]
    pub(crate) public: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

impl AddIntegration {
    /// Returns the file that the description is in, if it is one.
    pub(crate) fn openapi_file(&self) -> Option<PathBuf> {
        let text = self.openapi.as_deref()?;
        let is_elsewhere = text == "published" || text.starts_with("https://") || text.starts_with("http://");
        (!is_elsewhere).then(|| PathBuf::from(text))
    }
}
