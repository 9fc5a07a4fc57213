//! `roost up`: everything on one machine, made where it is not there yet.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context as _;
use roost_core::{AgentView, CreateAgent, CreateKey, Ctx, ListAgents, Principal, UpdateAgent};
use roost_domain::agent::{Agent, Region, RuntimeKind};
use roost_domain::id::AgentId;
use roost_domain::key::Style;
use roost_domain::machine::Size;
use roost_domain::model::ModelName;
use roost_domain::page::Limit;
use roost_ports::store::AgentFilter;

use super::serve;
use crate::client::Credential;
use crate::config::Config;
use crate::house::House;
use crate::server::{self, Server, Signals};
use crate::{logging, output, progress};

/// What the first agent is called.
const FIRST_AGENT: &str = "robin";
/// The model that needs no key.
const OFFLINE: &str = "scripted/demo";

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    logging::start(&config.file.log, "warn")?;
    let signals = Signals::catch()?;
    let (server, home) = progress::during("preparing the server", async {
        let server = Server::open(config).await?;
        let url = server::url(server.address()?);
        match settle(config, &server.house, &url).await {
            Ok(home) => Ok((server, home)),
            Err(error) => {
                server.house.close().await?;
                Err(error)
            }
        }
    })
    .await?;
    serve::announce(config, &server)?;
    output::line(home.welcome(config))?;
    server.run(signals).await?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the model that needs no key and no network.
///
/// # Errors
///
/// Never, as long as its name is one.
pub(super) fn offline_model() -> anyhow::Result<ModelName> {
    OFFLINE.parse().context("the built-in model's name is no name")
}

/// What there is now.
struct Home {
    credential: Credential,
    agent: Agent,
    /// The key was made just now, and is shown this once.
    key_is_new: bool,
    /// The agent thinks with another model than before.
    model_is_new: bool,
}

/// Finds or makes the first key and the first agent.
async fn settle(config: &Config, house: &House, url: &str) -> anyhow::Result<Home> {
    let owner = house.owner().await?;
    let noted = Credential::load(&config.data)?;
    let meant = noted.as_ref().and_then(|noted| noted.agent.as_deref());
    let (agent, model_is_new) = match find(house, &owner, meant).await? {
        Some(agent) => rethink(config, house, &owner, agent).await?,
        None => (create(config, house, &owner).await?, false),
    };
    let (key, key_is_new) = match noted {
        Some(noted) if works(house, &owner, &noted).await => (noted.key, false),
        Some(_) | None => {
            let new = CreateKey { name: "roost up".into(), style: Style::Native, scopes: Vec::new() };
            (house.core.keys().create(&owner, new).await.context("the first key was not made")?.text, true)
        }
    };
    let credential = Credential { url: url.to_owned(), key, agent: Some(agent.id.to_string()) };
    credential.save(&config.data)?;
    Ok(Home { credential, agent, key_is_new, model_is_new })
}

/// Tells whether a noted key is one of this server's.
async fn works(house: &House, owner: &Ctx, noted: &Credential) -> bool {
    match house.core.keys().authenticate(&noted.key).await {
        Ok(Principal::Key(key)) => key.account == owner.account(),
        Ok(Principal::Owner(_)) | Err(_) => false,
    }
}

/// Returns the agent that was meant last time, else the oldest there is.
async fn find(house: &House, owner: &Ctx, meant: Option<&str>) -> anyhow::Result<Option<Agent>> {
    let meant: Option<AgentId> = meant.and_then(|id| id.parse().ok()); // silent-ok: then any agent will do
    if let Some(id) = meant
        && let Ok(AgentView { agent, .. }) = house.core.agents().get(owner, id).await
    {
        return Ok(Some(agent));
    }
    let list = ListAgents { filter: AgentFilter::default(), after: None, limit: Limit::clamped(1, 1) };
    Ok(house.core.agents().list(owner, list).await?.rows.into_iter().next())
}

