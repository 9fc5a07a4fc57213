use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event as SseEvent;
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::run::{Doing, Ending, Entry, RunEvent};
use roost_http::{Caller, Failure, LastEventId, Query, Segment, event_stream, iso};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::app::App;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunEventsQuery {
    /// The last offset that you have seen; the header `Last-Event-ID` goes first. Without either, all is told.
    after: Option<u64>,
}

/// Follow a run
///
/// Server-sent events: everything that happens in it, as it happens, each with its offset as id. The stream ends when the
/// run does. Events are `created`, `step.started`, `step.produced`, `step.judging`, `step.judged`, `step.answered`,
/// `step.completed`, `step.failed`, `step.skipped`, `timed-out`, `cancel-requested`, `ended`.
#[utoipa::path(
    get, path = "/v1/agents/{id}/runs/{run}/events", tag = "runs", operation_id = "follow_run",
    security(("ApiKey" = ["runs"]), ("Bearer" = ["runs"])),
    params(
        ("id" = String, Path, description = "The agent."),
        ("run" = String, Path, description = "The run."),
        RunEventsQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "The last offset that you have seen."),
    ),
    responses((status = 200, description = "The events.", body = String, content_type = "text/event-stream")),
)]
pub(crate) async fn follow_run(
    State(app): State<App>,
    Caller(ctx): Caller,
    Segment((id, run)): Segment<(AgentId, RunId)>,
    Query(query): Query<RunEventsQuery>,
    LastEventId(last): LastEventId,
) -> Result<Response, Failure> {
    let after = last.or(query.after.map(Offset)).unwrap_or_default();
    let mut events = app.core.runs().subscribe(&ctx, id, run, after).await?;
    Ok(event_stream(async_stream::stream! {
        loop {
            match events.next().await {
                Ok(Some(entry)) => yield encode(&entry),
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(request = ctx.request_id, code = error.code(), %error, "a run's stream ends");
                    let told = json!({"code": error.code(), "message": error.public()});
                    yield SseEvent::default().event("error").data(told.to_string());
                    return;
                }
            }
        }
    }))
}

fn encode(entry: &Entry) -> SseEvent {
    let (name, mut data) = told(&entry.event);
    data["at"] = iso(entry.at).into();
    SseEvent::default().id(entry.offset.0.to_string()).event(name).data(data.to_string())
}

fn told(event: &RunEvent) -> (&'static str, Value) {
    match event {
        RunEvent::Created { input, given, .. } => {
            let given: Vec<_> = given.iter().map(|(step, _)| step.to_string()).collect();
            ("created", json!({"input": input, "takenOver": given}))
        }
        RunEvent::StepStarted { step, attempt, inputs, doing, .. } => (
            "step.started",
            json!({"step": step.to_string(), "attempt": attempt, "inputs": inputs, "doing": doing_of(doing)}),
        ),
        RunEvent::Produced { step, attempt, output, cost, .. } => (
            "step.produced",
            json!({"step": step.to_string(), "attempt": attempt, "output": output, "costMicroUsd": cost.0}),
        ),
        RunEvent::JudgeAsked { step, criterion, .. } => {
            ("step.judging", json!({"step": step.to_string(), "criterion": criterion}))
        }
        RunEvent::Judged { step, criterion, passes, reason, cost, .. } => (
            "step.judged",
            json!({
                "step": step.to_string(), "criterion": criterion, "passes": passes, "reason": reason,
                "costMicroUsd": cost.0,
            }),
        ),
        RunEvent::Answered { step, answer, by, .. } => {
            ("step.answered", json!({"step": step.to_string(), "answer": answer, "by": by}))
        }
        RunEvent::StepSucceeded { step, output, cost, .. } => {
            ("step.completed", json!({"step": step.to_string(), "output": output, "costMicroUsd": cost.0}))
        }
        RunEvent::StepFailed { step, attempt, problem, retry_at, cost, .. } => (
            "step.failed",
            json!({
                "step": step.to_string(), "attempt": attempt, "retryAt": retry_at.map(iso), "costMicroUsd": cost.0,
                "error": {"code": problem.code, "message": problem.message},
            }),
        ),
        RunEvent::StepSkipped { step } => ("step.skipped", json!({"step": step.to_string()})),
        RunEvent::TimedOut => ("timed-out", json!({})),
        RunEvent::CancelRequested { by } => ("cancel-requested", json!({"by": by})),
        RunEvent::Ended { ending } => ("ended", ended(ending)),
    }
}

fn doing_of(doing: &Doing) -> Value {
    match doing {
        Doing::Turn { turn, session } => {
            json!({"type": "turn", "turnId": turn.to_string(), "sessionId": session.to_string()})
        }
        Doing::Form { form, title, .. } => {
            json!({"type": "form", "formId": form.to_string(), "title": title})
        }
        Doing::Question { form, question, .. } => {
            json!({"type": "question", "formId": form.to_string(), "question": question})
        }
        Doing::Wait { until } => json!({"type": "wait", "until": iso(*until)}),
        Doing::Within { .. } => json!({"type": "steps"}),
    }
}

fn ended(ending: &Ending) -> Value {
    match ending {
        Ending::Completed { output } => json!({"status": "completed", "output": output}),
        Ending::Failed { step, problem } => json!({
            "status": "failed", "step": step.as_ref().map(ToString::to_string),
            "error": {"code": problem.code, "message": problem.message},
        }),
        Ending::Cancelled => json!({"status": "cancelled"}),
    }
}
