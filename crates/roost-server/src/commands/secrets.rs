//! `roost secrets`

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use reqwest::Method;
use roost_domain::secret::Secret;
use serde_json::{Map, Value, json};

use crate::cli::{ClientArgs, OneAgent, OneSecret, Secrets};
use crate::client::{Agent, Client};
use crate::output;

/// No value has more bytes; reading stops there.
const MOST_BYTES: u64 = 64 * 1024;

/// Returns how to reach the server.
pub(super) const fn client_args(args: &Secrets) -> &ClientArgs {
    match args {
        Secrets::List(one) => &one.client,
        Secrets::Set(of) | Secrets::Unbind(of) | Secrets::Uses(of) => &of.client,
        Secrets::Delete { of, .. } | Secrets::Bind { of, .. } => &of.client,
    }
}

pub(super) async fn run(args: Secrets, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Secrets::List(one) => list(client, &one).await?,
        Secrets::Set(of) => set(client, &of).await?,
        Secrets::Delete { of, yes } => delete(client, &of, yes).await?,
        Secrets::Bind { of, hosts, methods } => bind(client, &of, hosts, methods).await?,
        Secrets::Unbind(of) => unbind(client, &of).await?,
        Secrets::Uses(of) => uses(client, &of).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, one: &OneAgent) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let answer = client.get(&["agents", &agent.id, "secrets"], &[]).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let secrets = answer["data"].as_array().cloned().unwrap_or_default();
    if secrets.is_empty() {
        output::note("It has no secrets yet; set one with: roost secrets set NAME");
        return Ok(());
    }
    let row = |secret: &Value| {
        let binding = &secret["binding"];
        let [hosts, methods] = ["hosts", "methods"].map(|field| joined(&binding[field]));
        [output::text(secret, "name"), output::text(secret, "updatedAt"), hosts, methods]
    };
    let rows: Vec<_> = secrets.iter().map(row).collect();
    Ok(output::table(["NAME", "SET", "HOSTS", "METHODS"], &rows)?)
}

async fn set(client: &Client, of: &OneSecret) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let value = value(&of.secret).await?;
    let body = json!({"secrets": {of.secret.as_str(): value.expose()}});
    let answer = client.send(Method::PUT, &["agents", &agent.id, "secrets"], Some(&body)).await?;
    changed(of, &agent, &answer["data"], "set")
}

/// Asks for a value without showing it, or reads it from standard input.
pub(super) async fn value(name: &str) -> anyhow::Result<Secret> {
    let text = if output::is_keyboard() {
        let question = format!("The value of {} (it is not shown): ", output::one_line(name));
        output::ask_hidden(&question).await?
    } else {
        let mut text = String::new();
        let mut input = std::io::stdin().lock().take(MOST_BYTES);
        input.read_to_string(&mut text).context("standard input cannot be read as text")?;
        text
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        bail!("the value is empty, so nothing was set; pipe it in, or type it when asked");
    }
    Ok(Secret::new(text))
}

async fn delete(client: &Client, of: &OneSecret, yes: bool) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    if !yes {
        super::confirm_deletion(&format!("the secret {}", output::one_line(&of.secret)))?;
    }
    let body = json!({"deleteSecrets": [of.secret]});
    let answer = client.send(Method::PUT, &["agents", &agent.id, "secrets"], Some(&body)).await?;
    if answer["data"]["updated"] == false {
        let agent = output::one_line(&agent.name);
        bail!(
            "{agent} has no secret {:?}; see those that it has with: roost secrets list {agent}",
            of.secret
        );
    }
    changed(of, &agent, &answer["data"], "gone")
}

/// Says what became of a secret, and what that means for the agent.
fn changed(of: &OneSecret, agent: &Agent, answer: &Value, what: &str) -> anyhow::Result<()> {
    if of.client.output.json {
        return Ok(output::json(answer)?);
    }
    let (secret, agent) = (output::one_line(&of.secret), output::one_line(&agent.name));
    output::line(format!("{secret} of {agent} is {what}."))?;
    if answer["modelKey"] == "missing" {
        output::note(format!("{agent} cannot answer: there is no key for its model."));
    }
    if answer["needsRestart"] == true {
        output::note(format!("What runs in its machine may need: roost agents restart {agent}"));
    }
    Ok(())
}

async fn bind(
    client: &Client,
    of: &OneSecret,
    hosts: Vec<String>,
    methods: Vec<String>,
) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let mut body = Map::from_iter([("hosts".to_owned(), Value::from(hosts))]);
    if !methods.is_empty() {
        body.insert("methods".to_owned(), methods.into());
    }
    let path = ["agents", &agent.id, "secrets", &of.secret, "binding"];
    let answer = client.send(Method::PUT, &path, Some(&body.into())).await?;
    let bound = &answer["data"];
    if of.client.output.json {
        return Ok(output::json(bound)?);
    }
    let [hosts, methods] = ["hosts", "methods"].map(|field| joined(&bound["binding"][field]));
    output::line(format!("{} may go to {hosts} with {methods}.", output::text(bound, "name")))?;
    output::note(format!(
        "The agent writes {} into a header of http_request in its place.",
        output::text(bound, "placeholder")
    ));
    Ok(())
}

async fn unbind(client: &Client, of: &OneSecret) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let path = ["agents", &agent.id, "secrets", &of.secret, "binding"];
    let answer = client.send(Method::DELETE, &path, None).await?;
    if of.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("No request carries {} any more.", output::text(&answer["data"], "name")))?)
}

async fn uses(client: &Client, of: &OneSecret) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let uses = client.list(&["agents", &agent.id, "secrets", &of.secret, "uses"], &[]).await?;
    if of.client.output.json {
        return Ok(output::json(&Value::from(uses))?);
    }
    if uses.is_empty() {
        output::note("No request has carried it.");
        return Ok(());
    }
    let row =
        |one: &Value| ["at", "method", "host", "status", "sessionId"].map(|field| output::text(one, field));
    let rows: Vec<_> = uses.iter().map(row).collect();
    Ok(output::table(["AT", "METHOD", "HOST", "STATUS", "SESSION"], &rows)?)
}

fn joined(list: &Value) -> String {
    let words: Vec<_> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if words.is_empty() { "–".to_owned() } else { output::one_line(&words.join(", ")) }
}
