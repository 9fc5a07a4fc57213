//! What a command would run: looked at and scanned before the gate decides.

use std::collections::HashMap;

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
        let mut aliases = HashMap::new();
        for file in self.read_named(&spec, command).await {
            let sha256 = Sha256::digest(&file.content).into();
            for alias in aliases_of(&file.path, command, &file.content) {
                aliases.insert(alias.clone(), file.path.clone());
                files.push(SourceFile { path: alias, content: file.content.clone() });
            }
            scripts.push(Script { path: file.path, sha256 });
        }
        let scanner = self.0.ports.scanner.clone();
        let report = tokio::task::spawn_blocking(move || scanner.scan(&files, None)).await;
        let worst = report.map_err(Error::internal)?.findings.into_iter().max_by_key(|found| found.severity);
        let named = |found: Finding| {
            let file = found.file.map(|file| aliases.get(&file).cloned().unwrap_or(file));
            Finding { file, ..found }
        };
        Ok(Looked { scripts, worst: worst.map(named) })
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

/// Interpreters by the ending of what they run.
const LANGUAGES: [(&[&str], &str); 3] = [
    (&["sh", "bash", "dash", "zsh", "ksh", "source", ".", "eval"], ".sh"),
    (&["python", "python3"], ".py"),
    (&["node", "deno", "bun"], ".js"),
];

/// Returns the names under which a file is scanned: its own, and one for every language in which the command or its
/// own first line may have it run, since a name says nothing about that.
fn aliases_of(path: &str, command: &str, content: &[u8]) -> Vec<String> {
    let first = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(&first[..first.len().min(200)]).into_owned();
    let shebang = first.strip_prefix("#!").unwrap_or_default();
    let words: Vec<&str> = words(command).into_iter().chain(words(shebang)).collect();
    let program = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    let programs: Vec<String> = words.into_iter().map(program).collect();
    let mut aliases = vec![path.to_owned()];
    for (interpreters, ending) in LANGUAGES {
        let called = programs.iter().any(|program| interpreters.contains(&program.as_str()));
        if called && !path.ends_with(ending) {
            aliases.push(format!("{path}{ending}"));
        }
    }
    // The shell runs what has neither an ending nor a first line that says otherwise.
    if aliases.len() == 1 && !ENDINGS.iter().any(|end| path.ends_with(end)) {
        aliases.push(format!("{path}.sh"));
    }
    aliases
}

fn words(command: &str) -> Vec<&str> {
    command
        .split(|c: char| c.is_whitespace() || "\"'`;|&()<>=$,{}".contains(c))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Returns the paths of the workspace that a command may run, as far as its words name them: programs named by a path,
/// and, where an interpreter is called, what stands right behind it, what is fed to it, and words that look like
/// scripts. What a command puts together while it runs is not seen.
fn named(command: &str) -> Vec<String> {
    let words = placed(command);
    let is_interpreter = |word: &str| INTERPRETERS.contains(&word.rsplit('/').next().unwrap_or(word));
    let interpreted = words.iter().any(|word| is_interpreter(word.text));
    let mut directories = vec![""];
    for pair in words.windows(2) {
        if matches!(pair[0].text, "cd" | "-C" | "pushd") {
            directories.push(pair[1].text);
        }
    }
    let mut paths: Vec<String> = Vec::new();
    // Whether the next word that is no option is what an interpreter runs, or is fed to one.
    let mut operand = false;
    for word in words {
        let text = word.text;
        let own = operand || word.fed;
        if is_interpreter(text) && !text.contains("./") {
            operand = true;
            continue;
        }
        if text.starts_with('-') {
            continue;
        }
        let base = text.rsplit('/').next().unwrap_or(text);
        let looks_like_one = !base.contains('.') || ENDINGS.iter().any(|end| base.ends_with(end));
        let may_run = own || (word.starts && text.contains('/')) || (interpreted && looks_like_one);
        operand = text == "cat" && interpreted;
        let is_path = text.len() <= 200
            && text.contains(|c: char| c.is_alphanumeric())
            && text.chars().all(|c| c.is_alphanumeric() || "_./@%+-:".contains(c));
        if !is_path || !may_run {
            continue;
        }
        for directory in &directories {
            let path = if text.starts_with('/') { text.to_owned() } else { joined(directory, text) };
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

/// A word of a command, with where it stands.
struct Placed<'c> {
    text: &'c str,
    /// Whether it stands where the shell looks for a program.
    starts: bool,
    /// Whether it is read as somebody's input.
    fed: bool,
}

/// Splits a command into words, roughly as a shell does.
fn placed(command: &str) -> Vec<Placed<'_>> {
    const BEFORE_PROGRAMS: [&str; 9] = ["then", "do", "else", "!", "sudo", "nohup", "time", "env", "exec"];
    let breaks = |c: char| c.is_whitespace() || "\"'`;|&()<>=$,{}".contains(c);
    let mut words: Vec<Placed<'_>> = Vec::new();
    let (mut starts, mut fed, mut rest) = (true, false, command);
    while let Some(at) = rest.find(|c| !breaks(c)) {
        for c in rest[..at].chars() {
            match c {
                ';' | '|' | '&' | '(' | '{' | '`' | '\n' => (starts, fed) = (true, false),
                '<' => fed = true,
                _ => {}
            }
        }
        let end = rest[at..].find(breaks).map_or(rest.len(), |length| at + length);
        let text = &rest[at..end];
        words.push(Placed { text, starts, fed });
        (starts, fed) = (starts && BEFORE_PROGRAMS.contains(&text), false);
        rest = &rest[end..];
    }
    words
}

fn joined(directory: &str, word: &str) -> String {
    let directory = directory.trim_end_matches('/');
    if directory.is_empty() { word.to_owned() } else { format!("{directory}/{word}") }
}

#[cfg(test)]
mod tests;
