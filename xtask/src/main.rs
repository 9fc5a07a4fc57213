//! Chores of the workspace: `cargo xtask test`, `cargo xtask peers`, `cargo xtask engine`, `cargo xtask bench [NAME]`.

#![expect(clippy::print_stdout, reason = "a command line speaks on standard output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

mod bench;
mod command;
mod engine;
mod needs;
mod peers;
mod summary;
mod test;

const USAGE: &str = "\
cargo xtask test                  check formatting, lints and documentation, and run all tests
cargo xtask peers                 install what the tests need beyond Rust, and nothing else
cargo xtask engine                start a Docker engine for tests that are run by hand
cargo xtask bench [NAME [ARG]…]   run the benchmarks, or one of them with arguments
cargo xtask bench --list          list the benchmarks";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => Ok(test::run(&root()?)),
        ["peers"] => Ok(test::provide(&root()?)),
        ["engine"] => keep_engine(),
        ["bench", "--list"] => bench::list(&root()?),
        ["bench"] => bench::run_all(&root()?),
        ["bench", name, rest @ ..] => bench::run_one(&root()?, name, rest),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        [unknown, ..] => bail!("there is no chore {unknown:?} with these arguments\n{USAGE}"),
    }
}

/// Runs a Docker engine until somebody ends it.
fn keep_engine() -> Result<ExitCode> {
    let engine = engine::Engine::start(Instant::now() + Duration::from_secs(600))?;
    println!("tests find it with {}={}", engine::VARIABLE, engine.socket().display());
    println!("press Enter to end it");
    std::io::stdin().read_line(&mut String::new())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the directory of the workspace, wherever the command was called from.
fn root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(Path::to_owned).context("xtask stands outside the workspace")
}
