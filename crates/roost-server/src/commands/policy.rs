//! `roost policy`

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::document;
use crate::cli::{ClientArgs, Explain, Policy, PutPolicy, Suggest, TestPolicy};
use crate::client::{Agent, Client};
use crate::output;

/// The most characters of a call's parameters that a table shows.
const SHOWN: usize = 60;

/// Returns how to reach the server.
pub(super) const fn client_args(args: &Policy) -> &ClientArgs {
    match args {
        Policy::Show { of, .. } => &of.client,
        Policy::Test(args) => &args.of.client,
        Policy::Put(args) => &args.of.client,
        Policy::Suggest(args) => &args.of.client,
        Policy::Explain(args) => &args.client,
    }
}

pub(super) async fn run(args: Policy, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Policy::Show { of, version } => {
            let agent = client.subject(of.agent.as_deref()).await?;
            show(client, &agent, version.as_deref(), of.client.output.json).await?;
        }
        Policy::Test(args) => test(client, args).await?,
        Policy::Put(args) => put(client, args).await?,
        Policy::Suggest(args) => suggest(client, args).await?,
        Policy::Explain(args) => explain(client, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(client: &Client, agent: &Agent, version: Option<&str>, json: bool) -> anyhow::Result<()> {
    let mut path = vec!["policies", &agent.id];
    path.extend(version.into_iter().flat_map(|version| ["versions", version]));
    let policy = &client.get(&path, &[]).await?["data"];
    if json {
        return Ok(output::json(policy)?);
    }
    let field = |name| output::text(policy, name);
    output::line(format!(
        "# Policy {} of {}, put by {} at {}",
        field("version"),
        output::one_line(&agent.name),
        field("updatedBy"),
        field("updatedAt")
    ))?;
    output::line(document::write(&agent.id, &policy["policy"])?)?;
    warn(policy);
    Ok(())
}

async fn test(client: &Client, args: TestPolicy) -> anyhow::Result<()> {
    let document = document::read(client, &args.of).await?;
    let path = ["policies", &document.of.id, "test"];
    let query = [("since", args.since.as_str())];
    let answer = client.send_asking(Method::POST, &path, &query, Some(&document.content)).await?;
    let result = &answer["data"];
    if args.of.client.output.json {
        return Ok(output::json(result)?);
    }
    let changes = result["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !changes.is_empty() {
        let row = |change: &Value| {
            let [at, tool, was, would, why] =
                ["decidedAt", "tool", "was", "wouldBe", "reason"].map(|field| output::text(change, field));
            [at, tool, short(&change["parameters"]), was, would, why]
        };
        let rows: Vec<_> = changes.iter().map(row).collect();
        output::table(["TIME", "TOOL", "PARAMETERS", "WAS", "WOULD BE", "WHY"], &rows)?;
        output::line("")?;
    }
    Ok(output::line(summary(&document.of, result, changes))?)
}

/// Says in a sentence or two what a policy would change.
fn summary(of: &Agent, result: &Value, changes: &[Value]) -> String {
    let count = |field: &str| result[field].as_u64().unwrap_or(0);
    let (name, since) = (output::one_line(&of.name), output::text(result, "since"));
    if count("decisions") == 0 {
        return format!(
            "Nothing was decided about {name} since {since}, so there is nothing to try the policy on."
        );
    }
    let tried = match (count("evaluated"), count("decisions")) {
        (tried, all) if tried < all => format!("the newest {tried} of {all} decisions"),
        (_, 1) => "the 1 decision".to_owned(),
        (_, all) => format!("the {all} decisions"),
    };
    let changed = match count("changed") {
        0 => "none would be another".to_owned(),
        changed => format!("{changed} would be {}", if changed == 1 { "another" } else { "others" }),
    };
    let mut text = format!("Of {tried} about {name} since {since}, {changed}");
    let mut kinds = BTreeMap::<String, usize>::new();
    for change in changes {
        let kind = format!("{} → {}", output::text(change, "was"), output::text(change, "wouldBe"));
        *kinds.entry(kind).or_default() += 1;
    }
    if !kinds.is_empty() {
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let shown = if (changes.len() as u64) < count("changed") { "of those shown, " } else { "" };
        text.push_str(&format!(" ({shown}{})", kinds.join(", ")));
    }
    text.push_str(&format!(" and {} the same", count("unchanged")));
    if count("notReplayable") > 0 {
        let how_many = count("notReplayable");
        text.push_str(&format!(
            "; {how_many} cannot be tried, since the parameters were too long to be kept"
        ));
    }
    text + "."
}

fn short(parameters: &Value) -> String {
    let text = output::one_line(&parameters.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

async fn put(client: &Client, args: PutPolicy) -> anyhow::Result<()> {
    let document = document::read(client, &args.of).await?;
    let flags = [("strict", args.strict), ("dryRun", args.dry_run)];
    let query: Vec<_> = flags.iter().filter(|(_, on)| *on).map(|(flag, _)| (*flag, "true")).collect();
    let path = ["policies", &document.of.id];
    let answer = client.send_asking(Method::PUT, &path, &query, Some(&document.content)).await?;
    let policy = &answer["data"];
    if args.of.client.output.json {
        return Ok(output::json(policy)?);
    }
    let (name, version) = (output::one_line(&document.of.name), output::text(policy, "version"));
    output::line(if args.dry_run {
        format!("The policy can be put; it would be version {version} of {name}'s. Nothing has changed.")
    } else {
        format!("{name} goes by version {version} of its policy from now on.")
    })?;
    warn(policy);
    Ok(())
}

/// Says beside the result what is odd about a policy.
fn warn(policy: &Value) {
    for warning in policy["warnings"].as_array().into_iter().flatten() {
        let [path, message] = ["path", "message"].map(|field| output::text(warning, field));
        output::note(format!("warning: {path}: {message}"));
    }
}

async fn suggest(client: &Client, args: Suggest) -> anyhow::Result<()> {
    let agent = client.subject(args.of.agent.as_deref()).await?;
    let path = ["policies", &agent.id, "suggestion"];
    let answer = client.get(&path, &[("since", &args.since)]).await?;
    let suggestion = &answer["data"];
    if args.of.client.output.json {
        return Ok(output::json(suggestion)?);
    }
    let (name, since) = (output::one_line(&agent.name), output::text(suggestion, "since"));
    output::line(format!("# Covers what {name} did since {since}, and no more"))?;
    Ok(output::line(document::write(&agent.id, &suggestion["policy"])?)?)
}

async fn explain(client: &Client, args: Explain) -> anyhow::Result<()> {
    let parameters: Map<String, Value> = serde_json::from_str(&args.parameters)
        .context("the parameters are no JSON object; write for example '{\"command\": \"ls\"}'")?;
    let agent = client.subject(args.agent.as_deref()).await?;
    let body = json!({"agentId": agent.id, "tool": args.tool, "parameters": parameters});
    let answer = client.send(Method::POST, &["gate", "explain"], Some(&body)).await?;
    let explanation = &answer["data"];
    if args.client.output.json {
        return Ok(output::json(explanation)?);
    }
    let field = |name| output::text(explanation, name);
    output::line(format!("{} ({})", field("decision"), field("code")))?;
    output::line(field("reason"))?;
    if !explanation["wouldAllow"].is_null() {
        output::line(format!("To allow it: {}", field("wouldAllow")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_is_said_in_a_sentence() {
        let of = Agent { id: "1".to_owned(), name: "robin".to_owned() };
        let say = |result: Value| {
            let changes = result["changes"].as_array().cloned().unwrap_or_default();
            summary(&of, &result, &changes)
        };
        let change = |was: &str, would: &str| json!({"was": was, "wouldBe": would});
        assert_eq!(
            say(json!({"since": "T", "decisions": 0})),
            "Nothing was decided about robin since T, so there is nothing to try the policy on."
        );
        assert_eq!(
            say(json!({"since": "T", "decisions": 2, "evaluated": 2, "changed": 0, "unchanged": 2})),
            "Of the 2 decisions about robin since T, none would be another and 2 the same."
        );
        let changes = [change("allow", "block"), change("allow", "block"), change("block", "allow")];
        assert_eq!(
            say(json!({
                "since": "T", "decisions": 20_000, "evaluated": 10_000, "changed": 3, "unchanged": 9_996,
                "notReplayable": 1, "changes": changes,
            })),
            "Of the newest 10000 of 20000 decisions about robin since T, 3 would be others (2 allow → block, \
             1 block → allow) and 9996 the same; 1 cannot be tried, since the parameters were too long to be kept."
        );
    }
}
