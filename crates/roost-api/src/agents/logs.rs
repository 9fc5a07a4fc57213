use axum::Json as Answer;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use roost_core::{Ctx, Error, LogLines, LogStream};
use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_http::{Caller, Failure, Query, Segment, event_stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::envelope::Data;

const MAX_LINES: u32 = 10_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogsQuery {
    /// How many of the last lines, at most 10,000; by default 100, for the stream 200.
    tail: Option<u32>,
}

/// An agent's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Logs {
    /// Lines, oldest first, each ended by a line feed.
    #[schema(example = "2026-02-10T14:00:05Z [info] Agent started\n")]
    logs: String,
}

/// Read an agent's log
///
/// What happened to it, without what was said.
#[utoipa::path(
    get, path = "/v1/agents/{id}/logs", tag = "agents",
    security(("ApiKey" = ["logs"]), ("Bearer" = ["logs"])),
    params(("id" = String, Path, description = "The agent."), LogsQuery),
    responses((status = 200, description = "The last lines.", body = Data<Logs>)),
)]
pub(crate) async fn logs(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<LogsQuery>,
) -> Result<Answer<Data<Logs>>, Failure> {
    let lines = app.core.agents().logs(&ctx, id, tail(&query, 100)).await?;
    let logs = lines.iter().fold(String::new(), |logs, line| logs + line + "\n");
    Ok(Answer(Data { data: Logs { logs } }))
}

/// Follow an agent's log
///
/// The last lines, then each new one as it comes, as they are: `data: 2026-02-10T14:00:05Z [info] Agent started`.
/// A comment every 10 seconds shows that the stream is alive. It ends when the agent is deleted.
#[utoipa::path(
    get, path = "/v1/agents/{id}/logs/stream", tag = "agents",
    security(("ApiKey" = ["logs"]), ("Bearer" = ["logs"])),
    params(("id" = String, Path, description = "The agent."), LogsQuery),
    responses((
        status = 200, description = "One line in each event's data.",
        body = String, content_type = "text/event-stream",
    )),
)]
pub(crate) async fn stream_logs(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(AgentId,)>,
    Query(query): Query<LogsQuery>,
) -> Result<Response, Failure> {
    let (begin, mut stream) = app.core.agents().follow_logs(&ctx, id, tail(&query, 200)).await?;
    Ok(event_stream(async_stream::stream! {
        for line in begin {
            yield Event::default().data(line);
        }
        while let Ok(lines) = next(&app, &ctx, id, &mut stream).await {
            for line in lines {
                yield Event::default().data(line);
            }
        }
    }))
}

fn tail(query: &LogsQuery, default: u32) -> Limit {
    Limit::clamped(query.tail.unwrap_or(default), MAX_LINES)
}

/// Waits for the next lines, and looks now and then whether the agent is still there.
async fn next(app: &App, ctx: &Ctx, id: AgentId, stream: &mut LogStream) -> Result<LogLines, Error> {
    loop {
        match tokio::time::timeout(app.recheck, stream.next()).await {
            Ok(lines) => return lines,
            Err(tokio::time::error::Elapsed { .. }) => {
                app.core.agents().logs(ctx, id, Limit::clamped(1, 1)).await?
            }
        };
    }
}
