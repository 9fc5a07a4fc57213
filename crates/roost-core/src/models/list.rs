use roost_domain::agent::Agent;
use roost_domain::key::Scope;
use roost_domain::model::ModelName;
use roost_domain::page::Limit;
use roost_ports::store::AgentFilter;

use super::ModelCalls;
use crate::conversations::{Target, find};
use crate::{Ctx, Error, Kind};

/// What can be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedModels {
    /// The account's agents, newest first, at most 1,000.
    pub agents: Vec<Agent>,
    /// Models that can be asked directly, by name, at most 200.
    pub models: Vec<ModelName>,
    /// The model that texts are embedded with.
    pub embedder: Option<ModelName>,
}

/// One thing that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum ListedModel {
    /// An agent.
    Agent(Box<Agent>),
    /// A model.
    Model(ModelName),
}

impl ModelCalls<'_> {
    /// Returns what can be asked: the account's agents, models that the server has access to, and the model that it
    /// embeds with.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(&self, ctx: &Ctx) -> Result<ListedModels, Error> {
        const PAGES: usize = 5;
        ctx.require(Scope::Chat)?;
        let account = ctx.account();
        let read = move |reader: &dyn roost_ports::store::Reader| {
            let (mut agents, mut after) = (Vec::new(), None);
            for _ in 0..PAGES {
                let page =
                    reader.agents(account, &AgentFilter::default(), after, Limit::clamped(200, 200))?;
                agents.extend(page.rows);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            Ok::<_, Error>(agents)
        };
        let agents = self.0.ports.store.read(read).await?;
        let (models, embedder) = (self.0.ports.models.listed(), self.0.embedder_name());
        Ok(ListedModels { agents, models, embedder })
    }

    /// Returns what a name means, if it can be asked.
    ///
    /// # Errors
    ///
    /// `NotFound` with the code `model_not_found`; `InvalidInput` if the name means several agents.
    pub async fn find(&self, ctx: &Ctx, name: String) -> Result<ListedModel, Error> {
        ctx.require(Scope::Chat)?;
        if let Some(embedder) = self.0.embedder_named(&name) {
            return Ok(ListedModel::Model(embedder));
        }
        let account = ctx.account();
        match Target::read(self.0, &name)? {
            Target::Agent(named) => {
                let agent = self.0.ports.store.read(move |reader| find(reader, account, &named)).await?;
                Ok(ListedModel::Agent(Box::new(agent)))
            }
            Target::Model(model) => match self.0.ports.models.describe(&model) {
                Ok(_) => Ok(ListedModel::Model(model)),
                Err(error) => Err(Error::new(Kind::NotFound, "model_not_found", error.to_string())),
            },
        }
    }
}
