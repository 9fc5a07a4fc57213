use axum::Json as Answer;
use axum::extract::State;
use jiff::Timestamp;
use roost_core::{ChatMessage, History, Role};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::envelope::{Listed, Pagination};
use roost_http::iso;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Only messages of this session.
    session_id: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// Only messages after this time, ISO 8601.
    since: Option<String>,
}

/// A message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// `user` or `assistant`
    role: &'static str,
    content: String,
    timestamp: String,
    session_id: String,
}

/// Read messages
///
/// The last ones, oldest first; also of a stopped agent.
#[utoipa::path(
    get, path = "/v1/agents/{id}/chat/messages", tag = "chat",
    security(("ApiKey" = ["chat"]), ("Bearer" = ["chat"])),
    params(("id" = String, Path, description = "The agent."), HistoryQuery),
    responses((status = 200, description = "The messages.", body = Listed<Message>)),
)]
pub(crate) async fn history(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((agent,)): Segment<(AgentId,)>,
    Query(query): Query<HistoryQuery>,
) -> Result<Answer<Listed<Message>>, Failure> {
    let history = query.into_params(agent)?;
    let limit = history.limit;
    let (messages, total) = app.core.messages().history(&ctx, history).await?;
    Ok(Answer(Listed {
        data: messages.into_iter().map(Message::new).collect(),
        pagination: Pagination::new(total, limit, None),
    }))
}

impl HistoryQuery {
    fn into_params(self, agent: AgentId) -> Result<History, Failure> {
        let session =
            self.session_id.map(|id| id.parse().map_err(|error| Failure::invalid("sessionId", error)));
        let time = |text: String| {
            let problem = "must be a time like 2026-02-10T14:00:00Z";
            text.parse::<Timestamp>().map_err(|_| Failure::invalid("since", problem))
        };
        Ok(History {
            agent,
            session: session.transpose()?,
            since: self.since.map(time).transpose()?,
            limit: Limit::clamped(self.limit.unwrap_or(50), 200),
        })
    }
}

impl Message {
    fn new(message: ChatMessage) -> Self {
        Self {
            role: match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            },
            content: message.content,
            timestamp: iso(message.at),
            session_id: message.session.to_string(),
        }
    }
}
