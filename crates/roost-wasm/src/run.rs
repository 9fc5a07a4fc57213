//! One run of one module, on a thread of its own.

use std::path::Path;
use std::time::Duration;

use roost_ports::wasm::{Exit, ExitStatus, Job};
use tokio_util::sync::CancellationToken;
use wasmtime::{Engine, Linker, Module, Store, Trap};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

use crate::bounds::{Bounds, fuel};
use crate::files;
use crate::output::Kept;

/// How often the engine's epoch goes on while something runs: a module lets others look at the time so often.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What a run needs besides its job.
pub(crate) struct Place<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) module: &'a Module,
    pub(crate) directory: &'a Path,
    /// What the module finds as its arguments.
    pub(crate) arguments: &'a [&'a str],
    /// Cancelled when the run is to end.
    pub(crate) stop: &'a CancellationToken,
    /// What is left of the job's time.
    pub(crate) left: Duration,
}

struct State {
    wasi: WasiP1Ctx,
    bounds: Bounds,
}

/// Runs a module to its end.
///
/// # Errors
///
/// If the sandbox's directory cannot be opened.
pub(crate) async fn run(place: Place<'_>, job: &Job) -> std::io::Result<Exit> {
    let cap = usize::try_from(job.output_cap.0).unwrap_or(usize::MAX);
    let (stdout, stderr) = (Kept::new(cap), Kept::new(cap));
    let mut wasi = WasiCtxBuilder::new();
    wasi.args(place.arguments).stdout(stdout.clone()).stderr(stderr.clone());
    files::open(&mut wasi, place.directory, &job.files)?;
    let state = State { wasi: wasi.build_p1(), bounds: Bounds::new(job.memory) };
    let mut store = Store::new(place.engine, state);
    store.limiter(|state| &mut state.bounds);
    store.epoch_deadline_async_yield_and_update(1);
    let status = match store.set_fuel(fuel(job.cpu, job.timeout)) {
        Err(error) => ExitStatus::Trapped(error.to_string()),
        Ok(()) => tokio::select! {
            // The bounds first: what is over its time is over, even if it has just ended.
            biased;
            () = place.stop.cancelled() => ExitStatus::Destroyed,
            () = tokio::time::sleep(place.left) => ExitStatus::TimedOut,
            status = start(&place, &mut store) => status,
        },
    };
    // Who is refused memory fails in its own way soon after.
    let failed = match &status {
        ExitStatus::Code(code) => *code != 0,
        ExitStatus::Trapped(_) => true,
        ExitStatus::NoModule(_)
        | ExitStatus::TimedOut
        | ExitStatus::OutOfFuel
        | ExitStatus::OutOfMemory
        | ExitStatus::Destroyed => false,
    };
    let status = if failed && store.data().bounds.refused() { ExitStatus::OutOfMemory } else { status };
    Ok(Exit { status, stdout: stdout.written(), stderr: stderr.written() })
}

async fn start(place: &Place<'_>, store: &mut Store<State>) -> ExitStatus {
    let mut linker = Linker::new(place.engine);
    if let Err(error) = p1::add_to_linker_async(&mut linker, |state: &mut State| &mut state.wasi) {
        return ExitStatus::Trapped(error.to_string());
    }
    let instance = match linker.instantiate_async(&mut *store, place.module).await {
        Ok(instance) => instance,
        Err(error) if store.data().bounds.refused() => return trapped(&error),
        Err(error) if error.is::<Trap>() => return trapped(&error),
        Err(error) => return ExitStatus::NoModule(format!("the module cannot be started: {error:#}")),
    };
    let begin = match instance.get_typed_func::<(), ()>(&mut *store, "_start") {
        Ok(begin) => begin,
        Err(_) => {
            let problem = "the module has no function `_start`, as WASI commands have";
            return ExitStatus::NoModule(problem.to_owned());
        }
    };
    match begin.call_async(&mut *store, ()).await {
        Ok(()) => ExitStatus::Code(0),
        Err(error) => trapped(&error),
    }
}

fn trapped(error: &wasmtime::Error) -> ExitStatus {
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return ExitStatus::Code(exit.0);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => ExitStatus::OutOfFuel,
        Some(trap) => ExitStatus::Trapped(trap.to_string()),
        None => ExitStatus::Trapped(format!("{error:#}")),
    }
}
