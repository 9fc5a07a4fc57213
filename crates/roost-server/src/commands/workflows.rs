//! `roost workflow`, `roost run` and `roost runs`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use reqwest::Method;
use roost_domain::workflow::Configuration;
use serde_json::{Map, Value, json};

use super::document;
use crate::cli::{ClientArgs, OneRun, RunWorkflow, Runs, Workflow};
use crate::client::{Agent, Client};
use crate::output;

/// Returns how to reach the server; checking needs none.
pub(super) const fn client_args(args: &Workflow) -> Option<&ClientArgs> {
    match args {
        Workflow::Check { .. } => None,
        Workflow::Put { client, .. } | Workflow::Show { client, .. } => Some(client),
    }
}

/// Returns how to reach the server.
pub(super) const fn client_args_of_runs(args: &Runs) -> &ClientArgs {
    match args {
        Runs::List { client, .. } => client,
        Runs::Show(one) | Runs::Cancel(one) | Runs::Input { one, .. } => &one.client,
    }
}

/// Says everything that is wrong with a workflow.
pub(super) fn check(file: &std::path::Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let config = Value::Object(document::parse(file)?);
    let faults = Configuration::read(&config).err();
    let all: Vec<Value> = faults
        .iter()
        .flat_map(|faults| faults.all())
        .map(|fault| json!({"path": fault.path, "problem": fault.problem}))
        .collect();
    if as_json {
        output::json(&json!({"valid": faults.is_none(), "faults": all}))?;
    } else {
        match &faults {
            None => output::line("The workflow is right.")?,
            Some(faults) => output::line(output::plain(&faults.to_string()))?,
        }
    }
    Ok(if faults.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn workflow(args: Workflow, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Workflow::Check { file, output } => return check(&file, output.json),
        Workflow::Put { agent, file, arm, client: args } => {
            let config = Value::Object(document::parse(&file)?);
            let agent = client.agent(Some(&agent)).await?;
            let path = ["agents", &agent.id, "workflow", "config"];
            let put = &client.send(Method::PUT, &path, Some(&config)).await?["data"];
            if arm {
                client.send(Method::POST, &["agents", &agent.id, "arm"], None).await?;
            }
            if args.output.json {
                output::json(put)?;
            } else {
                let (name, armed) = (output::one_line(&agent.name), if arm { " and armed" } else { "" });
                output::line(format!("{name} has version {} of its workflow{armed}.", put["version"]))?;
            }
        }
        Workflow::Show { agent, client: args } => {
            let agent = client.agent(Some(&agent)).await?;
            let shown = &client.get(&["agents", &agent.id, "workflow", "config"], &[]).await?["data"];
            if args.output.json {
                output::json(shown)?;
            } else {
                let field = |name| output::text(shown, name);
                output::line(format!(
                    "# Version {}, put by {} at {}",
                    field("version"),
                    field("author"),
                    field("createdAt")
                ))?;
                let text =
                    serde_saphyr::to_string(&shown["config"]).context("it cannot be written as YAML")?;
                output::line(output::plain(text.trim_end()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn start(args: RunWorkflow, client: &Client) -> anyhow::Result<ExitCode> {
    let agent = client.agent(Some(&args.agent)).await?;
    let body = json!({"input": values(&args.input)?});
    let begun = client.send(Method::POST, &["agents", &agent.id, "runs"], Some(&body)).await?["data"].clone();
    let run = begun["id"].as_str().context("the server named no run")?.to_owned();
    let link = &client.send(Method::POST, &["agents", &agent.id, "runs", &run, "link"], None).await?["data"];
    if args.client.output.json && !args.follow {
        output::json(&begun)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!("{} of {} has begun.", run, output::one_line(&agent.name)))?;
    output::line(format!("Its page: {}", output::text(link, "url")))?;
    if args.follow {
        follow(client, &agent, &run, values(&args.answer)?).await
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows what happens in a run until it ends.
async fn follow(
    client: &Client,
    agent: &Agent,
    run: &str,
    answer: Map<String, Value>,
) -> anyhow::Result<ExitCode> {
    let path = ["agents", &agent.id, "runs", run, "events"];
    let mut after = 0;
    // A connection that breaks off is taken up again where it was.
    loop {
        let seen = after.to_string();
        let before = after;
        let mut events = client.stream(Method::GET, &path, &[("after", &seen)], None).await?;
        while let Some(event) = events.next().await {
            let Ok(event) = event else { break };
            let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
            after += 1;
            if let Some(status) = data["status"].as_str() {
                return ended(client, agent, run, status).await;
            }
            tell(&data)?;
            if matches!(data["doing"]["type"].as_str(), Some("form" | "question")) {
                wait_for(client, agent, run, &data, &answer).await?;
            }
        }
        if after == before {
            let shown = client.get(&["agents", &agent.id, "runs", run], &[]).await?;
            if shown["data"]["isInProgress"] == false {
                return ended(client, agent, run, &output::text(&shown["data"], "status")).await;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

/// Tells one thing that happened in a step.
fn tell(data: &Value) -> anyhow::Result<()> {
    let step = output::text(data, "step");
    let told = if let Some(kind) = data["doing"]["type"].as_str() {
        match kind {
            "form" | "question" => return Ok(()),
            _ => format!("{step} has begun, try {}", data["attempt"]),
        }
    } else if let Some(error) = data.get("error") {
        let again = if data["retryAt"].is_null() { "" } else { "; it is tried again" };
        format!("{step} failed: {}{again}", output::text(error, "message"))
    } else if let Some(by) = data["by"].as_str().filter(|_| data.get("answer").is_some()) {
        format!("{step} was answered by {}", output::one_line(by))
    } else if data.get("output").is_some() && data.get("attempt").is_none() {
        format!("{step} is done")
    } else {
        return Ok(());
    };
    Ok(output::line(format!("  {told}"))?)
}

/// Says that somebody is asked, and answers for them if that was wanted.
async fn wait_for(
    client: &Client,
    agent: &Agent,
    run: &str,
    data: &Value,
    answer: &Map<String, Value>,
) -> anyhow::Result<()> {
    let shown = client.get(&["agents", &agent.id, "runs", run], &[]).await?;
    let forms = shown["data"]["forms"].as_array().cloned().unwrap_or_default();
    // What is told may be long past.
    let Some(form) = forms.iter().find(|form| form["id"] == data["doing"]["formId"]) else { return Ok(()) };
    output::line(format!("  {} asks: {}", output::text(form, "step"), output::text(form, "title")))?;
    output::line(format!("  Answer here: {}", output::text(form, "url")))?;
    if !answer.is_empty() {
        let body = json!({"formId": form["id"], "values": answer});
        client.send(Method::POST, &["agents", &agent.id, "runs", run, "input"], Some(&body)).await?;
    }
    Ok(())
}

async fn ended(client: &Client, agent: &Agent, run: &str, status: &str) -> anyhow::Result<ExitCode> {
    let shown = &client.get(&["agents", &agent.id, "runs", run], &[]).await?["data"];
    let tokens = shown["inputTokens"].as_u64().unwrap_or(0) + shown["outputTokens"].as_u64().unwrap_or(0);
    output::line(format!(
        "The run is {}. It cost ${} for {tokens} tokens.",
        output::one_line(status),
        shown["costUsd"]
    ))?;
    if let Some(error) = shown.get("error").filter(|error| !error.is_null()) {
        output::line(format!("{}: {}", output::text(error, "step"), output::text(error, "message")))?;
    }
    if !shown["output"].is_null() {
        output::json(&shown["output"])?;
    }
    Ok(if status == "completed" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn runs(args: Runs, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Runs::List { agent, status, client: args } => {
            let agent = client.agent(Some(&agent)).await?;
            let query: Vec<_> = status.iter().map(|status| ("status", status.as_str())).collect();
            let rows = client.list(&["agents", &agent.id, "runs"], &query).await?;
            if args.output.json {
                output::json(&rows.into())?;
            } else if rows.is_empty() {
                output::note("There are no runs; start one with: roost run AGENT");
            } else {
                let row = |run: &Value| {
                    let field = |name| output::text(run, name);
                    [
                        field("status"),
                        field("createdAt"),
                        output::text(&run["cause"], "trigger"),
                        field("costUsd"),
                        field("id"),
                    ]
                };
                let rows: Vec<_> = rows.iter().map(row).collect();
                output::table(["STATUS", "ASKED FOR", "TRIGGER", "COST ($)", "ID"], &rows)?;
            }
        }
        Runs::Show(one) => {
            let (agent, path) = (client.agent(Some(&one.agent)).await?, &one.run);
            let shown = client.get(&["agents", &agent.id, "runs", path], &[]).await?;
            show(&shown["data"], one.client.output.json)?;
        }
        Runs::Cancel(one) => {
            let answer = change(client, &one, "cancel", None).await?;
            show(&answer["data"], one.client.output.json)?;
        }
        Runs::Input { one, values: given, form } => {
            let mut body = json!({"values": values(&given)?});
            if let Some(form) = form {
                body["formId"] = form.into();
            }
            let answer = change(client, &one, "input", Some(&body)).await?;
            show(&answer["data"], one.client.output.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn change(client: &Client, one: &OneRun, verb: &str, body: Option<&Value>) -> anyhow::Result<Value> {
    let agent = client.agent(Some(&one.agent)).await?;
    Ok(client.send(Method::POST, &["agents", &agent.id, "runs", &one.run, verb], body).await?)
}

fn show(run: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return Ok(output::json(run)?);
    }
    output::line(format!("{} is {}.", output::text(run, "id"), output::text(run, "status")))?;
    let steps = run["steps"].as_array().cloned().unwrap_or_default();
    let row = |step: &Value| {
        let field = |name| output::text(step, name);
        let problem =
            if step["error"].is_null() { String::new() } else { output::text(&step["error"], "message") };
        [field("key"), field("type"), field("status"), field("attempts"), field("costUsd"), problem]
    };
    let rows: Vec<_> = steps.iter().map(row).collect();
    output::table(["STEP", "TYPE", "STATUS", "TRIES", "COST ($)", "PROBLEM"], &rows)?;
    for form in run["forms"].as_array().into_iter().flatten() {
        output::line(format!("{} asks: {}", output::text(form, "step"), output::text(form, "title")))?;
        output::line(format!("Answer here: {}", output::text(form, "url")))?;
    }
    Ok(())
}

/// Reads `NAME=VALUE`s and JSON objects into one object. A value that is JSON is what it says, anything else a text.
fn values(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut all = Map::new();
    for text in given {
        if text.trim_start().starts_with('{') {
            match serde_json::from_str(text) {
                Ok(Value::Object(map)) => all.extend(map),
                _ => bail!("{text} is no JSON object"),
            }
        } else {
            let (name, value) = text.split_once('=').with_context(|| format!("{text} is not NAME=VALUE"))?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            all.insert(name.to_owned(), value);
        }
    }
    Ok(all)
}
