//! `roost keys`: works on the data directory itself, beside a server or without one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use roost_core::{CreateKey, Ctx};
use roost_domain::id::KeyId;
use roost_domain::key::{Key, Scope};
use roost_store::DataDir;
use serde_json::{Value, json};

use crate::cli::{CreateKey as CreateArgs, DataArgs, Keys};
use crate::config::{Config, Flags};
use crate::house::{House, Machinery};
use crate::output;

/// Returns the configuration's flags.
pub(super) fn flags(args: &Keys, config: Option<PathBuf>) -> Flags {
    let DataArgs { data } = match args {
        Keys::Create(create) => &create.at,
        Keys::List { at, .. } | Keys::Revoke { at, .. } => at,
    };
    Flags { config, data: data.clone(), ..Flags::default() }
}

pub(super) async fn run(args: Keys, config: &Config) -> anyhow::Result<ExitCode> {
    // A new key may be the first thing in a data directory; the other two make none.
    if matches!(args, Keys::Create(_)) {
        DataDir::create(&config.data)?;
    } else if !DataDir::database_in(&config.data).exists() {
        anyhow::bail!(
            "there is no Roost data in {}; name the server's data directory with --data, or begin with `roost up`",
            config.data.display()
        );
    }
    let house = House::open(config, Machinery::None, None, None).await?;
    let owner = house.owner().await?;
    let done = match args {
        Keys::Create(args) => create(&house, &owner, args).await,
        Keys::List { output, .. } => list(&house, &owner, output.json).await,
        Keys::Revoke { id, output, .. } => revoke(&house, &owner, &id, output.json).await,
    };
    house.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn create(house: &House, owner: &Ctx, args: CreateArgs) -> anyhow::Result<()> {
    let new = CreateKey { name: args.name, style: args.style, scopes: args.scopes };
    let made = house.core.keys().create(owner, new).await.context("the key was not made")?;
    if args.output.json {
        let mut shown = described(&made.key);
        shown["key"] = made.text.expose().into();
        return Ok(output::json(&shown)?);
    }
    output::line(made.text.expose())?;
    output::note(format!(
        "This is the only time the key is shown. Its id is {}; `roost keys revoke {}` makes it useless.",
        made.key.id, made.key.id
    ));
    Ok(())
}

async fn list(house: &House, owner: &Ctx, json: bool) -> anyhow::Result<()> {
    let keys = house.core.keys().list(owner).await?;
    if json {
        return Ok(output::json(&keys.iter().map(described).collect())?);
    }
    let rows: Vec<_> = keys
        .iter()
        .map(|key| {
            [
                key.id.to_string(),
                output::one_line(&key.name),
                format!("{}…{}", key.style.prefix(), key.hint),
                scopes(key),
                format!("{:.0}", key.created_at),
                key.revoked_at.map_or_else(|| "works".to_owned(), |at| format!("revoked {at:.0}")),
            ]
        })
        .collect();
    Ok(output::table(["ID", "NAME", "KEY", "SCOPES", "CREATED", "STATE"], &rows)?)
}

async fn revoke(house: &House, owner: &Ctx, id: &str, json: bool) -> anyhow::Result<()> {
    let id: KeyId = id.parse().context("`roost keys list` shows the ids")?;
    house.core.keys().revoke(owner, id).await.context("`roost keys list` shows the keys there are")?;
    if json {
        return Ok(output::json(&json!({ "id": id.to_string(), "revoked": true }))?);
    }
    Ok(output::line(format!("The key {id} no longer works."))?)
}

fn scopes(key: &Key) -> String {
    if key.scopes.len() == Scope::ALL.len() {
        return "all".to_owned();
    }
    key.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(",")
}

fn described(key: &Key) -> Value {
    json!({
        "id": key.id.to_string(),
        "name": key.name,
        "style": key.style.name(),
        "scopes": key.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "hint": key.hint,
        "createdAt": format!("{:.3}", key.created_at),
        "revokedAt": key.revoked_at.map(|at| format!("{at:.3}")),
    })
}
