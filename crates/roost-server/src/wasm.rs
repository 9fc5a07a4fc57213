//! Where sandboxes run WebAssembly: wasmtime, in a server that was built with it.

use std::sync::Arc;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::id::SandboxId;
use roost_domain::sandbox::Program;
use roost_ports::wasm::{Error, Exit, Job, WasmRunner};

use crate::config::Config;
use crate::house::Machinery;

/// Opens what runs WebAssembly. To be called inside a tokio runtime.
///
/// # Errors
///
/// If the engine or the directory cannot be used.
#[cfg(feature = "wasm")]
pub(crate) fn runner(config: &Config, machinery: Machinery) -> anyhow::Result<Arc<dyn WasmRunner>> {
    let sandboxes = &config.file.sandboxes;
    Ok(match machinery {
        Machinery::None => Arc::new(NoWasm("only a server runs modules; start one with roost serve")),
        Machinery::Server => Arc::new(roost_wasm::WasmtimeRunner::new(roost_wasm::WasmOptions {
            root: config.data.join("sandboxes"),
            python: sandboxes.python_wasm.clone(),
            most_at_once: sandboxes.max_modules,
        })?),
    })
}

/// Returns what says that this server was built without WebAssembly.
///
/// # Errors
///
/// None; with the feature there are some.
#[cfg(not(feature = "wasm"))]
pub(crate) fn runner(_: &Config, _: Machinery) -> anyhow::Result<Arc<dyn WasmRunner>> {
    Ok(Arc::new(NoWasm("this server was built without the mode wasm; use the mode container")))
}

/// Nothing is run here.
struct NoWasm(&'static str);

#[async_trait]
impl WasmRunner for NoWasm {
    fn lacks(&self, _: &Program) -> Option<String> {
        Some(self.0.to_owned())
    }

    async fn run(&self, _: &Permit, _: Job) -> Result<Exit, Error> {
        Err(Error::Lacks(self.0.to_owned()))
    }

    async fn destroy(&self, _: SandboxId) -> Result<(), Error> {
        Ok(())
    }

    async fn directories(&self) -> Result<Vec<SandboxId>, Error> {
        Ok(Vec::new())
    }
}
