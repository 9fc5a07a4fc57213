use axum::Json as Answer;
use axum::extract::State;
use roost_core::DecideApproval;
use roost_domain::id::ApprovalId;
use roost_http::{Caller, Failure, OptionalJson, Segment};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::Approval;
use crate::app::App;
use crate::envelope::{Data, ErrorBody};

/// Who decides, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideApprovalBody {
    /// Who decides, at most 100 characters; without one, the key's name.
    approver: Option<String>,
    /// What they say about it, at most 2,000 characters; the agent is told.
    note: Option<String>,
    /// The same as `note`.
    reason: Option<String>,
}

/// Approve
///
/// Lets exactly this effect happen, once, and lets the turn that waits for it go on.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/approve", tag = "approvals",
    security(("ApiKey" = ["approvals"]), ("Bearer" = ["approvals"])),
    params(("id" = String, Path, description = "The approval.")),
    request_body = Option<DecideApprovalBody>,
    responses(
        (status = 200, description = "The approval, decided.", body = Data<Approval>),
        (status = 409, description = "It is decided already, or too late.", body = ErrorBody),
    ),
)]
pub(crate) async fn approve(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
    OptionalJson(body): OptionalJson<DecideApprovalBody>,
) -> Result<Answer<Data<Approval>>, Failure> {
    let approval = app.core.approvals().decide(&ctx, body.into_params(id, true)?).await?;
    Ok(Answer(Data { data: Approval::new(approval) }))
}

/// Deny
///
/// The agent is told, with the note, and the turn goes on without the effect.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/deny", tag = "approvals",
    security(("ApiKey" = ["approvals"]), ("Bearer" = ["approvals"])),
    params(("id" = String, Path, description = "The approval.")),
    request_body = Option<DecideApprovalBody>,
    responses(
        (status = 200, description = "The approval, decided.", body = Data<Approval>),
        (status = 409, description = "It is decided already, or too late.", body = ErrorBody),
    ),
)]
pub(crate) async fn deny(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ApprovalId,)>,
    OptionalJson(body): OptionalJson<DecideApprovalBody>,
) -> Result<Answer<Data<Approval>>, Failure> {
    let approval = app.core.approvals().decide(&ctx, body.into_params(id, false)?).await?;
    Ok(Answer(Data { data: Approval::new(approval) }))
}

impl DecideApprovalBody {
    fn into_params(self, id: ApprovalId, approve: bool) -> Result<DecideApproval, Failure> {
        let note = match (self.note, self.reason) {
            (Some(_), Some(_)) => {
                return Err(Failure::invalid("reason", "and note are the same; give one of them"));
            }
            (note, reason) => note.or(reason),
        };
        Ok(DecideApproval { id, approve, by: self.approver, note })
    }
}
