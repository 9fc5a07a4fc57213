//! `roost approvals`

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Approvals, ClientArgs, Decide};
use crate::client::{Client, ClientError};
use crate::output;

/// Returns how to reach the server.
pub(super) fn client_args(args: &Approvals) -> &ClientArgs {
    match args {
        Approvals::List { client, .. } => client,
        Approvals::Approve(decide) | Approvals::Deny(decide) => &decide.client,
    }
}

pub(super) async fn run(args: Approvals, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Approvals::List { all, client: args } => list(client, all, args.output.json).await?,
        Approvals::Approve(args) => one(client, args, true).await?,
        Approvals::Deny(args) => one(client, args, false).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, all: bool, json: bool) -> anyhow::Result<()> {
    let query: &[_] = if all { &[] } else { &[("status", "pending")] };
    let approvals = client.list(&["approvals"], query).await?;
    if json {
        return Ok(output::json(&approvals.into())?);
    }
    if approvals.is_empty() {
        output::note(if all { "Nothing was ever asked." } else { "Nothing waits for a decision." });
        return Ok(());
    }
    let row = |approval: &Value| {
        ["id", "status", "summary", "reason", "expiresAt"].map(|field| output::text(approval, field))
    };
    let rows: Vec<_> = approvals.iter().map(row).collect();
    Ok(output::table(["ID", "STATUS", "WHAT", "WHY YOU ARE ASKED", "UNTIL"], &rows)?)
}

async fn one(client: &Client, args: Decide, approve: bool) -> anyhow::Result<()> {
    let approval = decide(client, &args.id, approve, args.note.as_deref()).await?;
    if args.client.output.json {
        return Ok(output::json(&approval)?);
    }
    let summary = output::text(&approval, "summary");
    Ok(output::line(format!(
        "{}: {summary}. The agent goes on.",
        if approve { "Approved" } else { "Denied" }
    ))?)
}

/// Decides an approval and returns it.
///
/// # Errors
///
/// [`ClientError`], also if it is decided already or too late.
pub(super) async fn decide(
    client: &Client,
    id: &str,
    approve: bool,
    note: Option<&str>,
) -> Result<Value, ClientError> {
    let verb = if approve { "approve" } else { "deny" };
    let body = match note {
        Some(note) => json!({ "note": note }),
        None => json!({}),
    };
    let mut answer = client.send(Method::POST, &["approvals", id, verb], Some(&body)).await?;
    Ok(answer["data"].take())
}
