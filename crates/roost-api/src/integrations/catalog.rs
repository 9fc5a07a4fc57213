use axum::Json as Answer;
use axum::extract::State;
use roost_core::ListIntegrations;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::{IntegrationDetails, IntegrationEntry};
use crate::app::App;
use crate::envelope::{Data, Listed, Pagination};

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListIntegrationsQuery {
    /// What is looked for in names, titles and categories.
    search: Option<String>,
    /// Only those of this category.
    category: Option<String>,
    /// Which page; 1 is the first.
    page: Option<u64>,
    /// 1 to 200 on a page; 50 by default.
    limit: Option<u32>,
}

/// List integrations
///
/// The catalog and the account's own, by name, or the best first where something is looked for.
#[utoipa::path(
    get, path = "/v1/integrations", tag = "integrations", operation_id = "list_integrations",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(ListIntegrationsQuery),
    responses((status = 200, description = "A page.", body = Listed<IntegrationEntry>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<ListIntegrationsQuery>,
) -> Result<Answer<Listed<IntegrationEntry>>, Failure> {
    let limit = Limit::clamped(query.limit.unwrap_or(50), 200);
    let skip = query.page.unwrap_or(1).saturating_sub(1).saturating_mul(u64::from(limit.get()));
    let list = ListIntegrations { search: query.search, category: query.category };
    let (found, total) = app.core.integrations().list(&ctx, list, skip, limit).await?;
    Ok(Answer(Listed {
        data: found.into_iter().map(IntegrationEntry::new).collect(),
        pagination: Pagination::after(total, limit, skip),
    }))
}

/// Get an integration
///
/// With the account's OAuth client there and what is known of its interface.
#[utoipa::path(
    get, path = "/v1/integrations/{integration}", tag = "integrations", operation_id = "get_integration",
    security(("ApiKey" = ["agents:read"]), ("Bearer" = ["agents:read"])),
    params(("integration" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The integration.", body = Data<IntegrationDetails>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((name,)): Segment<(String,)>,
) -> Result<Answer<Data<IntegrationDetails>>, Failure> {
    let view = app.core.integrations().get(&ctx, &name).await?;
    Ok(Answer(Data { data: IntegrationDetails::new(view) }))
}
