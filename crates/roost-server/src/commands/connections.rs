//! `roost connections` and `roost integrations`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::secrets::value;
use crate::cli::{AddIntegration, ClientArgs, Connect, Connections, Integrations};
use crate::client::Client;
use crate::output;

/// How many services a search shows.
const SHOWN: &str = "200";

/// Returns how to reach the server.
pub(super) fn client_args(args: &Connections) -> &ClientArgs {
    match args {
        Connections::List { client, .. } | Connections::Revoke { client, .. } => client,
        Connections::Connect(connect) => &connect.client,
    }
}

/// Returns how to reach the server.
pub(super) fn integrations_client_args(args: &Integrations) -> &ClientArgs {
    match args {
        Integrations::Search { client, .. } => client,
        Integrations::Add(add) => &add.client,
    }
}

pub(super) async fn run(args: Connections, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Connections::List { agent: Some(agent), client: args } => {
            of_agent(client, &agent, args.output.json).await?;
        }
        Connections::List { agent: None, client: args } => all(client, args.output.json).await?,
        Connections::Connect(connect) => self::connect(client, &connect).await?,
        Connections::Revoke { connection, yes, client: args } => {
            revoke(client, &connection, yes, args.output.json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn run_integrations(args: Integrations, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Integrations::Search { query, category, client: args } => {
            search(client, &query.join(" "), category.as_deref(), args.output.json).await?;
        }
        Integrations::Add(add) => self::add(client, &add).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn row(one: &Value) -> [String; 4] {
    ["integration", "status", "kind", "id"].map(|field| output::text(one, field))
}

async fn of_agent(client: &Client, agent: &str, json: bool) -> anyhow::Result<()> {
    let agent = client.agent(Some(agent)).await?;
    let answer = client.get(&["agents", &agent.id, "connections"], &[]).await?;
    let data = &answer["data"];
    if json {
        return Ok(output::json(data)?);
    }
    let name = output::one_line(&agent.name);
    let rows: Vec<_> = data["connections"].as_array().into_iter().flatten().map(row).collect();
    match rows.is_empty() {
        true => output::note(format!(
            "{name} has no connections; make one with: roost connections connect SERVICE"
        )),
        false => output::table(["SERVICE", "STATUS", "KIND", "ID"], &rows)?,
    }
    for missing in data["missing"].as_array().into_iter().flatten() {
        let (service, reason) = (output::text(missing, "integration"), output::text(missing, "reason"));
        output::note(format!("{name} needs {service}, which it cannot use: {}", reason.replace('_', " ")));
    }
    Ok(())
}

async fn all(client: &Client, json: bool) -> anyhow::Result<()> {
    let answer = client.get(&["connections"], &[("limit", SHOWN)]).await?;
    if json {
        return Ok(output::json(&answer["data"])?);
    }
    let row = |one: &Value| {
        let [service, status, kind, id] = row(one);
        [service, output::text(one, "agentId"), status, kind, id]
    };
    let rows: Vec<_> = answer["data"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        output::note("No agent is connected to a service; see: roost connections connect --help");
        return Ok(());
    }
    Ok(output::table(["SERVICE", "AGENT", "STATUS", "KIND", "ID"], &rows)?)
}

fn fields(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let pair = |text: &String| {
        let (name, value) =
            text.split_once('=').with_context(|| format!("--field {text:?} is not NAME=VALUE"))?;
        Ok((name.to_owned(), Value::from(value)))
    };
    given.iter().map(pair).collect()
}

async fn connect(client: &Client, connect: &Connect) -> anyhow::Result<()> {
    let agent = client.agent(connect.agent.as_deref()).await?;
    let mut body = json!({"integration": connect.integration, "fields": fields(&connect.fields)?});
    if !connect.scopes.is_empty() {
        body["scopes"] = json!(connect.scopes);
    }
    if connect.with_key {
        let key = value(&format!("the key for {}", connect.integration)).await?;
        body["key"] = Value::from(key.expose());
    }
    let answer = client.send(Method::POST, &["agents", &agent.id, "connections"], Some(&body)).await?;
    let data = &answer["data"];
    if connect.client.output.json {
        return Ok(output::json(data)?);
    }
    let (name, service) = (output::one_line(&agent.name), output::one_line(&connect.integration));
    match data["authorizationUrl"].as_str() {
        Some(url) => {
            output::note(format!(
                "Open this in a browser and say yes; {name} is connected to {service} then:"
            ));
            Ok(output::line(output::plain(url))?)
        }
        None => Ok(output::line(format!("{name} is connected to {service}."))?),
    }
}

async fn revoke(client: &Client, id: &str, yes: bool, json: bool) -> anyhow::Result<()> {
    if !yes {
        super::confirm_deletion(&format!("the connection {}", output::one_line(id)))?;
    }
    let answer = client.send(Method::DELETE, &["connections", id], None).await?;
    let data = &answer["data"];
    if json {
        return Ok(output::json(data)?);
    }
    output::line("It is gone here.")?;
    if data["revokedAtService"] == true {
        return Ok(output::line("The service took its token back.")?);
    }
    output::note(format!("The service did not take its token back: {}", output::text(data, "problem")));
    Ok(())
}

async fn search(client: &Client, query: &str, category: Option<&str>, json: bool) -> anyhow::Result<()> {
    let mut ask = vec![("limit", SHOWN)];
    if !query.is_empty() {
        ask.push(("search", query));
    }
    ask.extend(category.map(|category| ("category", category)));
    let answer = client.get(&["integrations"], &ask).await?;
    if json {
        return Ok(output::json(&answer["data"])?);
    }
    let row = |one: &Value| {
        let categories: Vec<_> =
            one["categories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let [name, title, access] = ["name", "title", "access"].map(|field| output::text(one, field));
        [name, title, access, output::one_line(&categories.join(", "))]
    };
    let rows: Vec<_> = answer["data"].as_array().into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        output::note("Nothing fits; add a service of your own with: roost integrations add NAME --base URL");
        return Ok(());
    }
    output::table(["NAME", "TITLE", "ACCESS", "CATEGORIES"], &rows)?;
    let total = answer["pagination"]["total"].as_u64().unwrap_or_default();
    if total > rows.len() as u64 {
        output::note(format!("{} more; say more of what you look for", total - rows.len() as u64));
    }
    Ok(())
}

async fn add(client: &Client, add: &AddIntegration) -> anyhow::Result<()> {
    let name = add.name.as_str();
    if add.base.is_none() && add.title.is_none() && add.openapi.is_none() && add.client_id.is_none() {
        bail!("say what there is to add: --base, --openapi or --client-id");
    }
    if add.base.is_some() || add.title.is_some() {
        let body = json!({"base": add.base, "title": add.title});
        client.send(Method::PUT, &["integrations", name], Some(&body)).await?;
    }
    if let Some(id) = &add.client_id {
        let mut body = json!({"clientId": id});
        if !add.public {
            let secret = value(&format!("the secret of the client {id}")).await?;
            body["clientSecret"] = Value::from(secret.expose());
        }
        client.send(Method::PUT, &["integrations", name, "client"], Some(&body)).await?;
    }
    if let Some(openapi) = &add.openapi {
        let body = match add.openapi_file() {
            Some(file) => {
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read; check the path", file.display()))?;
                json!({"document": text})
            }
            None if openapi == "published" => json!({}),
            None => json!({"url": openapi}),
        };
        let answer = client.send(Method::PUT, &["integrations", name, "openapi"], Some(&body)).await?;
        for problem in answer["data"]["problems"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            output::note(output::one_line(problem));
        }
    }
    let answer = client.get(&["integrations", name], &[]).await?;
    let data = &answer["data"];
    if add.client.output.json {
        return Ok(output::json(data)?);
    }
    output::line(format!("{} is known.", output::text(data, "title")))?;
    if data["access"] == "oauth" {
        output::line(format!(
            "Its redirect URI, for your client there: {}",
            output::text(data, "redirectUri")
        ))?;
    }
    if let Some(operations) = data["description"]["operations"].as_u64() {
        output::line(format!("{operations} operations can be used by agents that are connected to it."))?;
    }
    Ok(())
}
