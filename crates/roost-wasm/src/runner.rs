//! The runner: engine, interpreter, directories, and what runs.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::id::SandboxId;
use roost_domain::sandbox::{Language, Program};
use roost_ports::wasm::{Error, Exit, ExitStatus, Job, WasmRunner, Written};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wasmtime::{Config, Engine, Module};

use crate::run::{Place, TICK, run};
use crate::{files, module};

/// The stack of a module, and with it that of the host's functions it calls.
const STACK: (usize, usize) = (2 << 20, 4 << 20);
/// How long code waits for its interpreter.
const READY_DEADLINE: Duration = Duration::from_secs(40);
/// How long a destroyed sandbox's run may take to end.
const END_DEADLINE: Duration = Duration::from_secs(20);

/// How WebAssembly is run.
#[derive(Debug, Clone)]
pub struct WasmOptions {
    /// The directory of all sandboxes' directories, made if there is none.
    pub root: PathBuf,
    /// A Python interpreter as a WASI module, `python -c` understood.
    pub python: Option<PathBuf>,
    /// How many modules run at once; more wait, and their time goes on.
    pub most_at_once: usize,
}

/// Why nothing can be run here.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine does not work on this machine.
    #[error("the WebAssembly engine cannot be used")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The directory cannot be used.
    #[error("cannot use {} for sandboxes", path.display())]
    Root {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Runs WebAssembly by wasmtime.
pub struct WasmtimeRunner {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    options: WasmOptions,
    /// Compiled at the start, in the background: it takes seconds.
    interpreter: OnceLock<Result<Module, String>>,
    running: Mutex<HashMap<SandboxId, Running>>,
    places: Semaphore,
    tasks: TaskTracker,
}

#[derive(Clone)]
struct Running {
    stop: CancellationToken,
    over: CancellationToken,
}

impl WasmtimeRunner {
    /// Opens the runner. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn new(options: WasmOptions) -> Result<Self, OpenError> {
        let mut config = Config::new();
        let (stack, stack_with_host) = STACK;
        config.consume_fuel(true).epoch_interruption(true);
        config.max_wasm_stack(stack).async_stack_size(stack_with_host);
        let engine = Engine::new(&config).map_err(|error| OpenError::Engine(error.into()))?;
        std::fs::create_dir_all(&options.root)
            .map_err(|source| OpenError::Root { path: options.root.clone(), source })?;
        let places = Semaphore::new(options.most_at_once.max(1));
        let shared = Arc::new(Shared {
            engine,
            options,
            interpreter: OnceLock::new(),
            running: Mutex::default(),
            places,
            tasks: TaskTracker::new(),
        });
        if let Some(python) = shared.options.python.clone() {
            let shared = Arc::clone(&shared);
            shared.tasks.clone().spawn_blocking(move || {
                if let Err(problem) = shared.interpreter(&python) {
                    tracing::error!(problem, "the mode wasm cannot run Python");
                }
            });
        }
        Ok(Self { shared })
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, HashMap<SandboxId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interpreter(&self, path: &Path) -> Result<Module, String> {
        self.interpreter.get_or_init(|| module::interpreter(&self.engine, path)).clone()
    }

    /// Waits until the interpreter is compiled, or is known not to be.
    async fn ready(&self) {
        while self.interpreter.get().is_none() {
            tokio::time::sleep(TICK).await;
        }
    }

    /// Does a job on the calling thread, which may be kept for long.
    fn work(&self, job: &Job, stop: &CancellationToken, began: Instant) -> io::Result<Exit> {
        let compiled = match (job.program.language, &self.options.python) {
            (Language::Python, Some(python)) => self.interpreter(python),
            (Language::Python, None) => Err("there is no interpreter".to_owned()),
            (Language::WasmModule | Language::WasmText, _) => module::compile(&self.engine, &job.program),
        };
        let module = match compiled {
            Ok(module) => module,
            Err(problem) => {
                return Ok(Exit {
                    status: ExitStatus::NoModule(problem),
                    stdout: Written::default(),
                    stderr: Written::default(),
                });
            }
        };
        let arguments: &[&str] = match job.program.language {
            Language::Python => &["python", "-c", &job.program.code],
            Language::WasmModule | Language::WasmText => &["module"],
        };
        let place = Place {
            engine: &self.engine,
            module: &module,
            directory: &files::directory(&self.options.root, job.sandbox),
            arguments,
            stop,
            left: job.timeout.saturating_sub(began.elapsed()),
        };
        tokio::runtime::Handle::current().block_on(run(place, job))
    }

    /// Lets the engine's epoch go on for as long as a run lasts.
    fn tick(self: &Arc<Self>, over: CancellationToken) {
        let engine = self.engine.clone();
        self.tasks.spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            loop {
                tokio::select! {
                    () = over.cancelled() => return,
                    _ = ticks.tick() => engine.increment_epoch(),
                }
            }
        });
    }
}