/// Gives the agent the model that the command line names, or a real one where it had none so far and there is a key
/// now.
async fn rethink(config: &Config, house: &House, owner: &Ctx, agent: Agent) -> anyhow::Result<(Agent, bool)> {
    let wanted = config.flagged_model().or_else(|| {
        (agent.model.as_str() == OFFLINE).then(|| config.default_model(&*house.models)).flatten()
    });
    let Some(model) = wanted.filter(|model| *model != agent.model) else { return Ok((agent, false)) };
    let change = UpdateAgent { model: Some(model.clone()), ..UpdateAgent::default() };
    let changed = house.core.agents().update(owner, agent.id, change).await;
    let AgentView { agent, .. } = changed.with_context(|| cannot_think(&model))?;
    Ok((agent, true))
}

async fn create(config: &Config, house: &House, owner: &Ctx) -> anyhow::Result<Agent> {
    let model = config.default_model(&*house.models).map_or_else(offline_model, Ok)?;
    let new = CreateAgent {
        name: FIRST_AGENT.to_owned(),
        description: "The first agent, made by roost up.".to_owned(),
        model: Some(model.clone()),
        runtime: RuntimeKind::Roost,
        size: Size::Medium,
        region: Region::Eu,
        swarm: None,
        avatar_url: None,
        tags: Vec::new(),
        config: serde_json::Map::new(),
        soul: None,
        identity: None,
        workflow: None,
        secrets: BTreeMap::new(),
    };
    let made = house.core.agents().create(owner, new).await;
    Ok(made.with_context(|| cannot_think(&model))?.agent)
}

fn cannot_think(model: &ModelName) -> String {
    format!(
        "the agent cannot think with {model}; name another model with --model, or set the key of its provider \
         (ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY, OPENROUTER_API_KEY)"
    )
}

impl Home {
    fn welcome(&self, config: &Config) -> String {
        let (url, agent) = (&self.credential.url, &self.agent);
        let mut text = format!(
            "\nRoost is up at {url}\n\n  API docs   {url}/docs\n  Data       {}\n  Agent      {} ({})\n  Model      \
             {}\n",
            config.data.display(),
            output::one_line(&agent.name),
            agent.id,
            agent.model,
        );
        text += &match self.key_is_new {
            true => format!(
                "  Key        {}\n             shown this once, and kept in {}\n",
                self.credential.key.expose(),
                Credential::path(&config.data).display()
            ),
            false => format!("  Key        as before, in {}\n", Credential::path(&config.data).display()),
        };
        text += "\nTalk with the agent, in another terminal:\n\n  ";
        text += &chat_command(config);
        text += "\n\nor from any program:\n\n";
        text += &self.curl(config);
        if self.model_is_new {
            text += &format!("\n\nThe agent thinks with {} from now on.", agent.model);
        }
        if agent.model.as_str() == OFFLINE {
            text += "\n\nThis agent follows a script, so that you can try everything without a model key (say: run \
                     `uname -a`).\nFor one that thinks, stop the server with Ctrl-C and start it with a key:\n\n  \
                     ANTHROPIC_API_KEY=… roost up     (or OPENAI_API_KEY, GEMINI_API_KEY, OPENROUTER_API_KEY; a local \
                     model: roost up --model ollama/NAME)";
        }
        text + "\n\nCtrl-C stops the server; everything is kept, and `roost up` goes on with it.\n"
    }

    /// Writes a request that works as it stands.
    fn curl(&self, config: &Config) -> String {
        let key = match self.key_is_new {
            true => self.credential.key.expose().to_owned(),
            false => {
                let path = Credential::path(&config.data);
                format!("$(sed -n 's/^key = \"\\(.*\\)\"/\\1/p' '{}')", path.display())
            }
        };
        format!(
            "  curl -N {}/v1/agents/{}/chat/messages \\\n    -H \"Authorization: Bearer {key}\" -H \"Content-Type: \
             application/json\" \\\n    -d '{{\"message\":\"Hello! What can you do?\"}}'",
            self.credential.url, self.agent.id
        )
    }
}

/// Writes the command that finds this server.
fn chat_command(config: &Config) -> String {
    match config.data_is_usual() {
        true => "roost chat".to_owned(),
        false => format!("roost chat --data '{}'", config.data.display()),
    }
}
