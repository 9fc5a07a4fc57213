//! `roost agents`

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cli::{Agents, ClientArgs, CreateAgent, OneAgent};
use crate::client::Client;
use crate::{output, progress};

/// Returns how to reach the server.
pub(super) fn client_args(args: &Agents) -> &ClientArgs {
    match args {
        Agents::List { client } => client,
        Agents::Create(create) => &create.client,
        Agents::Delete { one, .. } => &one.client,
        Agents::Show(one)
        | Agents::Start(one)
        | Agents::Stop(one)
        | Agents::Restart(one)
        | Agents::Pause(one)
        | Agents::Resume(one)
        | Agents::Status(one) => &one.client,
    }
}

pub(super) async fn run(args: Agents, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Agents::List { client: args } => list(client, args.output.json).await?,
        Agents::Create(args) => create(client, args).await?,
        Agents::Show(one) => show(client, one).await?,
        Agents::Start(one) => act(client, one, "start", "Starting").await?,
        Agents::Stop(one) => act(client, one, "stop", "Stopping").await?,
        Agents::Restart(one) => act(client, one, "restart", "Restarting").await?,
        Agents::Pause(one) => act(client, one, "pause", "Pausing").await?,
        Agents::Resume(one) => act(client, one, "resume", "Resuming").await?,
        Agents::Delete { one, yes } => delete(client, one, yes).await?,
        Agents::Status(one) => status(client, one).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let agents = client.list(&["agents"], &[]).await?;
    if json {
        return Ok(output::json(&agents.into())?);
    }
    if agents.is_empty() {
        output::note("There are no agents yet; make one with: roost agents create --name NAME");
        return Ok(());
    }
    let row = |agent: &Value| {
        ["name", "status", "model", "createdAt", "id"].map(|field| output::text(agent, field))
    };
    let rows: Vec<_> = agents.iter().map(row).collect();
    Ok(output::table(["NAME", "STATUS", "MODEL", "CREATED", "ID"], &rows)?)
}

async fn create(client: &Client, args: CreateAgent) -> anyhow::Result<()> {
    let mut body = Map::from_iter([("name".to_owned(), Value::from(args.name))]);
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value.into());
        }
    };
    put("model", args.model.map(|model| model.to_string()));
    put("description", args.description);
    put("size", args.size);
    put("soulMd", args.soul.as_deref().map(read).transpose()?);
    put("workflowMd", args.workflow.as_deref().map(read).transpose()?);
    let mut config = Map::new();
    if let Some(policy) = args.policy {
        config.insert("policy".to_owned(), policy.into());
    }
    let mut network = Map::new();
    for (key, hosts) in [("allow", args.allow), ("allowPrivate", args.allow_private)] {
        if !hosts.is_empty() {
            network.insert(key.to_owned(), json!(hosts));
        }
    }
    if !network.is_empty() {
        config.insert("network".to_owned(), network.into());
    }
    body.insert("config".to_owned(), config.into());
    let body = Value::from(body);
    let sending = client.send(Method::POST, &["agents"], Some(&body));
    let answer = progress::during("Making the agent", sending).await?;
    if args.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let agent = &answer["data"];
    output::line(format!(
        "{} is {} ({}). Talk with it: roost chat --agent {}",
        output::text(agent, "name"),
        output::text(agent, "status"),
        output::text(agent, "id"),
        output::text(agent, "id")
    ))?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read; check the path", path.display()))
}

async fn show(client: &Client, one: OneAgent) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let answer = client.get(&["agents", &agent.id], &[]).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    fields(&answer["data"], "")?;
    Ok(())
}

/// Prints an object's fields, one a line, the inner ones under their path.
fn fields(value: &Value, path: &str) -> std::io::Result<()> {
    let Value::Object(map) = value else {
        let text = value.as_str().map_or_else(|| value.to_string(), output::plain);
        return match text.contains('\n') {
            true => output::line(format!("{path}:\n{}", indented(&text))),
            false => output::line(format!("{path}: {text}")),
        };
    };
    map.iter().filter(|(_, value)| !value.is_null()).try_for_each(|(key, value)| {
        fields(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") })
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

async fn act(client: &Client, one: OneAgent, verb: &str, doing: &str) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let path = ["agents", &agent.id, verb];
    let sending = client.send(Method::POST, &path, None);
    let answer = progress::during(&format!("{doing} {}", output::one_line(&agent.name)), sending).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let status = output::text(&answer["data"], "status");
    Ok(output::line(format!("{} is {status}.", output::one_line(&agent.name)))?)
}

async fn delete(client: &Client, one: OneAgent, yes: bool) -> anyhow::Result<()> {
    // What cannot be undone wants a name, also where there is only one agent.
    let Some(named) = one.agent.as_deref() else {
        bail!("name the agent to delete; `roost agents list` shows them");
    };
    let agent = client.agent(Some(named)).await?;
    let name = output::one_line(&agent.name);
    if !yes {
        super::confirm_deletion(&format!("{name} ({}) with its files, secrets and conversations", agent.id))?;
    }
    let path = ["agents", &agent.id];
    let sending = client.send(Method::DELETE, &path, None);
    let answer = progress::during(&format!("Deleting {name}"), sending).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("{name} is deleted."))?)
}

async fn status(client: &Client, one: OneAgent) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let answer = client.get(&["agents", &agent.id, "status"], &[]).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let mut status = answer["data"].clone();
    let layers = status["machine"]["layers"].take();
    output::line(format!("agent: {}", output::one_line(&agent.name)))?;
    fields(&status, "")?;
    output::line("isolation:")?;
    for layer in layers.as_array().map_or(&[][..], Vec::as_slice) {
        let holds = if layer["holds"] == true { "ok" } else { "missing" };
        let (name, detail) = (output::text(layer, "name"), output::text(layer, "detail"));
        output::line(format!("  {holds:<8} {name:<11} {detail}"))?;
    }
    Ok(())
}
