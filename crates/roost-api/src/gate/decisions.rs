use axum::Json as Answer;
use axum::extract::State;
use jiff::Timestamp;
use roost_core::{DecisionFilter, ListDecisions};
use roost_domain::page::Limit;
use roost_domain::policy::Ruling;
use roost_http::{Caller, Failure, Query, since};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::GateDecision;
use crate::app::App;
use crate::envelope::{Listed, Pagination};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListDecisionsQuery {
    /// Only decisions about this agent.
    agent_id: Option<String>,
    /// Only `allow`, `require_approval` or `block`.
    decision: Option<String>,
    /// Only decisions since this time, or since a span before now such as `7d`, `24h` or `90m`.
    since: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// Which page of so many, from 1, the default.
    page: Option<u32>,
}

/// List decisions
///
/// Newest first. New decisions move the pages on; name `since` and read the pages at one go where that matters.
#[utoipa::path(
    get, path = "/v1/gate/decisions", tag = "gate",
    security(("ApiKey" = ["policy"]), ("Bearer" = ["policy"])),
    params(ListDecisionsQuery),
    responses((status = 200, description = "A page of the list.", body = Listed<GateDecision>)),
)]
pub(crate) async fn decisions(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<ListDecisionsQuery>,
) -> Result<Answer<Listed<GateDecision>>, Failure> {
    let list = query.into_params(ctx.now)?;
    let (skip, limit) = (list.skip, list.limit);
    let (rows, total) = app.core.gate().log(&ctx, list).await?;
    Ok(Answer(Listed {
        data: rows.into_iter().map(GateDecision::new).collect(),
        pagination: Pagination::after(total, limit, skip),
    }))
}

impl ListDecisionsQuery {
    fn into_params(self, now: Timestamp) -> Result<ListDecisions, Failure> {
        let ruling = |name: String| {
            let known = Ruling::ALL.into_iter().find(|ruling| ruling.name() == name);
            known.ok_or_else(|| Failure::invalid("decision", "must be allow, require_approval or block"))
        };
        let subject = |id: String| id.parse().map_err(|error| Failure::invalid("agentId", error));
        let page = self.page.unwrap_or(1);
        if !(1..=1_000_000).contains(&page) {
            return Err(Failure::invalid("page", "must be from 1 to 1000000"));
        }
        let limit = Limit::clamped(self.limit.unwrap_or(50), 200);
        Ok(ListDecisions {
            filter: DecisionFilter {
                subject: self.agent_id.map(subject).transpose()?,
                since: self.since.map(|text| since(Some(&text), now)).transpose()?,
                ruling: self.decision.map(ruling).transpose()?,
            },
            skip: u64::from(page - 1) * u64::from(limit.get()),
            limit,
        })
    }
}
