//! `cargo xtask bench`: runs the benchmarks listed in `bench/benches.toml`. Each prints its own table.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command::{Ended, run};

/// What one benchmark may take, building it included.
const TIME: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registry {
    bench: Vec<Bench>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bench {
    name: String,
    measures: String,
    command: Vec<String>,
}

/// Prints which benchmarks there are.
///
/// # Errors
///
/// If the list cannot be read.
pub(crate) fn list(root: &Path) -> Result<ExitCode> {
    for bench in read(root)? {
        println!("{:<16} {}", bench.name, bench.measures);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs every benchmark and prints which ran.
///
/// # Errors
///
/// If the list cannot be read or a benchmark cannot be started.
pub(crate) fn run_all(root: &Path) -> Result<ExitCode> {
    let mut rows = Vec::new();
    for bench in read(root)? {
        let began = Instant::now();
        let ended = bench.run(root, &[])?;
        rows.push((bench.name, ended, began.elapsed().as_secs()));
    }
    println!("\n{:<16} {:<12} took", "bench", "result");
    for (name, ended, seconds) in &rows {
        let result = match ended {
            Ended::Well => "ok",
            Ended::Badly => "failed",
            Ended::OutOfTime => "out of time",
        };
        println!("{name:<16} {result:<12} {seconds} s");
    }
    Ok(code(rows.iter().all(|(_, ended, _)| *ended == Ended::Well)))
}

/// Runs one benchmark, with arguments of its own.
///
/// # Errors
///
/// If there is none of that name, or it cannot be started.
pub(crate) fn run_one(root: &Path, name: &str, arguments: &[&str]) -> Result<ExitCode> {
    let benches = read(root)?;
    let Some(bench) = benches.iter().find(|bench| bench.name == name) else {
        let names: Vec<&str> = benches.iter().map(|bench| bench.name.as_str()).collect();
        bail!("there is no benchmark {name:?}; there are: {}", names.join(", "));
    };
    Ok(code(bench.run(root, arguments)? == Ended::Well))
}

fn code(ok: bool) -> ExitCode {
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(root: &Path) -> Result<Vec<Bench>> {
    let path = root.join("bench/benches.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is wrong", path.display()))
}

fn parse(text: &str) -> Result<Vec<Bench>> {
    let registry: Registry = toml::from_str(text)?;
    if let Some(bench) = registry.bench.iter().find(|bench| bench.command.is_empty()) {
        bail!("the benchmark {:?} has no command", bench.name);
    }
    Ok(registry.bench)
}

impl Bench {
    fn run(&self, root: &Path, arguments: &[&str]) -> Result<Ended> {
        println!("\n=== {}: {}", self.name, self.measures);
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(root);
        if !arguments.is_empty() {
            if self.command[0] == "cargo" {
                command.arg("--");
            }
            command.args(arguments);
        }
        run(&mut command, Instant::now() + TIME, &mut |_| {})
    }
}

#[cfg(test)]
mod tests;
