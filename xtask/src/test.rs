//! `cargo xtask test`: formatting, lints, documentation and all tests, summed up in the last line.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::command::{Ended, run as run_command, works};
use crate::engine::{self, Engine};
use crate::summary::{self, Tally};
use crate::{needs, peers};

/// All steps together.
const TIME: Duration = Duration::from_secs(50 * 60);

/// One command of the test run.
struct Step {
    title: &'static str,
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    counts: Counts,
}

/// What a step adds to the sum when it succeeds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// One check.
    Itself,
    /// The tests that cargo-nextest says it ran.
    Nextest,
    /// The tests that the built-in harness says it ran, program by program.
    Harness,
}

const CHECKS: [Step; 3] = [
    Step {
        title: "formatting",
        arguments: &["fmt", "--all", "--check", "--", "--color", "never"],
        environment: &[],
        counts: Counts::Itself,
    },
    Step {
        title: "lints",
        arguments: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        environment: &[],
        counts: Counts::Itself,
    },
    Step {
        title: "documentation",
        arguments: &["doc", "--workspace", "--no-deps"],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
        counts: Counts::Itself,
    },
];

const NEXTEST: Step = Step {
    title: "tests",
    arguments: &["nextest", "run", "--workspace", "--no-fail-fast"],
    environment: &[],
    counts: Counts::Nextest,
};

const CARGO_TEST: Step = Step {
    title: "tests",
    arguments: &["test", "--workspace", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"],
    environment: &[],
    counts: Counts::Harness,
};

const DOC_TESTS: Step = Step {
    title: "examples in the documentation",
    arguments: &["test", "--workspace", "--doc", "--no-fail-fast"],
    environment: &[],
    counts: Counts::Harness,
};

/// Runs every step, also after one failed, and prints the sum as the last line.
pub(crate) fn run(root: &Path) -> ExitCode {
    let began = Instant::now();
    let deadline = began + TIME;
    let mut sum = Tally::default();
    heading("what the tests need", began);
    sum += provided(root, deadline);
    let engine = engine(deadline);
    let socket = engine.as_ref().ok().map(Engine::socket);
    let has_nextest = works(Command::new("cargo").args(["nextest", "--version"]));
    let tests = if has_nextest { NEXTEST } else { CARGO_TEST };
    for step in CHECKS.into_iter().chain([tests, DOC_TESTS]) {
        heading(step.title, began);
        sum += step.run(root, deadline, socket.as_deref());
    }
    if let Err(why) = &engine {
        println!("\nNOT TESTED: the Docker driver, as there is no engine: {why:#}");
    }
    drop(engine);
    println!("\ntook {} s", began.elapsed().as_secs());
    println!("{} passed, {} failed", sum.passed, sum.failed);
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Provides what the tests need beyond Rust, without running them.
pub(crate) fn provide(root: &Path) -> ExitCode {
    let sum = provided(root, Instant::now() + TIME);
    println!("the tests find their peers with {}={}", peers::VARIABLE, peers::directory(root).display());
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn provided(root: &Path, deadline: Instant) -> Tally {
    let complain = |error: anyhow::Error| vec![format!("{error:#}")];
    let mut missing = needs::provide(deadline).unwrap_or_else(complain);
    missing.extend(peers::provide(root, deadline).unwrap_or_else(complain));
    missing.iter().for_each(|what| println!("{what}"));
    Tally { passed: 0, failed: missing.len() as u64 }
}

/// Starts an engine for the tests of the Docker driver.
fn engine(deadline: Instant) -> anyhow::Result<Engine> {
    let engine = Engine::start(deadline);
    match &engine {
        Ok(engine) => println!("a Docker engine listens at {}", engine.socket().display()),
        Err(why) => println!("there is no Docker engine: {why:#}"),
    }
    engine
}

fn heading(title: &str, began: Instant) {
    println!("\n=== {title} (after {} s)", began.elapsed().as_secs());
}

impl Step {
    fn run(&self, root: &Path, deadline: Instant, engine: Option<&Path>) -> Tally {
        let mut command = Command::new("cargo");
        command.args(self.arguments).envs(self.environment.iter().copied()).current_dir(root);
        command.env(peers::VARIABLE, peers::directory(root));
        if let Some(socket) = engine {
            command.env(engine::VARIABLE, socket);
        }
        println!("$ cargo {}", self.arguments.join(" "));
        let mut tally = Tally::default();
        let ended = run_command(&mut command, deadline, &mut |line| {
            let found = match self.counts {
                Counts::Itself => None,
                Counts::Nextest => summary::of_nextest(line),
                Counts::Harness => summary::of_harness(line),
            };
            tally += found.unwrap_or_default();
        });
        let ended = ended.unwrap_or_else(|error| {
            println!("{error:#}");
            Ended::Badly
        });
        if ended == Ended::OutOfTime {
            println!("{}: ended, all steps together have {} minutes", self.title, TIME.as_secs() / 60);
        }
        self.judge(tally, ended)
    }

    /// Returns what the step adds to the sum: a step that did not end well has failed at least once, whatever
    /// its tests say.
    fn judge(&self, mut tally: Tally, ended: Ended) -> Tally {
        match (ended, self.counts) {
            (Ended::Well, Counts::Itself) => tally.passed += 1,
            (Ended::Well, Counts::Nextest | Counts::Harness) => {}
            (Ended::Badly | Ended::OutOfTime, _) => tally.failed = tally.failed.max(1),
        }
        tally
    }
}

#[cfg(test)]
mod tests;
