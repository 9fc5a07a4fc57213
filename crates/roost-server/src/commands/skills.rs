//! `roost skills`

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cli::{ClientArgs, InstallSkill, SearchSkills, SkillOf, SkillSource, Skills, UploadSkill};
use crate::client::Client;
use crate::output;

/// Returns how to reach the server.
pub(super) const fn client_args(args: &Skills) -> &ClientArgs {
    match args {
        Skills::Search(search) => &search.client,
        Skills::Show { client, .. } | Skills::List { client, .. } | Skills::Delete { client, .. } => client,
        Skills::Install(install) => &install.of.client,
        Skills::Update(of) | Skills::Enable(of) | Skills::Disable(of) | Skills::Remove(of) => &of.client,
        Skills::Upload(upload) => &upload.client,
    }
}

pub(super) async fn run(args: Skills, client: &Client) -> anyhow::Result<ExitCode> {
    match args {
        Skills::Search(args) => search(client, args).await?,
        Skills::Show { skill, from, client: args } => show(client, &skill, from, args.output.json).await?,
        Skills::Install(args) => install(client, args).await?,
        Skills::List { agent, client: args } => list(client, agent.as_deref(), args.output.json).await?,
        Skills::Update(of) => change(client, of, json!({"version": "latest"})).await?,
        Skills::Enable(of) => change(client, of, json!({"isEnabled": true})).await?,
        Skills::Disable(of) => change(client, of, json!({"isEnabled": false})).await?,
        Skills::Remove(of) => remove(client, of).await?,
        Skills::Upload(args) => upload(client, args).await?,
        Skills::Delete { skill, client: args } => {
            let answer = client.send(Method::DELETE, &["skills", &skill], None).await?;
            if args.output.json {
                output::json(&answer["data"])?;
            } else {
                output::line(format!("{skill} is deleted. Agents that have it keep it."))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn search(client: &Client, args: SearchSkills) -> anyhow::Result<()> {
    let words = args.words.join(" ");
    let mut query = vec![("pageSize", "100")];
    query.extend((!words.is_empty()).then_some(("search", words.as_str())));
    query.extend(args.category.as_deref().map(|category| ("category", category)));
    query.extend(args.from.map(|from| ("trustLevel", from.name())));
    let answer = client.get(&["skills"], &query).await?;
    if args.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    let skills = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if skills.is_empty() {
        output::note("There is no such skill.");
        return Ok(());
    }
    let row = |skill: &Value| {
        ["id", "latestVersion", "trustLevel", "category", "securityScore", "description"].map(|field| {
            let text = output::text(skill, field);
            if field == "description" { shortened(&text) } else { text }
        })
    };
    let rows: Vec<_> = skills.iter().map(row).collect();
    Ok(output::table(["SKILL", "VERSION", "FROM", "CATEGORY", "SCORE", "WHAT FOR"], &rows)?)
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = output::one_line(text);
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

async fn show(client: &Client, skill: &str, from: Option<SkillSource>, json: bool) -> anyhow::Result<()> {
    let query: Vec<_> = from.map(|from| ("trustLevel", from.name())).into_iter().collect();
    let skill = &client.get(&["skills", skill], &query).await?["data"];
    if json {
        return Ok(output::json(skill)?);
    }
    let field = |name| output::one_line(&output::text(skill, name));
    output::line(format!("{} {} ({})", field("name"), field("latestVersion"), field("trustLevel")))?;
    output::line(field("description"))?;
    for (title, name) in [
        ("Author", "author"),
        ("Category", "category"),
        ("Needs", "compatibility"),
        ("Licence", "license"),
        ("Score", "securityScore"),
        ("Installed", "installCount"),
        ("Warning", "warning"),
    ] {
        if !skill[name].is_null() {
            output::line(format!("{title}: {}", field(name)))?;
        }
    }
    let list = |name: &str| skill[name].as_array().cloned().unwrap_or_default();
    for file in list("files") {
        output::line(format!(
            "  {} ({} bytes)",
            output::text(&file, "path"),
            output::text(&file, "sizeBytes")
        ))?;
    }
    for found in list("findings") {
        let part = |name| output::one_line(&output::text(&found, name));
        output::line(format!(
            "{} {} {}:{} {}",
            part("severity"),
            part("rule"),
            part("file"),
            part("line"),
            part("description")
        ))?;
    }
    Ok(())
}

async fn install(client: &Client, args: InstallSkill) -> anyhow::Result<()> {
    let agent = client.agent(args.of.agent.as_deref()).await?;
    let body = json!({"skillId": args.of.skill, "trustLevel": args.from.name()});
    let answer = client.send(Method::POST, &["agents", &agent.id, "skills"], Some(&body)).await?;
    told(&answer["data"], &agent.name, args.of.client.output.json)
}

/// Says how a skill stands.
fn told(skill: &Value, agent: &str, json: bool) -> anyhow::Result<()> {
    if json {
        return Ok(output::json(skill)?);
    }
    let field = |name| output::one_line(&output::text(skill, name));
    let what = format!("{} {}", field("skillId"), field("installedVersion"));
    let agent = output::one_line(agent);
    Ok(output::line(match skill["status"].as_str() {
        Some("pending_approval") => format!(
            "{what} waits for an approval: its security score is {} of 100. See `roost approvals list`, then `roost \
             approvals approve {}`.",
            field("securityScore"),
            field("approvalId")
        ),
        Some("disabled") => format!("{what} is turned off for {agent}."),
        Some("refused") => format!("{what} is on {agent}, but was not approved. Remove it to ask again."),
        _ => format!("{agent} has {what}."),
    })?)
}

async fn list(client: &Client, agent: Option<&str>, json: bool) -> anyhow::Result<()> {
    let agent = client.agent(agent).await?;
    let answer = client.get(&["agents", &agent.id, "skills"], &[]).await?;
    if json {
        return Ok(output::json(&answer["data"])?);
    }
    let skills = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if skills.is_empty() {
        output::note(format!("{} has no skills.", output::one_line(&agent.name)));
        return Ok(());
    }
    let row = |skill: &Value| {
        ["skillId", "installedVersion", "trustLevel", "status", "securityScore"]
            .map(|field| output::text(skill, field))
    };
    let rows: Vec<_> = skills.iter().map(row).collect();
    Ok(output::table(["SKILL", "VERSION", "FROM", "STATUS", "SCORE"], &rows)?)
}

async fn change(client: &Client, of: SkillOf, body: Value) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let path = ["agents", &agent.id, "skills", &of.skill];
    let answer = client.send(Method::PATCH, &path, Some(&body)).await?;
    told(&answer["data"], &agent.name, of.client.output.json)
}

async fn remove(client: &Client, of: SkillOf) -> anyhow::Result<()> {
    let agent = client.agent(of.agent.as_deref()).await?;
    let answer = client.send(Method::DELETE, &["agents", &agent.id, "skills", &of.skill], None).await?;
    if of.client.output.json {
        return Ok(output::json(&answer["data"])?);
    }
    Ok(output::line(format!("{} has {} no longer.", output::one_line(&agent.name), of.skill))?)
}

async fn upload(client: &Client, args: UploadSkill) -> anyhow::Result<()> {
    let shown = args.path.display();
    let answer = if args.path.is_dir() {
        let mut files = Map::new();
        collect(&args.path, &args.path, &mut files)?;
        client.send(Method::POST, &["skills"], Some(&json!({"files": files}))).await?
    } else {
        let zip = fs::read(&args.path).with_context(|| format!("{shown} cannot be read"))?;
        client.send_zip(&["skills"], zip).await?
    };
    let skill = &answer["data"];
    if args.client.output.json {
        return Ok(output::json(skill)?);
    }
    let field = |name| output::one_line(&output::text(skill, name));
    Ok(output::line(format!(
        "{} {} is yours. A scan came to {} of 100. Put it on an agent: roost skills install {} --from custom",
        field("id"),
        field("latestVersion"),
        field("securityScore"),
        field("id")
    ))?)
}

/// Reads the files of a folder. Links are refused: what they lead to would be sent away.
fn collect(root: &Path, folder: &Path, files: &mut Map<String, Value>) -> anyhow::Result<()> {
    const MOST: usize = 1_000;
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let inner = path.strip_prefix(root).unwrap_or(&path);
        let inner = inner.to_str().with_context(|| format!("the name of {} is no UTF-8", path.display()))?;
        let metadata = fs::symlink_metadata(&path)?;
        if inner == ".git" {
            continue;
        } else if metadata.is_dir() {
            collect(root, &path, files)?;
        } else if metadata.is_file() {
            let content = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            files.insert(inner.to_owned(), json!({"base64": STANDARD.encode(content)}));
        } else {
            bail!("{} is a link or a device; a skill has files and folders only", path.display());
        }
        if files.len() > MOST {
            bail!("{} has more than {MOST} files; name the folder of one skill", root.display());
        }
    }
    Ok(())
}