#[async_trait]
impl WasmRunner for WasmtimeRunner {
    fn lacks(&self, program: &Program) -> Option<String> {
        let python = program.language == Language::Python && self.shared.options.python.is_none();
        python.then(|| {
            "the mode wasm runs WebAssembly modules here: send a module in base64 or as text, use the mode \
             container for Python, or have the server's owner set sandboxes.python_wasm to an interpreter"
                .to_owned()
        })
    }

    async fn run(&self, permit: &Permit, job: Job) -> Result<Exit, Error> {
        let covered =
            matches!(permit.action(), Action::RunCommand { .. }) && permit.agent() == job.sandbox.machine();
        if !covered {
            return Err(Error::NotPermitted);
        }
        if let Some(problem) = self.lacks(&job.program) {
            return Err(Error::Lacks(problem));
        }
        let shared = Arc::clone(&self.shared);
        let (stop, over) = (CancellationToken::new(), CancellationToken::new());
        // Whoever drops this future ends the run.
        let _dropped = stop.clone().drop_guard();
        shared.running().insert(job.sandbox, Running { stop: stop.clone(), over: over.clone() });
        let done = Done { shared: Arc::clone(&shared), sandbox: job.sandbox, over: over.clone() };
        let place = tokio::select! {
            place = shared.places.acquire() => place,
            () = stop.cancelled() => return Ok(nothing(ExitStatus::Destroyed)),
            () = tokio::time::sleep(job.timeout) => return Ok(nothing(ExitStatus::TimedOut)),
        };
        let _place = place.map_err(|error| host("run the module", io::Error::other(error)))?;
        if job.program.language == Language::Python {
            // Getting the interpreter ready is not the code's time.
            let ready = shared.ready();
            tokio::select! {
                ready = tokio::time::timeout(READY_DEADLINE, ready) => {
                    let late = || Error::Lacks("the Python interpreter is still being made ready".to_owned());
                    ready.map_err(|_| late())?;
                }
                () = stop.cancelled() => return Ok(nothing(ExitStatus::Destroyed)),
            }
        }
        let began = Instant::now();
        shared.tick(over);
        let timeout = job.timeout;
        let task = shared.tasks.spawn_blocking({
            let shared = Arc::clone(&shared);
            move || {
                let _done = done;
                shared.work(&job, &stop, began)
            }
        });
        // Compiling cannot be interrupted; its caller need not wait for it.
        match tokio::time::timeout(timeout + TICK * 100, task).await {
            Err(_) => Ok(nothing(ExitStatus::TimedOut)),
            Ok(Ok(exit)) => exit.map_err(|source| host("open the sandbox's directory", source)),
            Ok(Err(error)) => Err(host("run the module", io::Error::other(error))),
        }
    }

    async fn destroy(&self, sandbox: SandboxId) -> Result<(), Error> {
        let running = self.shared.running().get(&sandbox).cloned();
        if let Some(running) = running {
            running.stop.cancel();
            let ended = tokio::time::timeout(END_DEADLINE, running.over.cancelled()).await;
            ended.map_err(|_| host("end what runs in the sandbox", io::ErrorKind::TimedOut.into()))?;
        }
        let directory = files::directory(&self.shared.options.root, sandbox);
        let remove = move || match std::fs::remove_dir_all(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        let removed = self.shared.tasks.spawn_blocking(remove).await;
        removed
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|source| host("remove the sandbox's directory", source))
    }

    async fn directories(&self) -> Result<Vec<SandboxId>, Error> {
        let root = self.shared.options.root.clone();
        let list = move || {
            let mut found = Vec::new();
            for entry in std::fs::read_dir(root)? {
                found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<SandboxId>().ok()));
            }
            Ok(found)
        };
        let listed = self.shared.tasks.spawn_blocking(list).await;
        listed
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|source| host("list the sandboxes' directories", source))
    }
}

/// Notes that a run is over, however it ended.
struct Done {
    shared: Arc<Shared>,
    sandbox: SandboxId,
    over: CancellationToken,
}

impl Drop for Done {
    fn drop(&mut self) {
        self.shared.running().remove(&self.sandbox);
        self.over.cancel();
    }
}

fn nothing(status: ExitStatus) -> Exit {
    Exit { status, stdout: Written::default(), stderr: Written::default() }
}

fn host(act: &'static str, source: io::Error) -> Error {
    Error::Host { act, source }
}

#[cfg(test)]
mod tests;
