//! What can be typed about workflows and their runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ClientArgs, OutputArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// Say everything that is wrong with a workflow, without a server
    #[command(after_help = "Example:\n  roost workflow check workflow.yaml")]
    Check {
        /// The workflow, as YAML or JSON; - reads standard input
        file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Give an agent a workflow, or another version of it
    ///
    /// Runs under way keep to the version that they began with.
    #[command(after_help = "Example:\n  roost workflow put scout workflow.yaml --arm")]
    Put {
        /// The agent, by name or id
        agent: String,
        /// The workflow, as YAML or JSON; - reads standard input
        file: PathBuf,
        /// Let its triggers start runs from now on
        #[arg(long)]
        arm: bool,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Show an agent's workflow
    Show {
        /// The agent, by name or id
        agent: String,
        #[command(flatten)]
        client: ClientArgs,
    },
}

/// Start a run of an agent's workflow
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost run scout --input topic=tea --follow\n  roost run scout --input '{\"topic\": \
                        \"tea\"}'"
)]
pub(crate) struct RunWorkflow {
    /// The agent, by name or id
    pub(crate) agent: String,
    /// What the run is given: NAME=VALUE, or a JSON object; can be said several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) input: Vec<String>,
    /// Show what happens until the run ends; fails if the run does
    #[arg(long)]
    pub(crate) follow: bool,
    /// Answer the forms of the run with this instead of waiting for a person: NAME=VALUE, or a JSON object
    #[arg(long, value_name = "NAME=VALUE", requires = "follow")]
    pub(crate) answer: Vec<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// List an agent's runs
    List {
        /// The agent, by name or id
        agent: String,
        /// Only those that are here: queued, running, waiting-for-input, completed, failed, cancelled
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Show a run, its steps and what waits for an answer
    Show(OneRun),
    /// Stop a run
    Cancel(OneRun),
    /// Answer what a run asks
    #[command(after_help = "Example:\n  roost runs input scout wrun_… mood=good 'colours=[\"red\"]'")]
    Input {
        #[command(flatten)]
        one: OneRun,
        /// The answer: NAME=VALUE for each field, or a JSON object
        #[arg(value_name = "NAME=VALUE", required = true)]
        values: Vec<String>,
        /// Which form, where several wait
        #[arg(long, value_name = "ID")]
        form: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OneRun {
    /// The agent, by name or id
    pub(crate) agent: String,
    /// The run, by id
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
