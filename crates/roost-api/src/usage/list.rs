use axum::Json as Answer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use roost_core::{Ctx, Dimension, ListUsage, UsageKey, UsageView};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment, read_cursor, write_cursor};
use serde::Deserialize;
use utoipa::IntoParams;

use super::table;
use super::wire::Told;
use crate::app::App;

/// Names the list that a cursor is for.
const LIST: &str = "usage";

/// The most rows of one answer.
const MOST: u32 = 10_000;

const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// Only what this agent used, which may be deleted by now.
    agent_id: Option<String>,
    /// The first day, as 2026-01-31, in UTC; by default 29 days before the last.
    from: Option<String>,
    /// The last day, included; by default today. At most 366 days after the first.
    to: Option<String>,
    /// By what it is told apart: `day`, `agent`, `model`, `peer`, with commas between; `day,agent,model` by default.
    group_by: Option<String>,
    /// `json` (default) or `csv`; the header `Accept: text/csv` says the same.
    format: Option<String>,
    /// At most so many rows; 10,000 by default and at most.
    limit: Option<u32>,
    /// `nextCursor` of the part before, with the same filters.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AgentUsageQuery {
    /// The first day, as 2026-01-31, in UTC; by default 29 days before the last.
    from: Option<String>,
    /// The last day, included; by default today. At most 366 days after the first.
    to: Option<String>,
    /// By what it is told apart: `day`, `agent`, `model`, `peer`, with commas between; `day,agent,model` by default.
    group_by: Option<String>,
    /// `json` (default) or `csv`; the header `Accept: text/csv` says the same.
    format: Option<String>,
    /// At most so many rows; 10,000 by default and at most.
    limit: Option<u32>,
    /// `nextCursor` of the part before, with the same filters.
    cursor: Option<String>,
}

/// Tell what was used
///
/// Model calls, tokens, cost, turns, tool calls and machine time, by day, agent and model, or by what `groupBy` says.
/// As CSV it has a header row, and the header `X-Next-Cursor` while there is more. Machine time is written down once a
/// minute; asking writes it at once.
#[utoipa::path(
    get, path = "/v1/usage", tag = "usage",
    security(("ApiKey" = ["usage:read"]), ("Bearer" = ["usage:read"])),
    params(UsageQuery),
    responses((status = 200, description = "What was used.",
        content((Told = "application/json"), (String = "text/csv")))),
)]
pub(crate) async fn list(
    State(app): State<App>,
    Caller(ctx): Caller,
    Query(query): Query<UsageQuery>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let format = Format::read(query.format.as_deref(), &headers)?;
    let agent = |id: String| id.parse().map_err(|error| Failure::invalid("agentId", error));
    let agent = query.agent_id.clone().map(agent).transpose()?;
    let list = ListUsage { agent, ..query.into_asked().into_params(&ctx)? };
    let (from, to, by) = (list.from, list.to, list.by.clone());
    let limit = list.limit;
    let view = app.core.usage().list(&ctx, list).await?;
    format.answer(from, to, &by, limit, &view)
}

/// Tell what an agent used
///
/// As `/v1/usage`, for one agent.
#[utoipa::path(
    get, path = "/v1/agents/{id}/usage", tag = "usage", operation_id = "of_agent",
    security(("ApiKey" = ["usage:read"]), ("Bearer" = ["usage:read"])),
    params(("id" = String, Path, description = "The agent."), AgentUsageQuery),
    responses((status = 200, description = "What it used.",
        content((Told = "application/json"), (String = "text/csv")))),
)]
pub(crate) async fn of_agent(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<AgentUsageQuery>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let format = Format::read(query.format.as_deref(), &headers)?;
    let list = query.into_asked().into_params(&ctx)?;
    let (from, to, by) = (list.from, list.to, list.by.clone());
    let limit = list.limit;
    let view = app.core.usage().of_agent(&ctx, id, list).await?;
    format.answer(from, to, &by, limit, &view)
}

/// How usage is told.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Csv,
}

impl Format {
    fn read(named: Option<&str>, headers: &HeaderMap) -> Result<Self, Failure> {
        let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match named {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(Failure::invalid("format", "must be json or csv")),
            None if accepts.trim_start().starts_with("text/csv") => Ok(Self::Csv),
            None => Ok(Self::Json),
        }
    }

    fn answer(
        self,
        from: Date,
        to: Date,
        by: &[Dimension],
        limit: Limit,
        view: &UsageView,
    ) -> Result<Response, Failure> {
        let next = view.page.next.as_ref().map(cursor);
        match self {
            Self::Json => Ok(Answer(Told::new(from, to, by, limit, view, next)).into_response()),
            Self::Csv => {
                let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
                let mut answer = ([kind], table::write(by, &view.page.rows)?).into_response();
                if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
                    answer.headers_mut().insert(NEXT_CURSOR, next);
                }
                Ok(answer)
            }
        }
    }
}

fn cursor(key: &UsageKey) -> String {
    let agent = key.agent.map(|agent| agent.to_string()).unwrap_or_default();
    write_cursor(LIST, &[&key.day, &agent, &key.model, &key.peer])
}

/// What is asked for on either path.
struct Asked {
    from: Option<String>,
    to: Option<String>,
    group_by: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl UsageQuery {
    fn into_asked(self) -> Asked {
        let Self { from, to, group_by, limit, cursor, agent_id: _, format: _ } = self;
        Asked { from, to, group_by, limit, cursor }
    }
}

impl AgentUsageQuery {
    fn into_asked(self) -> Asked {
        let Self { from, to, group_by, limit, cursor, format: _ } = self;
        Asked { from, to, group_by, limit, cursor }
    }
}

impl Asked {
    fn into_params(self, ctx: &Ctx) -> Result<ListUsage, Failure> {
        let day = |field: &str, text: Option<String>| -> Result<Option<Date>, Failure> {
            let problem = "must be a day like 2026-01-31";
            text.map(|text| text.parse().map_err(|_| Failure::invalid(field, problem))).transpose()
        };
        let today = ctx.now.to_zoned(TimeZone::UTC).date();
        let to = day("to", self.to)?.unwrap_or(today);
        let from = match day("from", self.from)? {
            Some(from) => from,
            None => to.saturating_sub(Span::new().days(29)),
        };
        let after = match &self.cursor {
            Some(cursor) => Some(key(read_cursor(LIST, cursor)?)?),
            None => None,
        };
        let limit = Limit::clamped(self.limit.unwrap_or(MOST), MOST);
        Ok(ListUsage { agent: None, from, to, by: dimensions(self.group_by.as_deref())?, after, limit })
    }
}

fn key([day, agent, model, peer]: [String; 4]) -> Result<UsageKey, Failure> {
    let not_ours = || Failure::invalid("cursor", "is not one that this list gave; begin without one");
    let agent = match agent.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| not_ours())?),
    };
    Ok(UsageKey { day, agent, model, peer })
}

fn dimensions(text: Option<&str>) -> Result<Vec<Dimension>, Failure> {
    let Some(text) = text else { return Ok(vec![Dimension::Day, Dimension::Agent, Dimension::Model]) };
    let one = |name: &str| match name.trim() {
        "day" => Ok(Dimension::Day),
        "agent" => Ok(Dimension::Agent),
        "model" => Ok(Dimension::Model),
        "peer" => Ok(Dimension::Peer),
        _ => Err(Failure::invalid("groupBy", "must be day, agent, model or peer, with commas between them")),
    };
    text.split(',').map(one).collect()
}
