//! `roost permissions`

use std::process::ExitCode;

use reqwest::Method;

use super::document;
use crate::cli::{ClientArgs, Permissions, PutPermissions};
use crate::client::{Agent, Client};
use crate::output;

/// Returns how to reach the server.
pub(super) const fn client_args(args: &Permissions) -> &ClientArgs {
    match args {
        Permissions::Show(of) => &of.client,
        Permissions::Put(args) => &args.of.client,
    }
}

pub(super) async fn run(args: Permissions, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Permissions::Show(of) => {
            let agent = client.subject(of.agent.as_deref()).await?;
            show(client, &agent, of.client.output.json).await?;
        }
        Permissions::Put(args) => put(client, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(client: &Client, agent: &Agent, json: bool) -> anyhow::Result<()> {
    let permissions = &client.get(&["permissions", &agent.id], &[]).await?["data"];
    if json {
        return Ok(output::json(permissions)?);
    }
    let field = |name| output::text(permissions, name);
    output::line(format!(
        "# Permissions {} of {}, put by {} at {}",
        field("version"),
        output::one_line(&agent.name),
        field("updatedBy"),
        field("updatedAt")
    ))?;
    Ok(output::line(document::write(&agent.id, &permissions["permissions"])?)?)
}

async fn put(client: &Client, args: PutPermissions) -> anyhow::Result<()> {
    let document = document::read(client, &args.of).await?;
    let path = ["permissions", &document.of.id];
    let answer = client.send(Method::PUT, &path, Some(&document.content)).await?;
    let permissions = &answer["data"];
    if args.of.client.output.json {
        return Ok(output::json(permissions)?);
    }
    let (name, version) = (output::one_line(&document.of.name), output::text(permissions, "version"));
    Ok(output::line(format!("{name} goes by version {version} of its permissions from now on."))?)
}
