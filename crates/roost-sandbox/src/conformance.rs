//! What every driver is held to: the port's contract, as functions that panic where it is broken.
//!
//! [`machine_conformance!`](crate::machine_conformance) makes a test of each. They use commands that every system
//! has, and relative paths, so that a driver without isolation can pass too; what isolation means is not asked
//! here.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::files::FileRules;
use roost_domain::gate::{Decision, Permit, Profile, Rules, decide};
use roost_domain::guard::Guard;
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::machine::{Limits, Size};
use roost_domain::network::NetworkRules;
use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, Error, Exit, Machine, Machines, Output, Spec};
use uuid::Uuid;

pub mod commands;
pub mod files;
pub mod life;
pub mod snapshots;

/// How long anything may take that is waited for here.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A driver under test, with one agent.
#[derive(Clone)]
pub struct Bench {
    /// The driver.
    pub machines: Arc<dyn Machines>,
    /// The agent.
    pub agent: AgentId,
    /// How its machine is to be.
    pub spec: Spec,
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// How it ended.
    pub exit: Exit,
}

impl Bench {
    /// Prepares an agent of its own, with a small machine.
    pub fn new(machines: Arc<dyn Machines>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let agent =
            AgentId::from_uuid(Uuid::from_u64_pair(u64::from(std::process::id()), count << 32 | count));
        let spec = Spec {
            agent,
            limits: Limits { memory: Bytes::mib(256), ..Size::Small.limits() },
            profile: Profile::Standard,
            network: NetworkRules::default(),
            files: FileRules::default(),
            hosted: None,
        };
        Self { machines, agent, spec }
    }

    /// Prepares a second agent of the same driver.
    pub fn other(&self) -> Self {
        Self::new(Arc::clone(&self.machines))
    }

    /// Asks the gate for leave to do something.
    pub fn permit(&self, action: Action) -> Permit {
        let effect = Effect {
            agent: self.agent,
            session: SessionId::from_uuid(self.agent.uuid()),
            turn: TurnId::from_uuid(self.agent.uuid()),
            cause: Cause::Loop,
            action,
            scripts: Vec::new(),
        };
        let (network, guard) = (NetworkRules::default(), Guard::default());
        match decide(&effect, &Rules::new(Profile::Open, &network, &guard)) {
            Decision::Allowed(permit, _) => permit,
            refused @ (Decision::NeedsApproval(_) | Decision::Blocked(_)) => {
                panic!("not allowed: {refused:?}")
            }
        }
    }

    /// Asks for leave to run a command.
    pub fn may_run(&self, line: &str) -> Permit {
        self.permit(Action::RunCommand { command: line.to_owned() })
    }

    /// Asks for leave to read.
    pub fn may_read(&self) -> Permit {
        self.permit(Action::ReadFiles { path: ".".to_owned() })
    }

    /// Asks for leave to write.
    pub fn may_write(&self) -> Permit {
        self.permit(Action::WriteFile { path: ".".to_owned() })
    }

    /// Opens the machine.
    pub async fn open(&self) -> Arc<dyn Machine> {
        must("open", self.machines.open(&self.may_read(), &self.spec).await)
    }

    /// Runs a command to its end, which must come soon.
    pub async fn run(&self, line: &str) -> Ran {
        self.run_for(line, PATIENCE).await
    }

    /// Runs a command with a timeout of its own.
    pub async fn run_for(&self, line: &str, timeout: Duration) -> Ran {
        must(line, self.try_run(line, timeout, Bytes::mib(1)).await)
    }

