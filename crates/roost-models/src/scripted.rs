//! `scripted/…`: models that follow a script, in process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::{FutureExt, StreamExt};
use roost_domain::conversation::Conversation;
use roost_domain::model::ModelName;
use roost_ports::model::{Chunk, Chunks, Description, Error, Request};
use roost_ports::random::Random;

use crate::http::{Failure, with_retries};
use crate::options::Retries;
use crate::price;
use crate::script::{Performance, Play, Script, ScriptFault};

/// The provider's name.
const PROVIDER: &str = "scripted";
/// How many scripts are kept read.
const MAX_KEPT: usize = 64;
/// How many scripts a message lists.
const MAX_LISTED: usize = 20;

/// The model of `roost up` where there is no key: it shows what an agent does.
static DEMO: LazyLock<Script> = LazyLock::new(|| {
    Script::parse(include_str!("scripted/demo.yaml")).expect("the built-in script is tested")
});

/// The scripts of a directory, and the built-in one.
pub(crate) struct Scripted {
    dir: Option<PathBuf>,
    retries: Retries,
    /// Scripts by name, as long as their file stays the same; so the counts of their errors stay as well.
    kept: Mutex<HashMap<String, (Version, Script)>>,
}

/// What tells one state of a file from another.
type Version = (Option<SystemTime>, u64);

impl Scripted {
    pub(crate) fn new(dir: Option<PathBuf>, retries: Retries) -> Self {
        Self { dir, retries, kept: Mutex::new(HashMap::new()) }
    }

    pub(crate) fn describe(&self, model: &ModelName) -> Result<Description, Error> {
        self.script(model).map(|_| price::free())
    }

    /// Gives the script's answer as a provider would, with its retries.
    pub(crate) async fn stream(&self, request: &Request, random: &dyn Random) -> Result<Chunks, Error> {
        let script = self.script(&request.model)?;
        with_retries(self.retries, random, || attempt(&script, &request.conversation).boxed()).await
    }

    /// A file in the directory goes before the built-in script of the same name.
    fn script(&self, model: &ModelName) -> Result<Script, Error> {
        let name = model.model();
        let unknown = |hint: String| Error::UnknownModel { model: model.to_string(), hint };
        let plain =
            name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        if plain && let Some(script) = self.file(name).map_err(unknown)? {
            return Ok(script);
        }
        if name == "demo" {
            return Ok(DEMO.clone());
        }
        Err(unknown(format!("scripts are {}", self.available().join(", "))))
    }

    fn file(&self, name: &str) -> Result<Option<Script>, String> {
        let Some(dir) = &self.dir else { return Ok(None) };
        let path = dir.join(format!("{name}.yaml"));
        let broken =
            |error: &dyn std::fmt::Display| format!("its script {name}.yaml cannot be used: {error}");
        let version: Version = match std::fs::metadata(&path) {
            Ok(found) => (found.modified().ok(), found.len()), // silent-ok: some systems keep no such time
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(broken(&error)),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, script)) = kept.get(name)
            && *known == version
        {
            return Ok(Some(script.clone()));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| broken(&error))?;
        let script = Script::parse(&text).map_err(|error| broken(&error))?;
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(name.to_owned(), (version, script.clone()));
        Ok(Some(script))
    }

    /// Returns the names of scripts that can be used.
    pub(crate) fn available(&self) -> Vec<String> {
        let mut names = vec!["scripted/demo".to_owned()];
        // silent-ok: a directory that cannot be read has no scripts to offer; using one names the reason.
        let entries = self.dir.as_ref().and_then(|dir| std::fs::read_dir(dir).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let file = entry.file_name();
            if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".yaml")) {
                names.push(format!("scripted/{name}"));
            }
        }
        names.sort();
        names.dedup();
        names.truncate(MAX_LISTED);
        names
    }
}

async fn attempt(script: &Script, conversation: &Conversation) -> Result<Chunks, Failure> {
    match script.play(conversation) {
        // Cut before the first word: as over a wire, this may pass.
        Play::Perform(Performance { break_after: Some(0), .. }) => {
            Err(Failure { error: broken(), passing: true, wait: None })
        }
        Play::Perform(performance) => Ok(perform(performance).boxed()),
        Play::Fail(fault) => {
            wait(fault.delay).await;
            Err(failure(fault))
        }
    }
}

fn failure(fault: ScriptFault) -> Failure {
    let ScriptFault { status, message, retry_after, delay: _ } = fault;
    let provider = PROVIDER.to_owned();
    let error = match status {
        401 | 403 => Error::Auth { provider, status, message },
        429 => Error::RateLimited { provider, retry_after, message },
        500.. => Error::Failed { provider, status, message },
        _ => Error::Refused { provider, status, message },
    };
    Failure { error, passing: crate::http::is_passing(status), wait: retry_after }
}

fn broken() -> Error {
    Error::Broken { provider: PROVIDER.to_owned() }
}

fn perform(performance: Performance) -> impl futures_util::Stream<Item = Result<Chunk, Error>> + Send {
    let Performance { answer, pieces, delay, chunk_delay, break_after, position: _ } = performance;
    async_stream::stream! {
        wait(delay).await;
        for (number, piece) in pieces.into_iter().enumerate() {
            if break_after == Some(number) {
                break;
            }
            if number > 0 {
                wait(chunk_delay).await;
            }
            yield Ok(Chunk::Text(piece));
        }
        yield match break_after {
            Some(_) => Err(broken()),
            None => Ok(Chunk::End(answer)),
        };
    }
}

/// Sleeps, unless there is nothing to sleep: even that takes until the timer's next tick.
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests;
