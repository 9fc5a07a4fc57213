//! What a command would run: looked at and scanned before the gate decides.

use roost_domain::effect::{Action, Script};
use roost_domain::gate::{Decision, Used, inspect};
use roost_domain::scan::Finding;
use roost_domain::tool::ToolCall;
use roost_domain::unit::Bytes;
use roost_ports::machine::Spec;
use roost_ports::scanner::SourceFile;
use roost_ports::store::Reader;
use sha2::{Digest, Sha256};

use super::use_tool::{effect, machine_spec};
use super::{Turns, Work};
use crate::gate::Facts;
use crate::{Error, log};

/// What was found in what a command would run.
#[derive(Debug, Clone, Default)]
pub(super) struct Looked {
    /// The files of the workspace that the command names.
    pub(super) scripts: Vec<Script>,
    /// The worst that was found in them and in the command itself.
    pub(super) worst: Option<Finding>,
}

/// Files of one command that are looked at.
const MOST_FILES: usize = 16;

/// The most of a file that is looked at.
const MOST_BYTES: Bytes = Bytes(512 * 1024);

impl Turns<'_> {
    /// Scans a command with the files of the workspace that it names. What cannot be read is not run either, or is no
    /// file.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub(super) async fn look_at(
        &self,
        work: &Work,
        call: &ToolCall,
        action: &Action,
    ) -> Result<Looked, Error> {
        let Action::RunCommand { command } = action else { return Ok(Looked::default()) };
        let Some(spec) = self.unless_blocked(work, call, action).await? else { return Ok(Looked::default()) };
        let mut files =
            vec![SourceFile { path: "command.sh".to_owned(), content: command.clone().into_bytes() }];
        let mut scripts = Vec::new();
        for file in self.read_named(&spec, command).await {
            let sha256 = Sha256::digest(&file.content).into();
            scripts.push(Script { path: file.path.clone(), sha256 });
            files.push(file);
        }
        let scanner = self.0.ports.scanner.clone();
        let report = tokio::task::spawn_blocking(move || scanner.scan(&files, None)).await;
        let worst = report.map_err(Error::internal)?.findings.into_iter().max_by_key(|found| found.severity);
        Ok(Looked { scripts, worst })
    }

    /// Returns the machine that a command would run in, unless the gate blocks the command anyway.
    async fn unless_blocked(
        &self,
        work: &Work,
        call: &ToolCall,
        action: &Action,
    ) -> Result<Option<Spec>, Error> {
        let (core, turn) = (self.0.clone(), work.turn.clone());
        let effect = effect(&turn, call, action.clone(), Vec::new());
        let read = move |reader: &dyn Reader| {
            let agent = log::agent_of(reader, &turn)?;
            let facts = Facts::read(&core, reader, &agent)?;
            let decision = facts.decide(reader, &agent, &effect, None, Used::default(), None)?;
            let blocked = matches!(decision, Decision::Blocked(_));
            Ok::<_, Error>((!blocked).then(|| machine_spec(&agent, &facts)))
        };
        self.0.ports.store.read(read).await
    }

    async fn read_named(&self, spec: &Spec, command: &str) -> Vec<SourceFile> {
        let mut files = Vec::new();
        for path in named(command) {
            let permit = inspect(spec.agent, &path);
            if self.open_machine(&permit, spec).await.is_err() {
                return files;
            }
            let Ok(machine) = self.0.ports.machines.open(&permit, spec).await else { return files };
            if let Ok(part) = machine.read(&permit, &path, 0, MOST_BYTES).await {
                files.push(SourceFile { path, content: part.content });
            }
        }
        files
    }
}

/// Programs that run what a file says.
const INTERPRETERS: [&str; 20] = [
    "sh", "bash", "dash", "zsh", "ksh", "source", ".", "exec", "env", "python", "python3", "node", "deno",
    "bun", "perl", "ruby", "php", "xargs", "make", "eval",
];

/// Endings of files that are there to be run.
const ENDINGS: [&str; 14] = [
    ".sh", ".bash", ".zsh", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php", ".ps1", ".command",
    ".run",
];

/// Returns the paths of the workspace that a command may run, as far as its words name them: files with a script's
/// ending, programs named by a path, and, where an interpreter is called, every word that can be a path. What a
/// command puts together while it runs is not seen.
fn named(command: &str) -> Vec<String> {
    let words: Vec<&str> = command
        .split(|c: char| c.is_whitespace() || "\"'`;|&()<>=$,{}".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let is_interpreter = |word: &str| INTERPRETERS.contains(&word.rsplit('/').next().unwrap_or(word));
    let interpreted = words.iter().any(|word| is_interpreter(word));
    let mut directories = vec![""];
    for pair in words.windows(2) {
        if matches!(pair[0], "cd" | "-C" | "pushd") {
            directories.push(pair[1]);
        }
    }
    let mut paths: Vec<String> = Vec::new();
    for word in words {
        let is_path = word.len() <= 200
            && !word.starts_with('-')
            && word.contains(|c: char| c.is_alphanumeric())
            && word.chars().all(|c| c.is_alphanumeric() || "_./@%+-:".contains(c));
        let may_run = interpreted || word.contains('/') || ENDINGS.iter().any(|end| word.ends_with(end));
        if !is_path || !may_run || (is_interpreter(word) && !word.contains("./")) {
            continue;
        }
        for directory in &directories {
            let path = if word.starts_with('/') { word.to_owned() } else { joined(directory, word) };
            let inside = !path.starts_with('/') || path.starts_with("/workspace/");
            if inside && !paths.contains(&path) {
                paths.push(path);
            }
            if paths.len() >= MOST_FILES {
                return paths;
            }
        }
    }
    paths
}

fn joined(directory: &str, word: &str) -> String {
    let directory = directory.trim_end_matches('/');
    if directory.is_empty() { word.to_owned() } else { format!("{directory}/{word}") }
}

#[cfg(test)]
mod tests;
