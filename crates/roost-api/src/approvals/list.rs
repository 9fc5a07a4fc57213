use axum::Json as Answer;
use axum::extract::State;
use roost_core::{ApprovalCursor, ApprovalFilter, ListApprovals};
use roost_domain::approval::Status;
use roost_domain::id::ApprovalId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment, write_cursor};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::Approval;
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};
use crate::paging;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListApprovalsQuery {
    /// Only approvals of this status.
    status: Option<String>,
    /// Only approvals of this agent.
    agent_id: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
}

/// List approvals
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/approvals", tag = "approvals",
    security(("ApiKey" = ["approvals"]), ("Bearer" = ["approvals"])),
    params(ListApprovalsQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<Approval>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<ListApprovalsQuery>,
) -> Result<Answer<Listed<Approval>>, Failure> {
    let list = query.into_params()?;
    let limit = list.limit;
    let page = app.core.approvals().list(&ctx, list).await?;
    let next = page.next.map(|next| write_cursor("approvals", &[&next.requested_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(Approval::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// Get an approval
#[utoipa::path(
    get, path = "/v1/approvals/{id}", tag = "approvals",
    security(("ApiKey" = ["approvals"]), ("Bearer" = ["approvals"])),
    params(("id" = String, Path, description = "The approval.")),
    responses((status = 200, description = "The approval.", body = Data<Approval>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
) -> Result<Answer<Data<Approval>>, Failure> {
    let approval = app.core.approvals().get(&ctx, id).await?;
    Ok(Answer(Data { data: Approval::new(approval) }))
}

impl ListApprovalsQuery {
    fn into_params(self) -> Result<ListApprovals, Failure> {
        let status = |name: String| {
            let known = Status::ALL.into_iter().find(|status| status.name() == name);
            let problem = "must be pending, approved, denied, expired or withdrawn";
            known.ok_or_else(|| Failure::invalid("status", problem))
        };
        let subject = |id: String| id.parse().map_err(|error| Failure::invalid("agentId", error));
        let after = paging::after("approvals", self.cursor.as_deref())?;
        Ok(ListApprovals {
            filter: ApprovalFilter {
                status: self.status.map(status).transpose()?,
                subject: self.agent_id.map(subject).transpose()?,
            },
            after: after.map(|(requested_at, id)| ApprovalCursor { requested_at, id }),
            limit: Limit::clamped(self.limit.unwrap_or(50), 200),
        })
    }
}
