use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::id::SandboxId;
use roost_domain::sandbox::{Language, Program};
use roost_ports::wasm::{Error, Exit, ExitStatus, Job, WasmRunner, Written};

/// A runner that only remembers what was asked of it. What a real one does is the business of its own tests.
///
/// A module's output is its code; one with `hang` in it ends with its sandbox. There is no Python.
#[derive(Default)]
pub struct TestWasm {
    directories: Mutex<HashSet<SandboxId>>,
}

impl TestWasm {
    fn directories(&self) -> std::sync::MutexGuard<'_, HashSet<SandboxId>> {
        self.directories.lock().expect("no panic in here")
    }
}

#[async_trait]
impl WasmRunner for TestWasm {
    fn lacks(&self, program: &Program) -> Option<String> {
        (program.language == Language::Python).then(|| "the test has no Python".to_owned())
    }

    async fn run(&self, permit: &Permit, job: Job) -> Result<Exit, Error> {
        assert_eq!(permit.agent(), job.sandbox.machine(), "the leave is for another sandbox");
        self.directories().insert(job.sandbox);
        let stdout = Written { bytes: job.program.code.clone().into_bytes(), cut: false };
        let mut status = ExitStatus::Code(0);
        if job.program.code.contains("hang") {
            while self.directories().contains(&job.sandbox) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            status = ExitStatus::Destroyed;
        }
        Ok(Exit { status, stdout, stderr: Written::default() })
    }

    async fn destroy(&self, sandbox: SandboxId) -> Result<(), Error> {
        self.directories().remove(&sandbox);
        Ok(())
    }

    async fn directories(&self) -> Result<Vec<SandboxId>, Error> {
        Ok(TestWasm::directories(self).iter().copied().collect())
    }
}
