use axum::Json as Answer;
use axum::extract::State;
use roost_core::{EntryFilter, EscalateApproval, ListEntries};
use roost_domain::id::ApprovalId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, OptionalJson, Segment};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::{Approval, ApprovalEntry};
use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};

/// How many entries a list has. What can happen to one approval is bounded by its quorum.
const MOST: Limit = Limit::clamped(500, 500);

/// To whom an approval is passed on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EscalateApprovalBody {
    /// Who alone can approve it then, at most 100 characters; without, anybody else than who passes it on.
    to: Option<String>,
    /// Who passes it on, at most 100 characters; without one, it is the key's name.
    approver: Option<String>,
    /// For the record, at most 2,000 characters.
    note: Option<String>,
}

/// Pass on
///
/// Once, with the time that it had at first.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/escalate", tag = "approvals",
    security(("ApiKey" = ["approvals"]), ("Bearer" = ["approvals"])),
    params(("id" = String, Path, description = "The approval.")),
    request_body = Option<EscalateApprovalBody>,
    responses(
        (status = 200, description = "The approval, passed on.", body = Data<Approval>),
        (status = 409, description = "It is decided, too late, or was passed on before.", body = ErrorBody),
    ),
)]
pub(crate) async fn escalate(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
    OptionalJson(body): OptionalJson<EscalateApprovalBody>,
) -> Result<Answer<Data<Approval>>, Failure> {
    let escalate = EscalateApproval { id, to: body.to, by: body.approver, note: body.note };
    let approval = app.core.approvals().escalate(&ctx, escalate).await?;
    Ok(Answer(Data { data: Approval::new(approval) }))
}

/// List what happened to an approval
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/approvals/{id}/entries", tag = "approvals",
    security(("ApiKey" = ["approvals"]), ("Bearer" = ["approvals"])),
    params(("id" = String, Path, description = "The approval.")),
    responses((status = 200, description = "The record.", body = Listed<ApprovalEntry>)),
)]
pub(crate) async fn entries(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
) -> Result<Answer<Listed<ApprovalEntry>>, Failure> {
    let filter = EntryFilter { approval: Some(id), ..EntryFilter::default() };
    let list = ListEntries { filter, skip: 0, limit: MOST };
    let (entries, total) = app.core.approvals().entries(&ctx, list).await?;
    Ok(Answer(Listed {
        data: entries.into_iter().map(ApprovalEntry::new).collect(),
        pagination: Pagination::new(total, MOST, None),
    }))
}
