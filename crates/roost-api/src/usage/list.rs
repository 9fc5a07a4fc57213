use axum::Json as Answer;
use axum::extract::State;
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use roost_core::{Ctx, ListUsage};
use roost_http::{Caller, Failure, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::Usage;
use crate::app::App;
use crate::envelope::Data;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// The first day, as 2026-01-31, in UTC; by default 29 days before the last.
    from: Option<String>,
    /// The last day, included; by default today. At most 366 days after the first.
    to: Option<String>,
    /// Only what this agent used.
    agent_id: Option<String>,
}

/// Tell what was used
///
/// Model calls, tokens and cost, by day, agent and model.
#[utoipa::path(
    get, path = "/v1/usage", tag = "usage",
    security(("ApiKey" = ["usage:read"]), ("Bearer" = ["usage:read"])),
    params(UsageQuery),
    responses((status = 200, description = "What was used.", body = Data<Usage>)),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<UsageQuery>,
) -> Result<Answer<Data<Usage>>, Failure> {
    let list = query.into_params(&ctx)?;
    let rows = app.core.usage().list(&ctx, list).await?;
    Ok(Answer(Data { data: Usage::new(list.from, list.to, &rows) }))
}

impl UsageQuery {
    fn into_params(self, ctx: &Ctx) -> Result<ListUsage, Failure> {
        let day = |field: &str, text: Option<String>| -> Result<Option<Date>, Failure> {
            let problem = "must be a day like 2026-01-31";
            text.map(|text| text.parse().map_err(|_| Failure::invalid(field, problem))).transpose()
        };
        let agent = |id: String| id.parse().map_err(|error| Failure::invalid("agentId", error));
        let today = ctx.now.to_zoned(TimeZone::UTC).date();
        let to = day("to", self.to)?.unwrap_or(today);
        let from = match day("from", self.from)? {
            Some(from) => from,
            None => to.saturating_sub(Span::new().days(29)),
        };
        Ok(ListUsage { agent: self.agent_id.map(agent).transpose()?, from, to })
    }
}
