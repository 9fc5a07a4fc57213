//! What each command does.

use std::future::Future;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use tokio::runtime;

use crate::cli::{Account, Cli, Command, Openclaw, Workflow};
use crate::client::Client;
use crate::config::{Config, Environment, Flags};
use crate::output;

mod account;
mod agents;
mod approvals;
mod chat;
mod completions;
mod connections;
mod doctor;
mod document;
mod documents;
mod fake_model;
mod keys;
mod knowledge;
mod logs;
mod openclaw;
mod permissions;
mod policy;
mod scan;
mod secrets;
mod serve;
mod skills;
mod snapshots;
mod swarms;
mod triggers;
mod up;
mod usage;
mod workflows;

/// Does what the command line says.
///
/// # Errors
///
/// A sentence for the person who typed it, with what to do next.
pub(crate) fn run(cli: Cli, environment: &Environment) -> anyhow::Result<ExitCode> {
    let Cli { config, command } = cli;
    let load = |flags| Config::load(&flags, environment);
    let client = |args: &_| Client::find(args, config.clone(), environment);
    match command {
        Command::Up(args) => {
            let flags = args.at.flags(config.clone(), args.model);
            let config = load(Flags { fallback_model: Some(up::offline_model()?), ..flags })?;
            serving(&config, up::run(&config))
        }
        Command::Serve(args) => {
            let config = load(args.at.flags(config.clone(), None))?;
            serving(&config, serve::run(&config))
        }
        Command::Keys(args) => {
            let config = load(keys::flags(&args, config.clone()))?;
            asking(keys::run(args, &config))
        }
        Command::Account(Account::Show(args)) => {
            let client = client(&args)?;
            asking(account::show(args.output.json, &client))
        }
        Command::Account(Account::Kept(args)) => {
            let config = load(account::flags(&args, config.clone()))?;
            asking(account::run(args, &config))
        }
        Command::Doctor(args) => {
            let config = load(args.at.flags(config.clone(), None))?;
            asking(doctor::run(&config, args.output.json))
        }
        Command::FakeModel(args) => asking(fake_model::run(args)),
        Command::Agents(args) => {
            let client = client(agents::client_args(&args))?;
            asking(agents::run(args, &client))
        }
        Command::Snapshots(args) => {
            let client = client(snapshots::client_args(&args))?;
            asking(snapshots::run(args, &client))
        }
        Command::Fork(args) => {
            let client = client(&args.one.client)?;
            asking(snapshots::fork(args, &client))
        }
        Command::Documents(args) => {
            let client = client(documents::client_args(&args))?;
            let editor = environment.text("VISUAL").or_else(|| environment.text("EDITOR"));
            asking(documents::run(args, &client, editor))
        }
        Command::Secrets(args) => {
            let client = client(secrets::client_args(&args))?;
            asking(secrets::run(args, &client))
        }
        Command::Chat(args) => {
            let client = client(&args.client)?;
            asking(chat::run(args, &client))
        }
        Command::Logs(args) => {
            let client = client(&args.client)?;
            asking(logs::run(args, &client))
        }
        Command::Usage(args) => {
            let client = client(&args.client)?;
            asking(usage::run(args, &client))
        }
        Command::Approvals(args) => {
            let client = client(approvals::client_args(&args))?;
            asking(approvals::run(args, &client))
        }
        Command::Policy(args) => {
            let client = client(policy::client_args(&args))?;
            asking(policy::run(args, &client))
        }
        Command::Permissions(args) => {
            let client = client(permissions::client_args(&args))?;
            asking(permissions::run(args, &client))
        }
        Command::Skills(args) => {
            let client = client(skills::client_args(&args))?;
            asking(skills::run(args, &client))
        }
        Command::Openclaw(Openclaw::Install(args)) => {
            let flags = Flags { config: config.clone(), data: args.data, ..Flags::default() };
            openclaw::install(&load(flags)?)
        }
        Command::Scan(args) => scan::run(&args),
        Command::Knowledge(args) => {
            let client = client(knowledge::client_args(&args))?;
            asking(knowledge::run(args, &client))
        }
        Command::Triggers(args) => {
            let client = client(triggers::client_args(&args))?;
            asking(triggers::run(args, &client))
        }
        Command::Swarms(args) => {
            let client = client(swarms::client_args(&args))?;
            asking(swarms::run(args, &client))
        }
        Command::Connections(args) => {
            let client = client(connections::client_args(&args))?;
            asking(connections::run(args, &client))
        }
        Command::Integrations(args) => {
            let client = client(connections::integrations_client_args(&args))?;
            asking(connections::run_integrations(args, &client))
        }
        Command::Workflow(Workflow::Check { file, output }) => workflows::check(&file, output.json),
        Command::Workflow(args) => {
            let Some(at) = workflows::client_args(&args) else { bail!("this command needs a server") };
            let client = client(at)?;
            asking(workflows::workflow(args, &client))
        }
        Command::Run(args) => {
            let client = client(&args.client)?;
            asking(workflows::start(args, &client))
        }
        Command::Runs(args) => {
            let client = client(workflows::client_args_of_runs(&args))?;
            asking(workflows::runs(args, &client))
        }
        Command::Completions(args) => completions::run(&args),
    }
}

/// Asks whether something is to be deleted that cannot be brought back.
///
/// # Errors
///
/// If the answer is no, or there is nobody to ask.
fn confirm_deletion(what: &str) -> anyhow::Result<()> {
    if !output::is_dialogue() {
        bail!("deleting {what} cannot be undone; say --yes to do it");
    }
    let answer = output::ask(&format!("Delete {what}, for good? [y/N] "))?.unwrap_or_default().to_lowercase();
    if ["y", "yes"].contains(&answer.as_str()) { Ok(()) } else { bail!("nothing was deleted") }
}

/// Runs a server's work on as many threads as the configuration says.
fn serving(
    config: &Config,
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(config.file.server.workers.clamp(1, 64))
        .thread_name("roost")
        .enable_all()
        .build()
        .context("the system gives no threads")?;
    runtime.block_on(work)
}

/// Runs a command's work on this thread alone.
fn asking(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the system gives no event loop")?;
    let done = runtime.block_on(work);
    // A thread may still wait at the keyboard.
    runtime.shutdown_background();
    done
}
