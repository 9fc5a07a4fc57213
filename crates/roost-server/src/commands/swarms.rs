//! `roost swarms`

use std::process::ExitCode;

use anyhow::bail;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{ClientArgs, OneSwarm, Swarms};
use crate::client::Client;
use crate::output;

/// Returns how to reach the server.
pub(super) fn client_args(args: &Swarms) -> &ClientArgs {
    match args {
        Swarms::List { client } | Swarms::Create { client, .. } | Swarms::Remove { client, .. } => client,
        Swarms::Show(one) | Swarms::Add { one, .. } | Swarms::Delete { one, .. } => &one.client,
    }
}

pub(super) async fn run(args: Swarms, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Swarms::List { client: args } => list(client, args.output.json).await?,
        Swarms::Create { name, description, client: args } => {
            let body = json!({"name": name, "description": description});
            let answer = client.send(Method::POST, &["swarms"], Some(&body)).await?;
            if args.output.json {
                output::json(&answer["data"])?;
            } else {
                let slug = output::text(&answer["data"], "slug");
                output::line(format!("{slug} is made. Put an agent into it: roost swarms add {slug} AGENT"))?;
            }
        }
        Swarms::Show(one) => show(client, &one).await?,
        Swarms::Add { one, agent } => {
            let swarm = find(client, &one.swarm).await?;
            place(client, &agent, swarm["id"].clone(), one.client.output.json).await?;
        }
        Swarms::Remove { agent, client: args } => {
            place(client, &agent, Value::Null, args.output.json).await?;
        }
        Swarms::Delete { one, yes } => delete(client, &one, yes).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let answer = client.get(&["swarms"], &[]).await?;
    if json {
        return Ok(output::json(&answer["data"])?);
    }
    let swarms = answer["data"].as_array().cloned().unwrap_or_default();
    if swarms.is_empty() {
        output::note("There are no swarms yet; make one with: roost swarms create NAME");
        return Ok(());
    }
    let row = |swarm: &Value| {
        let [name, slug, id] = ["name", "slug", "id"].map(|field| output::text(swarm, field));
        [name, slug, swarm["agentCount"].to_string(), id]
    };
    let rows: Vec<_> = swarms.iter().map(row).collect();
    Ok(output::table(["NAME", "SLUG", "AGENTS", "ID"], &rows)?)
}

/// Returns the swarm that a person named.
pub(super) async fn find(client: &Client, named: &str) -> anyhow::Result<Value> {
    let answer = client.get(&["swarms"], &[]).await?;
    let swarms = answer["data"].as_array().cloned().unwrap_or_default();
    if let Some(swarm) = swarms.iter().find(|swarm| swarm["id"] == *named || swarm["slug"] == *named) {
        return Ok(swarm.clone());
    }
    let found: Vec<_> = swarms.iter().filter(|swarm| swarm["name"] == *named).collect();
    match found[..] {
        [swarm] => Ok(swarm.clone()),
        [] => bail!("there is no swarm {named:?}; see them with: roost swarms list"),
        [..] => bail!("several swarms are called {named:?}; name one by its slug"),
    }
}

async fn show(client: &Client, one: &OneSwarm) -> anyhow::Result<()> {
    let swarm = find(client, &one.swarm).await?;
    let answer = client.get(&["swarms", swarm["id"].as_str().unwrap_or_default()], &[]).await?;
    let swarm = &answer["data"];
    if one.client.output.json {
        return Ok(output::json(swarm)?);
    }
    for field in ["name", "slug", "id", "description"] {
        if !swarm[field].is_null() {
            output::line(format!("{field}: {}", output::text(swarm, field)))?;
        }
    }
    let keys: Vec<_> = swarm["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !keys.is_empty() {
        output::line(format!("shared keys: {}", keys.join(", ")))?;
    }
    let agents = swarm["agents"].as_array().cloned().unwrap_or_default();
    let row = |agent: &Value| ["name", "status", "id"].map(|field| output::text(agent, field));
    let rows: Vec<_> = agents.iter().map(row).collect();
    match rows.is_empty() {
        true => output::note("No agent is in it; put one there with: roost swarms add SWARM AGENT"),
        false => output::table(["AGENT", "STATUS", "ID"], &rows)?,
    }
    Ok(())
}

async fn place(client: &Client, agent: &str, swarm: Value, json: bool) -> anyhow::Result<()> {
    let agent = client.agent(Some(agent)).await?;
    let body = json!({"swarmId": swarm});
    let answer = client.send(Method::PATCH, &["agents", &agent.id], Some(&body)).await?;
    if json {
        return Ok(output::json(&answer["data"])?);
    }
    let name = output::one_line(&agent.name);
    let place = if swarm.is_null() { "in no swarm now" } else { "in the swarm now" };
    let restart = match answer["data"]["needsRestart"].as_bool() {
        Some(true) => format!(" Its machine takes the rules up at: roost agents restart {name}"),
        Some(false) | None => String::new(),
    };
    Ok(output::line(format!("{name} is {place}.{restart}"))?)
}

async fn delete(client: &Client, one: &OneSwarm, yes: bool) -> anyhow::Result<()> {
    let swarm = find(client, &one.swarm).await?;
    let name = output::text(&swarm, "name");
    if !yes {
        super::confirm_deletion(&format!("the swarm {name} with its keys and its knowledge"))?;
    }
    let path = ["swarms", swarm["id"].as_str().unwrap_or_default()];
    let answer = client.send(Method::DELETE, &path, None).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("{name} is gone; its agents stay."))?)
}
