use axum::Json as Answer;
use axum::extract::State;
use roost_core::{AgentCursor, AgentFilter, Ctx, ListAgents};
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, write_cursor};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::AgentSummary;
use crate::app::App;
use crate::envelope::{Listed, Pagination};
use crate::{paging, vocabulary};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListAgentsQuery {
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
    /// Only agents of this status.
    status: Option<String>,
    /// Only agents whose name contains this, whatever the case.
    name: Option<String>,
    /// Only agents with this tag.
    tag: Option<String>,
    /// Only agents of this swarm.
    swarm_id: Option<String>,
}

/// List agents
///
/// Newest first, deleted ones excluded.
#[utoipa::path(
    get, path = "/v1/agents", tag = "agents",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(ListAgentsQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<AgentSummary>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<ListAgentsQuery>,
) -> Result<Answer<Listed<AgentSummary>>, Failure> {
    let list = query.into_params(&ctx)?;
    let limit = list.limit;
    let page = app.core.agents().list(&ctx, list).await?;
    let next = page.next.map(|next| write_cursor("agents", &[&next.created_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(|agent| AgentSummary::new(&ctx, agent)).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

impl ListAgentsQuery {
    fn into_params(self, ctx: &Ctx) -> Result<ListAgents, Failure> {
        let states = self.status.map(|status| vocabulary::states(ctx, &status)).transpose()?;
        let after = paging::after("agents", self.cursor.as_deref())?;
        Ok(ListAgents {
            filter: AgentFilter {
                states: states.unwrap_or_default(),
                name_contains: self.name,
                tag: self.tag,
                swarm: super::swarm(self.swarm_id)?,
            },
            after: after.map(|(created_at, id)| AgentCursor { created_at, id }),
            limit: Limit::clamped(self.limit.unwrap_or(50), 200),
        })
    }
}
