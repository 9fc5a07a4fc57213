//! `roost completions`

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::output;

pub(super) fn run(args: &Completions) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "roost", &mut script);
    output::piece(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
