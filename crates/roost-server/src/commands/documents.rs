//! `roost documents`

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use roost_domain::document::{ContentHash, DocumentName};
use roost_ports::random::Random as _;
use serde_json::{Value, json};

use crate::cli::{ClientArgs, Documents, OneAgent, OneDocument};
use crate::client::{Agent, Client, ClientError};
use crate::output;
use crate::system::SystemRandom;

mod edit;

/// Returns how to reach the server.
pub(super) const fn client_args(args: &Documents) -> &ClientArgs {
    match args {
        Documents::List(one) => &one.client,
        Documents::Edit(of) | Documents::Versions(of) => &of.client,
        Documents::Show { of, .. }
        | Documents::Put { of, .. }
        | Documents::Diff { of, .. }
        | Documents::Restore { of, .. } => &of.client,
    }
}

pub(super) async fn run(args: Documents, client: &Client, editor: Option<&str>) -> anyhow::Result<ExitCode> {
    match args {
        Documents::List(one) => list(client, &one).await?,
        Documents::Show { of, version } => show(client, &of, version).await?,
        Documents::Edit(of) => edit::run(client, &of, editor.unwrap_or("vi")).await?,
        Documents::Put { of, file, base } => put(client, &of, &file, base).await?,
        Documents::Versions(of) => versions(client, &of).await?,
        Documents::Diff { of, from, to } => diff(client, &of, from, to).await?,
        Documents::Restore { of, version } => restore(client, &of, version).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A document of an agent, with what is there now.
struct Found {
    agent: Agent,
    name: DocumentName,
    /// Its name as a segment of a path.
    segment: String,
    /// The latest version; 0 where there never was one.
    latest: u64,
}

impl Found {
    async fn find(client: &Client, of: &OneDocument) -> anyhow::Result<Self> {
        let agent = client.agent(of.agent.as_deref()).await?;
        let (name, called) = (of.document.clone(), of.document.to_string());
        let segment = called.replace('/', ":");
        let listed = client.get(&["agents", &agent.id, "documents"], &[]).await?;
        let mut listed = listed["data"].as_array().into_iter().flatten();
        let entry = listed.find(|entry| entry["name"] == called.as_str());
        let latest = entry.and_then(|entry| entry["version"].as_u64()).unwrap_or(0);
        Ok(Self { agent, name, segment, latest })
    }

    fn path<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["agents", &self.agent.id, "documents", &self.segment], more].concat()
    }

    async fn version(&self, client: &Client, number: u64) -> Result<Value, ClientError> {
        let number = number.to_string();
        Ok(client.get(&self.path(&["versions", &number]), &[]).await?["data"].take())
    }

    /// Returns the hash of what a version says; a version that is none, or a deletion, says nothing.
    async fn hash(&self, client: &Client, number: u64) -> Result<String, ClientError> {
        let version = match number {
            0 => Value::Null,
            _ => self.version(client, number).await?,
        };
        Ok(version["hash"].as_str().map_or_else(|| ContentHash::of("").to_string(), str::to_owned))
    }

    /// Writes a text in place of what a version says; returns the server's answer.
    async fn write(&self, client: &Client, text: &str, base: u64) -> anyhow::Result<Value> {
        let hash = self.hash(client, base).await?;
        let agent = ["agents", self.agent.id.as_str()];
        let (path, body) = match &self.name {
            DocumentName::Soul => (vec!["personality"], json!({"soulMd": text, "expectedHash": hash})),
            DocumentName::Identity => {
                // The two are written together; this one stays as it is.
                let soul = client.get(&[&agent[..], &["personality"]].concat(), &[]).await?;
                let (soul, soul_hash) = (&soul["data"]["soulMd"], &soul["data"]["soulMdHash"]);
                let body = json!({"soulMd": soul, "expectedHash": soul_hash,
                                  "identityMd": text, "expectedIdentityHash": hash});
                (vec!["personality"], body)
            }
            DocumentName::Workflow => (vec!["workflow"], json!({"workflowMd": text, "expectedHash": hash})),
            DocumentName::Rule(rule) => {
                (vec!["rules", rule.as_str()], json!({"content": text, "expectedHash": hash}))
            }
        };
        let written = client.send(Method::PUT, &[&agent[..], &path].concat(), Some(&body)).await;
        written.map(|mut answer| answer["data"].take()).map_err(|error| self.refused(error, base))
    }

    /// Says of a refusal what to do next.
    fn refused(&self, error: ClientError, base: u64) -> anyhow::Error {
        let is_mismatch = matches!(&error, ClientError::Refused { code, .. } if code == "hash_mismatch");
        if !is_mismatch {
            return error.into();
        }
        let (name, agent) = (&self.name, output::one_line(&self.agent.name));
        anyhow::anyhow!(
            "{name} was changed since version {base}, and nothing was written. Look at what changed: roost documents \
             diff {name} --from {base} --agent {agent}. Put that into your text, and put it again with --base and the \
             latest version"
        )
    }

    /// Says that it is written, and what it waits for.
    fn written(&self, answer: &Value, json: bool) -> anyhow::Result<()> {
        if json {
            return Ok(output::json(answer)?);
        }
        let agent = output::one_line(&self.agent.name);
        let restart = match answer["needsRestart"].as_bool() {
            Some(true) => format!(" Sessions under way see it after: roost agents restart {agent}"),
            Some(false) | None => String::new(),
        };
        Ok(output::line(format!("{} of {agent} is written.{restart}", self.name))?)
    }
}

