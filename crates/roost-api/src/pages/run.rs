use std::fmt::Write as _;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use roost_core::{ArtifactLink, RunPage, StepView};
use roost_domain::run::Status;
use roost_domain::workflow::FileAnswer;
use roost_http::{Segment, iso, iso_if};
use serde_json::Value;

use super::html::{Page, error_page, sentence, text};
use crate::app::App;

/// How often the page of a run under way is loaded again.
const REFRESH: &str = "<meta http-equiv=\"refresh\" content=\"3\">\n";

/// The most characters of an output that are shown.
const MOST_SHOWN: usize = 4_000;

/// Shows a run by its link.
pub(crate) async fn shown_run(State(app): State<App>, Segment((token,)): Segment<(String,)>) -> Response {
    match app.core.runs().shown(&token, app.core.now()).await {
        Ok(page) => run_page(&page),
        Err(error) => error_page(error),
    }
}

fn run_page(page: &RunPage) -> Response {
    let view = &page.run;
    let status = view.run.status;
    let mut body = format!(
        "<h1>{}</h1>\n<p role=\"status\"><span class=\"status {name}\">{}</span></p>\n",
        text(&page.agent),
        words(status),
        name = status.name()
    );
    for (form, url) in view.forms.iter().zip(&page.form_urls) {
        // silent-ok: writing to a text cannot fail, here and below.
        let _ = writeln!(body, "<p><a href=\"{}\">Answer: {}</a></p>", text(url), text(&form.title));
    }
    if let Some((step, problem)) = &view.problem {
        let at = step.as_ref().map(|step| format!("{step}: ")).unwrap_or_default();
        let _ =
            writeln!(body, "<p class=\"error\">{}</p>", text(&sentence(&format!("{at}{}", problem.message))));
    }
    body.push_str(&facts(page));
    page.artifacts.iter().for_each(|artifact| body.push_str(&frame(artifact)));
    body.push_str(&steps(&view.steps, view.steps_total));
    let _ = write!(body, "<h2>Given</h2>\n{}", shown(&view.input));
    if let Some(output) = &view.output {
        let _ = write!(body, "<h2>Came to</h2>\n{}", shown(output));
    }
    let head = if view.is_in_progress() { REFRESH } else { "" };
    let title = format!("{} – {}", words(status), page.agent);
    Page { title: &title, head, body: &body }.response(StatusCode::OK)
}

const fn words(status: Status) -> &'static str {
    match status {
        Status::Queued => "Waits for other runs to end",
        Status::Running => "Running",
        Status::WaitingForInput => "Waits for an answer",
        Status::Completed => "Completed",
        Status::Failed => "Failed",
        Status::Cancelled => "Cancelled",
    }
}

fn facts(page: &RunPage) -> String {
    let run = &page.run.run;
    let tokens = run.usage.input.0.saturating_add(run.usage.output.0);
    let mut rows = vec![
        ("Run", run.id.to_string()),
        ("Started by", run.cause.by.clone().unwrap_or_else(|| run.cause.trigger.clone())),
        ("Asked for", iso(run.created_at)),
    ];
    rows.extend(iso_if(run.started_at).map(|at| ("Began", at)));
    rows.extend(iso_if(run.ended_at).map(|at| ("Ended", at)));
    rows.push(("Cost", format!("{} for {tokens} tokens", run.cost)));
    let mut html = "<div class=\"scroll\"><table>\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(html, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", text(&value));
    }
    html + "</table></div>\n"
}

/// The frame is in an origin of its own, which the artifact's own headers say once more.
fn frame(link: &ArtifactLink) -> String {
    let artifact = &link.artifact;
    let url = path_of(&link.url);
    format!(
        "<h2>{title}</h2>\n<p class=\"dim\">Version {}, made {}. <a href=\"{url}\" rel=\"noreferrer\">Open it alone</a>\
         </p>\n<iframe src=\"{url}/raw\" title=\"{title}\" sandbox=\"allow-scripts\" referrerpolicy=\"no-referrer\" \
         loading=\"lazy\"></iframe>\n",
        artifact.version,
        iso(artifact.created_at),
        title = text(&artifact.title),
        url = text(&url),
    )
}

/// Whichever name the server is reached under, its frames come from there.
fn path_of(url: &str) -> String {
    url.rfind("/artifacts/").map_or_else(|| url.to_owned(), |at| format!("..{}", &url[at..]))
}

fn steps(steps: &[StepView], total: usize) -> String {
    let mut html = "<h2>Steps</h2>\n<div class=\"scroll\"><table>\n<tr><th scope=\"col\">Step</th>\
                    <th scope=\"col\">Status</th><th scope=\"col\">Took</th><th scope=\"col\">Cost</th></tr>\n"
        .to_owned();
    for step in steps {
        let took = step
            .started_at
            .zip(step.ended_at)
            .map(|(from, to)| format!("{:.1} s", to.duration_since(from).as_secs_f64()));
        let tries = if step.attempts > 1 { format!(", try {}", step.attempts) } else { String::new() };
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}<br><span class=\"dim\">{}, {}</span>{}</th>\
             <td><span class=\"status {status}\">{status}</span>{tries}</td><td>{}</td><td>{}</td></tr>",
            text(&step.name),
            text(&step.key.to_string()),
            step.kind,
            came_to(step),
            took.unwrap_or_default(),
            step.cost,
            status = step.status,
        );
    }
    html.push_str("</table></div>\n");
    if total > steps.len() {
        let _ = writeln!(html, "<p class=\"dim\">{} steps more are not shown.</p>", total - steps.len());
    }
    html
}

fn came_to(step: &StepView) -> String {
    let mut html = String::new();
    if let Some(problem) = &step.problem {
        let _ = write!(html, "<span class=\"error\">{}</span>", text(&sentence(&problem.message)));
    }
    if let Some(output) = &step.output {
        let _ = write!(html, "<details><summary>What it came to</summary>{}</details>", shown(output));
    }
    html
}

fn shown(value: &Value) -> String {
    let written = match value {
        Value::Null => return "<p class=\"dim\">Nothing.</p>\n".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            match FileAnswer::read(value) {
                Some(file) => format!("{} ({} bytes)", file.name, file.size),
                None => serde_json::to_string_pretty(value).unwrap_or_default(),
            }
        }
    };
    let cut: String = written.chars().take(MOST_SHOWN).collect();
    let more = if cut.len() < written.len() { "…" } else { "" };
    format!("<pre>{}{more}</pre>\n", text(&cut))
}
