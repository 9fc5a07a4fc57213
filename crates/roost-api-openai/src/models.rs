//! **Source:** <https://developers.openai.com/api/reference/resources/models>

use axum::Json as Answer;
use axum::extract::State;
use roost_core::{Core, ListedModel};
use roost_domain::agent::Agent;
use roost_domain::model::ModelName;
use roost_http::{Caller, Failure, Segment};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct ModelList {
    object: &'static str,
    data: Vec<Model>,
}

/// A model. `name` and `description` are not in OpenAI's documents; only agents have them.
#[derive(Serialize)]
pub(crate) struct Model {
    id: String,
    object: &'static str,
    created: i64,
    owned_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

pub(crate) async fn list(
    State(core): State<Core>,
    Caller(ctx): Caller,
) -> Result<Answer<ModelList>, Failure> {
    let listed = core.models().list(&ctx).await?;
    let agents = listed.agents.into_iter().map(Model::of_agent);
    let data = agents.chain(listed.models.iter().chain(&listed.embedder).map(Model::of_provider)).collect();
    Ok(Answer(ModelList { object: "list", data }))
}

pub(crate) async fn show(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(String,)>,
) -> Result<Answer<Model>, Failure> {
    Ok(Answer(match core.models().find(&ctx, id).await? {
        ListedModel::Agent(agent) => Model::of_agent(*agent),
        ListedModel::Model(name) => Model::of_provider(&name),
    }))
}

impl Model {
    fn of_agent(agent: Agent) -> Self {
        Self {
            id: format!("agent:{}", agent.id),
            object: "model",
            created: agent.created_at.as_second(),
            owned_by: "roost".to_owned(),
            name: Some(agent.name),
            description: Some(agent.description),
        }
    }

    /// When a provider made a model is not known here.
    fn of_provider(name: &ModelName) -> Self {
        Self {
            id: name.to_string(),
            object: "model",
            created: 0,
            owned_by: name.provider().to_owned(),
            name: None,
            description: None,
        }
    }
}
