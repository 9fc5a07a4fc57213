use axum::Json as Answer;
use axum::extract::State;
use roost_core::{DeliveryCursor, DeliveryFilter, ListDeliveries};
use roost_domain::id::{DeliveryId, EndpointId};
use roost_domain::page::Limit;
use roost_domain::webhook::Status;
use roost_http::{Caller, Failure, Query, Segment, write_cursor};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::WebhookDelivery;
use crate::app::App;
use crate::envelope::{Data, ErrorBody, Listed, Pagination};
use crate::paging;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListDeliveriesQuery {
    /// Only deliveries of this status: `pending`, `delivered` or `failed`.
    status: Option<String>,
    /// 1 to 200; 50 by default.
    limit: Option<u32>,
    /// The `nextCursor` of the part before.
    cursor: Option<String>,
}

/// List deliveries
///
/// Newest first. Those that are over are kept for 30 days.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}/deliveries", tag = "webhooks", operation_id = "list_deliveries",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    params(("id" = String, Path, description = "The endpoint."), ListDeliveriesQuery),
    responses((status = 200, description = "A part of the list.", body = Listed<WebhookDelivery>)),
)]
pub(crate) async fn deliveries(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(EndpointId,)>,
    Query(query): Query<ListDeliveriesQuery>,
) -> Result<Answer<Listed<WebhookDelivery>>, Failure> {
    let list = query.into_params(id)?;
    let limit = list.limit;
    let page = app.core.webhooks().deliveries(&ctx, list).await?;
    let next = page.next.map(|next| write_cursor("webhook-deliveries", &[&next.created_at, &next.id]));
    Ok(Answer(Listed {
        data: page.rows.into_iter().map(WebhookDelivery::new).collect(),
        pagination: Pagination::new(page.total, limit, next),
    }))
}

/// Redeliver
///
/// Sends a message again, at once and with all its tries, under the same id.
#[utoipa::path(
    post, path = "/v1/webhook-deliveries/{id}/redeliver", tag = "webhooks",
    security(("ApiKey" = ["admin"]), ("Bearer" = ["admin"])),
    params(("id" = String, Path, description = "The delivery.")),
    responses(
        (status = 200, description = "The delivery, pending again.", body = Data<WebhookDelivery>),
        (status = 409, description = "The endpoint is turned off.", body = ErrorBody),
    ),
)]
pub(crate) async fn redeliver(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(DeliveryId,)>,
) -> Result<Answer<Data<WebhookDelivery>>, Failure> {
    let delivery = app.core.webhooks().redeliver(&ctx, id).await?;
    Ok(Answer(Data { data: WebhookDelivery::new(delivery) }))
}

impl ListDeliveriesQuery {
    fn into_params(self, endpoint: EndpointId) -> Result<ListDeliveries, Failure> {
        let status = |name: String| {
            let known = Status::ALL.into_iter().find(|status| status.name() == name);
            known.ok_or_else(|| Failure::invalid("status", "must be pending, delivered or failed"))
        };
        let after = paging::after("webhook-deliveries", self.cursor.as_deref())?;
        Ok(ListDeliveries {
            filter: DeliveryFilter { endpoint, status: self.status.map(status).transpose()? },
            after: after.map(|(created_at, id)| DeliveryCursor { created_at, id }),
            limit: Limit::clamped(self.limit.unwrap_or(50), 200),
        })
    }
}
