//! `roost triggers`

use std::process::ExitCode;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::secrets::value;
use crate::cli::{ClientArgs, OneAgent, OneTrigger, Triggers};
use crate::client::Client;
use crate::output;

/// Returns how to reach the server.
pub(super) const fn client_args(args: &Triggers) -> &ClientArgs {
    match args {
        Triggers::List(one) => &one.client,
        Triggers::Rotate { of, .. } | Triggers::Fire { of, .. } => &of.client,
    }
}

pub(super) async fn run(args: Triggers, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Triggers::List(one) => list(client, &one).await?,
        Triggers::Rotate { of, new_path, new_secret, set_secret } => {
            let secret = if set_secret {
                Some(Value::from(value(&format!("the secret of {}", of.trigger)).await?.expose()))
            } else {
                new_secret.then_some(Value::Bool(true))
            };
            rotate(client, &of, new_path, secret).await?;
        }
        Triggers::Fire { of, event } => fire(client, &of, event.as_deref()).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, one: &OneAgent) -> anyhow::Result<()> {
    let agent = client.agent(one.agent.as_deref()).await?;
    let answer = client.get(&["agents", &agent.id, "triggers"], &[]).await?;
    if one.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let triggers = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if triggers.is_empty() {
        output::note("Nothing starts its workflow by itself.");
        return Ok(());
    }
    let row = |trigger: &Value| {
        let next = match trigger["armed"] == true {
            true => output::text(trigger, "nextFireAt"),
            false => "off".to_owned(),
        };
        [
            output::text(trigger, "name"),
            output::text(trigger, "type"),
            waits_for(client, trigger),
            next,
            output::text(trigger, "fired"),
            last(&trigger["lastFire"]),
        ]
    };
    let rows: Vec<_> = triggers.iter().map(row).collect();
    Ok(output::table(["NAME", "TYPE", "WAITS FOR", "NEXT", "FIRED", "LAST"], &rows)?)
}

/// Says what a trigger waits for.
fn waits_for(client: &Client, trigger: &Value) -> String {
    let field = |name| output::one_line(&output::text(trigger, name));
    match trigger["path"].as_str() {
        Some(path) => client.at(path),
        None if trigger["cron"].is_string() => format!("{} {}", field("cron"), field("timezone")),
        None => format!("{} s after the run before", field("delaySeconds")),
    }
}

/// Says what came of the last time.
fn last(fire: &Value) -> String {
    match (&fire["at"], &fire["problem"]) {
        (Value::Null, _) => String::new(),
        (at, Value::Null) => {
            format!("{} {}", at.as_str().unwrap_or_default(), output::text(fire, "runStatus"))
        }
        (at, problem) => format!("{} {}", at.as_str().unwrap_or_default(), output::text(problem, "code")),
    }
}

async fn rotate(client: &Client, of: &OneTrigger, url: bool, secret: Option<Value>) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let mut body = Map::from_iter([("url".to_owned(), url.into())]);
    body.extend(secret.map(|secret| ("secret".to_owned(), secret)));
    let path = ["agents", &agent.id, "triggers", &of.trigger, "rotate"];
    let answer = client.send(Method::POST, &path, Some(&body.into())).await?;
    let rotated = &answer["data"];
    if of.client.output.json {
        return Ok(output::json(rotated)?);
    }
    output::line(format!("URL: {}", client.at(rotated["path"].as_str().unwrap_or_default())))?;
    if let Some(secret) = rotated["secret"].as_str() {
        output::line(format!("Secret: {secret}"))?;
        output::note("Nobody will see it again. The one before is taken for 24 hours more.");
    }
    Ok(())
}

async fn fire(client: &Client, of: &OneTrigger, event: Option<&str>) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let event: Map<String, Value> =
        serde_json::from_str(event.unwrap_or("{}")).context("--event must be a JSON object")?;
    let path = ["agents", &agent.id, "triggers", &of.trigger, "fire"];
    let answer = client.send(Method::POST, &path, Some(&json!({"event": event}))).await?;
    if of.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("{} began.", output::text(&answer["data"], "runId")))?)
}