    /// Runs a command.
    ///
    /// # Errors
    ///
    /// Those of the machine.
    pub async fn try_run(&self, line: &str, timeout: Duration, output_cap: Bytes) -> Result<Ran, Error> {
        let machine = self.open().await;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let command = Command { line: line.to_owned(), timeout, output_cap };
        let permit = self.may_run(line);
        let mut take = |piece: Output<'_>| match piece {
            Output::Stdout(bytes) => stdout.extend_from_slice(bytes),
            Output::Stderr(bytes) => stderr.extend_from_slice(bytes),
        };
        let running = machine.exec(&permit, command, &mut take);
        let exit = soon(line, running).await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ran { stdout: text(stdout), stderr: text(stderr), exit })
    }

    /// Writes a file.
    pub async fn write(&self, path: &str, content: &str) {
        let written = self.open().await.write(&self.may_write(), path, content.as_bytes()).await;
        must(path, written);
    }

    /// Reads a file whole.
    ///
    /// # Errors
    ///
    /// Those of the machine.
    pub async fn read(&self, path: &str) -> Result<String, Error> {
        let part = self.open().await.read(&self.may_read(), path, 0, Bytes::mib(1)).await?;
        Ok(String::from_utf8_lossy(&part.content).into_owned())
    }

    /// Waits until a file of the workspace holds something.
    pub async fn wait_for_file(&self, path: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.read(path).await {
                Ok(text) if text.ends_with('\n') => return text,
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => panic!("{path}: {error:?}"),
            }
            assert!(Instant::now() < deadline, "{path} was not written in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a process that writes to a file again and again does so no more, and keeps from it.
    pub async fn wait_until_still(&self, path: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let before = must(path, self.read(path).await).len();
            tokio::time::sleep(Duration::from_millis(300)).await;
            if must(path, self.read(path).await).len() == before {
                return;
            }
            assert!(Instant::now() < deadline, "{path} is still written to");
        }
    }
}

/// Returns what a call returned, or says which failed.
pub fn must<T>(what: &str, result: Result<T, impl Debug>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error:?}"))
}

/// Waits for something that must happen soon.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE * 2, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: it took too long"),
    }
}

/// Makes a test of every function of the suite. Takes an expression, evaluated in each test, that is a guard and
/// an `Arc<dyn Machines>`.
#[macro_export]
macro_rules! machine_conformance {
    ($make:expr) => {
        $crate::machine_conformance!(@ $make, commands: [
            output_and_exit_codes_come_back, a_signal_is_reported, a_command_that_takes_too_long_is_killed_whole,
            output_beyond_the_cap_is_counted_and_thrown_away, a_dropped_command_is_killed_whole,
            a_background_process_outlives_a_command_that_ended, commands_run_side_by_side,
            a_slow_reader_holds_up_only_itself, commands_start_in_the_workspace_with_empty_input,
            a_wrong_permit_runs_nothing, a_command_that_is_too_long_is_refused,
        ]);
        $crate::machine_conformance!(@ $make, files: [
            a_file_comes_back_as_written, a_part_of_a_file_can_be_read, every_file_error_is_told_apart,
            paths_that_lead_outside_are_refused, a_large_file_is_written_whole_or_not_at_all,
            listings_are_sorted_and_bounded, searches_are_bounded_and_say_where, files_and_commands_see_each_other,
            odd_files_are_refused_without_waiting, a_wrong_permit_touches_no_file,
            file_operations_keep_to_the_rules, no_link_leads_file_operations_past_the_rules,
        ]);
        $crate::machine_conformance!(@ $make, life: [
            many_callers_at_once_open_one_machine, the_workspace_outlives_the_machine, destroying_removes_everything,
            a_frozen_machine_stands_still_and_goes_on, opening_a_frozen_machine_thaws_it, a_frozen_machine_can_be_stopped,
            everything_is_a_no_op_on_an_absent_machine, a_stopped_machine_fails_its_callers,
            a_machine_in_use_is_not_idle, statistics_are_of_the_machine, another_agents_files_are_not_ours,
            shutdown_stops_every_machine, a_machine_with_another_spec_starts_anew,
        ]);
        $crate::machine_conformance!(@ $make, snapshots: [
            a_snapshot_brings_back_everything_as_it_was, a_snapshot_is_of_one_moment,
            a_frozen_machine_is_saved_and_stays_frozen, restoring_ends_the_machine,
            a_snapshot_becomes_another_agents_workspace, a_snapshot_can_be_adopted,
            nothing_can_be_saved_and_brought_back, odd_files_are_left_out_and_counted, a_deleted_snapshot_is_gone,
            a_comparison_names_every_difference,
        ]);
    };
    (@ $make:expr, $group:ident: [$($name:ident),* $(,)?]) => {
        mod $group {
            #[allow(unused_imports, reason = "the expression may name anything in scope")]
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let (_guard, machines) = $make;
                    let bench = $crate::conformance::Bench::new(machines);
                    $crate::conformance::$group::$name(&bench).await;
                    bench.machines.shutdown().await;
                }
            )*
        }
    };
}
