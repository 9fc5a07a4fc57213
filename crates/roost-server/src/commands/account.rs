//! `roost account`: works on the data directory itself, beside a server or without one; only `show` asks a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use roost_core::{AccountView, Ctx};
use roost_domain::id::AccountId;
use roost_store::DataDir;
use serde_json::{Value, json};

use crate::cli::Accounts;
use crate::client::Client;
use crate::config::{Config, Flags};
use crate::house::{House, Machinery};
use crate::output;

/// Returns the configuration's flags.
pub(super) fn flags(args: &Accounts, config: Option<PathBuf>) -> Flags {
    let (Accounts::List { at, .. } | Accounts::SetPlan { at, .. }) = args;
    Flags { config, data: at.data.clone(), ..Flags::default() }
}

pub(super) async fn run(args: Accounts, config: &Config) -> anyhow::Result<ExitCode> {
    if !DataDir::database_in(&config.data).exists() {
        anyhow::bail!(
            "there is no Roost data in {}; name the server's data directory with --data, or begin with `roost up`",
            config.data.display()
        );
    }
    let house = House::open(config, Machinery::None, None, None).await?;
    let owner = house.owner().await?;
    let done = match args {
        Accounts::List { output, .. } => list(&house, &owner, output.json).await,
        Accounts::SetPlan { plan, account, output, .. } => {
            set_plan(&house, &owner, &plan, account.as_deref(), output.json).await
        }
    };
    house.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

/// Shows the account of a key, as a server tells it.
pub(super) async fn show(json: bool, client: &Client) -> anyhow::Result<ExitCode> {
    let answer = client.get(&["account"], &[]).await?;
    let account = &answer["data"];
    if json {
        output::json(account)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (plan, limits, used) = (&account["plan"], &account["plan"]["limits"], &account["usage"]);
    let limit = |field: &str| match limits[field].as_u64() {
        Some(most) => most.to_string(),
        None => "no limit".to_owned(),
    };
    output::line(format!("account: {} ({})", output::text(account, "name"), output::text(account, "id")))?;
    output::line(format!("plan: {}", output::text(plan, "id")))?;
    let running = output::text(used, "runningAgents");
    output::line(format!(
        "agents: {}, {running} of them running (limit: {})",
        output::text(used, "agents"),
        limit("maxAgents")
    ))?;
    output::line(format!("skills of each agent (limit): {}", limit("maxSkillsPerAgent")))?;
    let direct = match limits["directModelUsd"].as_f64() {
        Some(most) => format!("${most} a month"),
        None => "no limit".to_owned(),
    };
    output::line(format!("models asked directly (limit): {direct}"))?;
    let features = plan["features"].as_object().into_iter().flatten();
    let missing: Vec<_> = features.filter(|(_, has)| **has == false).map(|(name, _)| name.as_str()).collect();
    if !missing.is_empty() {
        output::line(format!("not in the plan: {}", missing.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(house: &House, owner: &Ctx, json: bool) -> anyhow::Result<()> {
    let accounts = house.core.accounts().list(owner).await?;
    if json {
        return Ok(output::json(&accounts.iter().map(described).collect())?);
    }
    let rows: Vec<_> = accounts
        .iter()
        .map(|view| {
            [
                view.account.id.to_string(),
                output::one_line(&view.account.name),
                match view.account.plan {
                    Some(_) => view.plan.id.clone(),
                    None => format!("{} (default)", view.plan.id),
                },
                match view.plan.limits.max_agents {
                    Some(max) => format!("{} of {max}", view.agents),
                    None => view.agents.to_string(),
                },
                view.running_agents.to_string(),
            ]
        })
        .collect();
    Ok(output::table(["ID", "NAME", "PLAN", "AGENTS", "RUNNING"], &rows)?)
}

async fn set_plan(
    house: &House,
    owner: &Ctx,
    plan: &str,
    account: Option<&str>,
    json: bool,
) -> anyhow::Result<()> {
    let account = match account {
        Some(id) => id.parse().context("`roost account list` shows the ids")?,
        None => only_account(house, owner).await?,
    };
    let plan = (plan != "default").then(|| plan.to_owned());
    let view =
        house.core.accounts().set_plan(owner, account, plan).await.context("the plan was not changed")?;
    if json {
        return Ok(output::json(&described(&view))?);
    }
    Ok(output::line(format!("{} is on the plan {}.", output::one_line(&view.account.name), view.plan.id))?)
}

async fn only_account(house: &House, owner: &Ctx) -> anyhow::Result<AccountId> {
    let accounts = house.core.accounts().list(owner).await?;
    match accounts.as_slice() {
        [one] => Ok(one.account.id),
        _ => anyhow::bail!("there are {} accounts; name one with --account", accounts.len()),
    }
}

fn described(view: &AccountView) -> Value {
    json!({
        "id": view.account.id.to_string(),
        "name": view.account.name,
        "plan": view.plan.id,
        "chosen": view.account.plan.is_some(),
        "maxAgents": view.plan.limits.max_agents,
        "maxSkillsPerAgent": view.plan.limits.max_skills_per_agent,
        "directModelUsd": view.plan.limits.direct_models.map(|most| most.0 as f64 / 1_000_000.0),
        "agents": view.agents,
        "runningAgents": view.running_agents,
    })
}
