//! `roost knowledge`

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

use super::swarms;
use crate::cli::{ClientArgs, Knowledge, KnowledgeOf};
use crate::client::Client;
use crate::output;

/// How many texts `list` shows at most.
const MOST_LISTED: usize = 1_000;

/// Returns how to reach the server.
pub(super) fn client_args(args: &Knowledge) -> &ClientArgs {
    match args {
        Knowledge::Add { of, .. }
        | Knowledge::Search { of, .. }
        | Knowledge::List { of, .. }
        | Knowledge::Delete { of, .. } => &of.client,
    }
}

pub(super) async fn run(args: Knowledge, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Knowledge::Add { files, of } => {
            let owner = owner(client, &of).await?;
            for file in &files {
                add(client, &owner, file, of.client.output.json).await?;
            }
        }
        Knowledge::Search { query, limit, of } => search(client, &of, &query, limit).await?,
        Knowledge::List { source, of } => list(client, &of, source.as_deref()).await?,
        Knowledge::Delete { source, id, all, yes, of } => {
            let which = match (source, id, all) {
                (Some(source), ..) => vec![("source", source)],
                (_, Some(id), _) => vec![("id", id)],
                (_, _, true) if yes => vec![("all", "true".to_owned()), ("confirm", "true".to_owned())],
                (_, _, true) => bail!("this deletes everything there is to know; add --yes if that is meant"),
                (None, None, false) => bail!("say what to delete: --source SOURCE, --id ID, or --all --yes"),
            };
            delete(client, &of, &which).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the parameter that names whose knowledge is meant.
async fn owner(client: &Client, of: &KnowledgeOf) -> anyhow::Result<(&'static str, String)> {
    match &of.swarm {
        Some(swarm) => {
            let swarm = swarms::find(client, swarm).await?;
            Ok(("swarmId", swarm["id"].as_str().unwrap_or_default().to_owned()))
        }
        None => Ok(("agentId", client.agent(of.agent.as_deref()).await?.id)),
    }
}

async fn add(client: &Client, owner: &(&str, String), file: &Path, json: bool) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let answer = client.upload(&["knowledge", "upload"], &[(owner.0, &owner.1)], &name, &bytes).await?;
    if json {
        return Ok(output::json(&answer["data"])?);
    }
    let (stored, skipped) = (&answer["data"]["stored"], &answer["data"]["skipped"]);
    Ok(output::line(format!(
        "{}: {stored} texts are known now, {skipped} were already",
        output::one_line(&name)
    ))?)
}

async fn search(client: &Client, of: &KnowledgeOf, query: &str, limit: u32) -> anyhow::Result<()> {
    let owner = owner(client, of).await?;
    let body = json!({owner.0: owner.1, "query": query, "limit": limit});
    let answer = client.send(Method::POST, &["knowledge", "search"], Some(&body)).await?;
    if of.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let hits = answer["data"]["results"].as_array().cloned().unwrap_or_default();
    if hits.is_empty() {
        output::note("Nothing was found.");
    }
    for hit in hits {
        let score = hit["score"].as_f64().unwrap_or_default();
        output::line(format!(
            "{score:.2}  {}\n{}\n",
            output::text(&hit, "source"),
            output::text(&hit, "text")
        ))?;
    }
    Ok(())
}

async fn list(client: &Client, of: &KnowledgeOf, source: Option<&str>) -> anyhow::Result<()> {
    let owner = owner(client, of).await?;
    let (mut entries, mut offset) = (Vec::new(), None::<String>);
    while entries.len() < MOST_LISTED {
        let mut query = vec![(owner.0, owner.1.as_str()), ("limit", "100")];
        query.extend(source.map(|source| ("source", source)));
        query.extend(offset.as_deref().map(|offset| ("offset", offset)));
        let answer = client.get(&["knowledge"], &query).await?;
        entries.extend(answer["data"].as_array().cloned().unwrap_or_default());
        offset = answer["pagination"]["nextOffset"].as_str().map(str::to_owned);
        if offset.is_none() {
            break;
        }
    }
    if of.client.output.json {
        return Ok(output::json(&Value::from(entries))?);
    }
    if entries.is_empty() {
        output::note("There is nothing to know yet; add a document with: roost knowledge add FILE");
        return Ok(());
    }
    let row = |entry: &Value| {
        let text: String = output::one_line(&output::text(entry, "text")).chars().take(70).collect();
        [output::text(entry, "id"), output::text(entry, "source"), text]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    Ok(output::table(["ID", "SOURCE", "TEXT"], &rows)?)
}

async fn delete(client: &Client, of: &KnowledgeOf, which: &[(&str, String)]) -> anyhow::Result<()> {
    let owner = owner(client, of).await?;
    let mut query = vec![(owner.0, owner.1.as_str())];
    query.extend(which.iter().map(|(name, value)| (*name, value.as_str())));
    let answer = client.send_asking(Method::DELETE, &["knowledge"], &query, None).await?;
    if of.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("{} texts are gone.", answer["data"]["count"]))?)
}
