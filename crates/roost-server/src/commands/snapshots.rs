//! `roost snapshots` and `roost fork`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use roost_domain::id::SnapshotId;
use serde_json::{Map, Value};

use crate::cli::{ClientArgs, Fork, OneAgent, OneSnapshot, Snapshots};
use crate::client::{Agent, Client};
use crate::{output, progress};

/// Returns how to reach the server.
pub(super) fn client_args(args: &Snapshots) -> &ClientArgs {
    match args {
        Snapshots::List(one) | Snapshots::Create { one, .. } => &one.client,
        Snapshots::Restore(one) | Snapshots::Delete(one) => &one.client,
        Snapshots::Diff { client, .. } => client,
    }
}

pub(super) async fn run(args: Snapshots, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Snapshots::List(one) => list(client, one).await?,
        Snapshots::Create { one, name } => create(client, one, name).await?,
        Snapshots::Restore(one) => restore(client, one).await?,
        Snapshots::Delete(one) => delete(client, one).await?,
        Snapshots::Diff { before, after, agent, client: args } => {
            diff(client, agent.as_deref(), [&before, &after], args.output.json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn fork(args: Fork, client: &Client) -> anyhow::Result<ExitCode> {
    let agent = client.agent(args.one.agent.as_deref()).await?;
    let mut body = Map::new();
    if let Some(named) = &args.snapshot {
        body.insert("snapshotId".to_owned(), find(client, &agent, named).await?.into());
    }
    if let Some(name) = args.name {
        body.insert("name".to_owned(), name.into());
    }
    let (path, body) = (["agents", &agent.id, "fork"], Value::from(body));
    let doing = format!("Forking {}", output::one_line(&agent.name));
    let answer = progress::during(&doing, client.send(Method::POST, &path, Some(&body))).await?;
    let fork = &answer["data"];
    if args.one.client.output.json {
        output::json(fork)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!(
        "{} is {} ({}); {}. Talk with it: roost chat --agent {}",
        output::text(fork, "name"),
        output::text(fork, "status"),
        output::text(fork, "id"),
        copied(&fork["files"]),
        output::text(fork, "id")
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, one: OneAgent) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let snapshots = client.list(&["agents", &agent.id, "snapshots"], &[]).await?;
    if one.client.output.json {
        return Ok(output::json(&snapshots.into())?);
    }
    if snapshots.is_empty() {
        output::note("There are no snapshots yet; take one with: roost snapshots create");
        return Ok(());
    }
    let row = |snapshot: &Value| {
        let files = &snapshot["files"];
        [
            output::text(snapshot, "name"),
            output::text(snapshot, "createdAt"),
            size(&files["bytes"]),
            output::text(files, "method"),
            output::text(snapshot, "id"),
        ]
    };
    let rows: Vec<_> = snapshots.iter().map(row).collect();
    Ok(output::table(["NAME", "TAKEN", "SIZE", "METHOD", "ID"], &rows)?)
}

async fn create(client: &Client, one: OneAgent, name: Option<String>) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let body = Value::from(Map::from_iter(name.map(|name| ("name".to_owned(), Value::from(name)))));
    let path = ["agents", &agent.id, "snapshots"];
    let doing = format!("Saving {}", output::one_line(&agent.name));
    let answer = progress::during(&doing, client.send(Method::POST, &path, Some(&body))).await?;
    let snapshot = &answer["data"];
    if one.client.output.json {
        return Ok(output::json(snapshot)?);
    }
    let (name, id) = (output::text(snapshot, "name"), output::text(snapshot, "id"));
    Ok(output::line(format!("{name} is saved ({id}); {}.", copied(&snapshot["files"])))?)
}

async fn restore(client: &Client, one: OneSnapshot) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let id = find(client, &agent, &one.snapshot).await?;
    let path = ["agents", &agent.id, "snapshots", &id, "restore"];
    let name = output::one_line(&agent.name);
    let sending = client.send(Method::POST, &path, None);
    let answer = progress::during(&format!("Restoring {name}"), sending).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("{name} is restored; {}.", copied(&answer["data"]["files"])))?)
}

async fn delete(client: &Client, one: OneSnapshot) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let id = find(client, &agent, &one.snapshot).await?;
    let path = ["agents", &agent.id, "snapshots", &id];
    let answer = client.send(Method::DELETE, &path, None).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("{} is deleted.", output::one_line(&one.snapshot)))?)
}

async fn diff(client: &Client, agent: Option<&str>, named: [&str; 2], json: bool) -> anyhow::Result<()> {
    let agent = client.agent(agent).await?;
    let before = find(client, &agent, named[0]).await?;
    let after = find(client, &agent, named[1]).await?;
    let path = ["agents", &agent.id, "snapshots", &before, "diff", &after];
    let answer = progress::during("Comparing", client.get(&path, &[])).await?;
    let diff = &answer["data"];
    if json {
        return Ok(output::json(diff)?);
    }
    let files = diff["files"].as_array().context("the server answered no list of files")?;
    for change in files {
        let sizes = match (&change["bytesBefore"], &change["bytesAfter"]) {
            (Value::Null, Value::Null) => String::new(),
            (before, Value::Null) => format!(" ({})", size(before)),
            (Value::Null, after) => format!(" ({})", size(after)),
            (before, after) => format!(" ({} → {})", size(before), size(after)),
        };
        output::line(format!(
            "{:<8} {}{sizes}",
            output::text(change, "change"),
            output::text(change, "path")
        ))?;
        lines(change)?;
    }
    for change in diff["documents"].as_array().into_iter().flatten() {
        output::line(format!("{:<8} {}", output::text(change, "change"), output::text(change, "name")))?;
        lines(change)?;
    }
    let total = diff["filesTotal"].as_u64().unwrap_or(0);
    if total > files.len() as u64 {
        output::line(format!("… and {} more files", total - files.len() as u64))?;
    }
    Ok(output::line(format!("events: {:+}", diff["events"].as_i64().unwrap_or(0)))?)
}

/// Prints the lines that changed.
fn lines(change: &Value) -> std::io::Result<()> {
    let diff = change["diff"].as_str().unwrap_or_default();
    diff.lines().try_for_each(|line| output::line(format!("    {}", output::plain(line))))
}

/// Finds a snapshot by id or name; where several have the name, the newest.
async fn find(client: &Client, agent: &Agent, named: &str) -> anyhow::Result<String> {
    if named.parse::<SnapshotId>().is_ok() {
        return Ok(named.to_owned());
    }
    let snapshots = client.list(&["agents", &agent.id, "snapshots"], &[]).await?;
    let found = snapshots.iter().find(|snapshot| snapshot["name"] == named);
    match found.and_then(|snapshot| snapshot["id"].as_str()) {
        Some(id) => Ok(id.to_owned()),
        None => bail!(
            "{} has no snapshot {named:?}; `roost snapshots list` shows those that it has",
            output::one_line(&agent.name)
        ),
    }
}

/// Says how files were copied.
fn copied(files: &Value) -> String {
    let took = files["tookMs"].as_f64().unwrap_or(0.0);
    let (bytes, copied) = (size(&files["bytes"]), size(&files["copiedBytes"]));
    match files["method"].as_str() {
        Some("reflink") => format!("{bytes} shared with the original in {took:.1} ms"),
        _ => format!("{copied} of {bytes} copied in {took:.1} ms"),
    }
}

fn size(bytes: &Value) -> String {
    roost_domain::unit::Bytes(bytes.as_u64().unwrap_or(0)).to_string()
}