async fn list(client: &Client, one: &OneAgent) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let answer = client.get(&["agents", &agent.id, "documents"], &[]).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let documents = answer["data"].as_array().cloned().unwrap_or_default();
    if documents.is_empty() {
        output::note("It has no documents yet; write one with: roost documents put SOUL.md FILE");
        return Ok(());
    }
    let row = |one: &Value| {
        let [name, version, by, at] =
            ["name", "version", "updatedBy", "updatedAt"].map(|field| output::text(one, field));
        [name, version, size(one), by, at]
    };
    let rows: Vec<_> = documents.iter().map(row).collect();
    Ok(output::table(["DOCUMENT", "VERSION", "SIZE", "BY", "CHANGED"], &rows)?)
}

async fn show(client: &Client, of: &OneDocument, version: Option<u64>) -> anyhow::Result<()> {
    let found = Found::find(client, of).await?;
    let number = version.unwrap_or(found.latest);
    if number == 0 {
        bail!("there is no {} yet; write it with: roost documents put {0} FILE", found.name);
    }
    let version = found.version(client, number).await?;
    if of.client.output.json {
        return Ok(output::json(&version)?);
    }
    let Some(text) = version["content"].as_str() else {
        bail!("{} was deleted; see what there was with: roost documents versions {0}", found.name);
    };
    // A file gets the text as it is; a terminal does not obey it.
    match output::is_for_a_person() {
        true => output::piece(&output::plain(text))?,
        false => output::piece(text)?,
    }
    output::note(format!("This is version {number}; put a change of it with --base {number}."));
    Ok(())
}

async fn put(client: &Client, of: &OneDocument, file: &Path, base: Option<u64>) -> anyhow::Result<()> {
    let text = read(file)?;
    let found = Found::find(client, of).await?;
    let answer = found.write(client, &text, base.unwrap_or(found.latest)).await?;
    found.written(&answer, of.client.output.json)
}

fn read(file: &Path) -> anyhow::Result<String> {
    if file != Path::new("-") {
        return fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read as text; check the path", file.display()));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input cannot be read as text")?;
    Ok(text)
}

async fn versions(client: &Client, of: &OneDocument) -> anyhow::Result<()> {
    let found = Found::find(client, of).await?;
    let versions = client.list(&found.path(&["versions"]), &[]).await?;
    if of.client.output.json {
        return Ok(output::json(&Value::from(versions))?);
    }
    if versions.is_empty() {
        output::note(format!("There was no {} so far.", found.name));
        return Ok(());
    }
    let row = |one: &Value| {
        let [version, by, at, note] =
            ["version", "updatedBy", "updatedAt", "note"].map(|field| output::text(one, field));
        [version, size(one), by, at, note]
    };
    let rows: Vec<_> = versions.iter().map(row).collect();
    Ok(output::table(["VERSION", "SIZE", "BY", "AT", "NOTE"], &rows)?)
}

async fn diff(client: &Client, of: &OneDocument, from: Option<u64>, to: Option<u64>) -> anyhow::Result<()> {
    let found = Found::find(client, of).await?;
    let (from, to) = (from.map(|number| number.to_string()), to.map(|number| number.to_string()));
    let mut query = Vec::new();
    query.extend(from.as_deref().map(|from| ("from", from)));
    query.extend(to.as_deref().map(|to| ("to", to)));
    let answer = client.get(&found.path(&["diff"]), &query).await?;
    if of.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let diff = answer["data"]["diff"].as_str().unwrap_or_default();
    if diff.is_empty() {
        output::note("Nothing changed.");
    }
    Ok(output::piece(&output::plain(diff))?)
}

async fn restore(client: &Client, of: &OneDocument, version: u64) -> anyhow::Result<()> {
    let found = Found::find(client, of).await?;
    let hash = found.hash(client, found.latest).await?;
    let body = json!({"version": version, "expectedHash": hash});
    let restored = client.send(Method::POST, &found.path(&["restore"]), Some(&body)).await;
    let answer = restored.map_err(|error| found.refused(error, found.latest))?;
    found.written(&answer["data"], of.client.output.json)
}

fn size(entry: &Value) -> String {
    entry["size"]
        .as_u64()
        .map_or_else(|| "deleted".to_owned(), |size| roost_domain::unit::Bytes(size).to_string())
}

/// Returns where a text is kept while it is edited: a place of its own that nobody else can read.
fn draft(name: &DocumentName) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut random = [0; 8];
    SystemRandom.fill(&mut random);
    let directory = std::env::temp_dir().join(format!("roost-{:016x}", u64::from_ne_bytes(random)));
    fs::DirBuilder::new().mode(0o700).create(&directory).context("no temporary directory can be made")?;
    Ok(directory.join(name.to_string().replace('/', "-")))
}
