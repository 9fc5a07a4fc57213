//! A machine of the stand-in.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::machine::Stats;
use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, Entry, Error, Exit, FilePart, Machine, Match, Output, Spec};
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{exec, marked, signal_all, usage};
use crate::activity::{Activity, InUse};
use crate::calls;
use crate::files::{Files, read_full, system};
use crate::permitted::{self, Act};
use crate::wire::{ANSWER_MAX, Failure};

/// A machine of the stand-in.
pub(super) struct FakeMachine {
    spec: Spec,
    pub(super) path: PathBuf,
    /// One operation at a time: one whose caller is gone goes on to its end, and nothing later may overtake it.
    files: Arc<Mutex<Files>>,
    /// What the mark of each of its processes begins with.
    mark: String,
    count: AtomicU64,
    frozen: AtomicBool,
    pub(super) gone: CancellationToken,
    activity: Arc<Activity>,
    /// How long commands have run, in nanoseconds; it stands for CPU time.
    ran: AtomicU64,
    last_reading: Mutex<(Instant, Duration)>,
    pub(super) tasks: TaskTracker,
}

impl FakeMachine {
    pub(super) fn new(spec: &Spec, path: PathBuf, files: Files, mark: String, tasks: TaskTracker) -> Self {
        Self {
            spec: spec.clone(),
            path,
            files: Arc::new(Mutex::new(files)),
            mark,
            count: AtomicU64::new(0),
            frozen: AtomicBool::new(false),
            gone: CancellationToken::new(),
            activity: Arc::new(Activity::new()),
            ran: AtomicU64::new(0),
            last_reading: Mutex::new((Instant::now(), Duration::ZERO)),
            tasks,
        }
    }

    /// Returns how it was started.
    pub(super) const fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) const fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    pub(super) fn freeze(&self) {
        if !self.frozen.swap(true, Ordering::AcqRel) {
            signal_all(&self.mark, Signal::STOP);
        }
    }

    pub(super) fn thaw(&self) {
        if self.frozen.swap(false, Ordering::AcqRel) {
            signal_all(&self.mark, Signal::CONT);
            self.activity.touch();
        }
    }

    /// Ends every process.
    pub(super) fn end(&self) {
        self.gone.cancel();
        marked::kill(&self.mark);
    }

    /// Returns a mark for a new command.
    pub(super) fn next_mark(&self) -> String {
        format!("{}{};", self.mark, self.count.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn stats(&self) -> Stats {
        let (memory, processes) = usage(&self.mark);
        let cpu = Duration::from_nanos(self.ran.load(Ordering::Relaxed));
        let now = Instant::now();
        let mut last = self.last_reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, used) = std::mem::replace(&mut *last, (now, cpu));
        let wall = now.duration_since(then).as_secs_f64().max(f64::EPSILON);
        let cpu_share = cpu.saturating_sub(used).as_secs_f64() / wall;
        Stats { memory, memory_limit: self.spec.limits.memory, cpu, cpu_share, processes }
    }

    fn begin(&self, permit: &Permit, act: Act) -> Result<InUse, Error> {
        permitted::check(permit, self.spec.agent, act)?;
        if self.gone.is_cancelled() {
            return Err(Error::Gone);
        }
        let in_use = self.activity.begin();
        self.thaw();
        Ok(in_use)
    }

    /// Works on files where waiting is allowed.
    async fn look<T: Send + 'static>(
        &self,
        path: &str,
        work: impl FnOnce(&Files, &str) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let (files, at) = (Arc::clone(&self.files), path.to_owned());
        let work = move || work(&files.lock().unwrap_or_else(PoisonError::into_inner), &at);
        let done = self.tasks.spawn_blocking(work).await;
        let done =
            done.map_err(|error| Error::Host { act: "use the file", source: std::io::Error::other(error) })?;
        done.map_err(|failure| calls::error(failure, path))
    }
}

#[async_trait]
impl Machine for FakeMachine {
    async fn exec(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
    ) -> Result<Exit, Error> {
        let _in_use = self.begin(permit, Act::Run)?;
        let exit = exec::exec(self, &command, output).await?;
        let nanoseconds = u64::try_from(exit.took.as_nanos()).unwrap_or(u64::MAX);
        self.ran.fetch_add(nanoseconds, Ordering::Relaxed);
        Ok(exit)
    }

    async fn serve(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'a> FnMut(Output<'a>) + Send),
    ) -> Result<Exit, Error> {
        drop(self.begin(permit, Act::Run)?);
        exec::exec(self, &command, output).await
    }

    /// Without walls, the machine's loopback address is this host's.
    async fn dial(&self, permit: &Permit, port: u16) -> Result<TcpStream, Error> {
        let _in_use = self.begin(permit, Act::Dial)?;
        let failed = |source| Error::Host { act: "connect to the port", source };
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map_err(failed)?;
        stream.into_std().map_err(failed)
    }

    async fn read(&self, permit: &Permit, path: &str, offset: u64, max: Bytes) -> Result<FilePart, Error> {
        let _in_use = self.begin(permit, Act::Look)?;
        let read = move |files: &Files, path: &str| {
            let (file, size) = files.read(path, offset)?;
            let most = usize::try_from(max.0).unwrap_or(usize::MAX).min(ANSWER_MAX);
            let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
            let mut content = vec![0; most.min(left)];
            let n = read_full(file, &mut content).map_err(|error| system(&error))?;
            content.truncate(n);
            Ok(FilePart { content, size: Bytes(size) })
        };
        self.look(path, read).await
    }

    async fn write(&self, permit: &Permit, path: &str, content: &[u8]) -> Result<(), Error> {
        let _in_use = self.begin(permit, Act::Change)?;
        let content = content.to_owned();
        let write = move |files: &Files, path: &str| {
            let mut writing = files.write(path)?;
            writing.append(&content)?;
            writing.finish()
        };
        self.look(path, write).await
    }

    async fn list(&self, permit: &Permit, path: &str, depth: u32, max: u32) -> Result<Vec<Entry>, Error> {
        let _in_use = self.begin(permit, Act::Look)?;
        let rows = self.look(path, move |files: &Files, path: &str| files.list(path, depth, max)).await?;
        Ok(rows.into_iter().map(calls::entry).collect())
    }

    async fn search(
        &self,
        permit: &Permit,
        path: &str,
        pattern: &str,
        max: u32,
    ) -> Result<Vec<Match>, Error> {
        let _in_use = self.begin(permit, Act::Look)?;
        let pattern = pattern.to_owned();
        let rows =
            self.look(path, move |files: &Files, path: &str| files.search(path, &pattern, max)).await?;
        Ok(rows.into_iter().map(calls::found).collect())
    }
}
