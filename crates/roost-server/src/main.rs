//! The binary `roost`: composition, configuration, commands.
//!
//! Start at [`commands`] (what each command does), [`house`] (which adapter stands behind which port) and [`server`]
//! (how the server begins and ends).

use std::process::ExitCode;

use clap::Parser as _;

mod api;
mod cli;
mod client;
mod commands;
mod config;
mod house;
mod logging;
mod machines;
mod openclaw;
mod output;
mod progress;
mod server;
mod system;
mod wasm;

fn main() -> ExitCode {
    // The process inside a machine is this same binary. It wants no thread, and nothing else of what follows.
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(word) if word == roost_sandbox::hands::COMMAND => return roost_sandbox::hands::main(args),
        // Nor does the one that reads a PDF.
        Some(word) if word == roost_reader::child::COMMAND => return roost_reader::child::main(),
        _ => {}
    }
    // silent-ok: nothing else in this process could have installed one before
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = cli::Cli::parse();
    match commands::run(cli, &config::Environment::of_process()) {
        Ok(code) => code,
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(explained(&error));
            ExitCode::FAILURE
        }
    }
}

/// Writes an error for a person: what happened, and below it what caused it.
fn explained(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.dedup();
    format!("error: {}", causes.join("\n  because: "))
}
