//! Runs of workflows, from their beginning to their end.

use std::time::Duration;

use roost_core::{AnswerRun, ConfigChange, CreateRun, ListRuns, PageRuns, PutWorkflow, RunFilter, RunView};
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::page::Limit;
use roost_domain::run::{Entry, RunEvent, Status};
use roost_domain::workflow::StepId;
use roost_testkit::{Reply, TestApp};
use serde_json::{Map, Value, json};

mod ends;
mod failures;
mod steps;
mod stuck;

const PATIENCE: Duration = Duration::from_secs(10);

/// Returns an agent with a workflow of these steps.
async fn agent_with(app: &TestApp, steps: Value) -> AgentId {
    agent_that(app, json!({ "steps": steps })).await
}

async fn agent_that(app: &TestApp, config: Value) -> AgentId {
    let agent = app.agent(json!({})).await;
    put(app, agent, config).await;
    agent
}

async fn put(app: &TestApp, agent: AgentId, config: Value) {
    let put = PutWorkflow { agent, config: ConfigChange::Replace(config), tags: None, expected: None };
    app.core.workflows().put(&app.ctx(), put).await.expect("it works");
}

async fn begin(app: &TestApp, agent: AgentId, input: Value) -> RunId {
    let create = CreateRun { agent, input, only_armed: false };
    app.core.runs().create(&app.ctx(), create).await.expect("it works").run.id
}

async fn get(app: &TestApp, agent: AgentId, run: RunId) -> RunView {
    app.core.runs().get(&app.ctx(), agent, run).await.expect("it works")
}

/// Waits until a run is as the test wants it.
async fn until(app: &TestApp, agent: AgentId, run: RunId, wanted: impl Fn(&RunView) -> bool) -> RunView {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let view = get(app, agent, run).await;
            if wanted(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    match waited.await {
        Ok(view) => view,
        Err(_) => panic!("the run is {:#?}", get(app, agent, run).await),
    }
}

async fn until_over(app: &TestApp, agent: AgentId, run: RunId) -> RunView {
    until(app, agent, run, |view| !view.is_in_progress()).await
}

async fn until_waiting(app: &TestApp, agent: AgentId, run: RunId) -> RunView {
    until(app, agent, run, |view| view.run.status == Status::WaitingForInput).await
}

/// Moves time on, and lets the runtime look at it.
fn later(app: &TestApp, by: Duration) {
    app.clock.advance(by);
    app.core.runs().look();
}

fn answer_to(agent: AgentId, run: RunId, values: &Value) -> AnswerRun {
    AnswerRun { agent, run, form: None, values: values.as_object().cloned().unwrap_or_default() }
}

fn step<'a>(view: &'a RunView, key: &str) -> &'a roost_core::StepView {
    let found = view.steps.iter().find(|step| step.key.to_string() == key);
    found.unwrap_or_else(|| panic!("no step {key} in {:#?}", view.steps))
}

fn output(view: &RunView, key: &str) -> Value {
    step(view, key).output.as_deref().cloned().unwrap_or_default()
}

fn problem(view: &RunView) -> (&str, &str) {
    let (_, problem) = view.problem.as_ref().expect("the run failed");
    (&problem.code, &problem.message)
}

/// Returns all that happened in a run that is over.
async fn log(app: &TestApp, agent: AgentId, run: RunId) -> Vec<Entry> {
    let mut followed =
        app.core.runs().subscribe(&app.ctx(), agent, run, Offset::START).await.expect("it works");
    let mut entries = Vec::new();
    while let Some(entry) =
        tokio::time::timeout(PATIENCE, followed.next()).await.expect("in time").expect("it can be read")
    {
        entries.push(entry);
    }
    entries
}

fn names(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| match entry.event.step() {
        Some(step) => format!("{} {step}", entry.event.name()),
        None => entry.event.name().to_owned(),
    };
    entries.iter().map(name).collect()
}

const FORM: fn(&str) -> Value = |id| {
    json!({"type": "form", "id": id, "title": format!("Form {id}"), "fields": [
        {"name": "name", "label": "Name", "type": "text", "required": true}
    ]})
};

#[tokio::test]
async fn a_form_is_answered_and_the_next_step_works_with_the_answer() {
    let app = TestApp::start().await;
    let ask = json!({"type": "form", "id": "ask", "title": "About {{ input.topic }}", "fields": [
        {"name": "who", "label": "Who", "type": "text", "required": true},
        {"name": "many", "label": "How many", "type": "number"}
    ]});
    let write =
        json!({"type": "generate-text", "id": "write", "prompt": "Write to {{ steps.ask.output.who }}."});
    let agent = agent_with(&app, json!([ask, write])).await;
    let run = begin(&app, agent, json!({"topic": "owls"})).await;
    let waiting = until_waiting(&app, agent, run).await;
    assert_eq!(waiting.forms.len(), 1);
    assert_eq!(waiting.forms[0].title, "About owls");
    assert_eq!(step(&waiting, "ask").status, "waiting-for-input");
    assert_eq!(step(&waiting, "write").status, "pending");
    let wrong = app.core.runs().answer(&app.ctx(), answer_to(agent, run, &json!({"many": "x"}))).await;
    let wrong = wrong.unwrap_err();
    assert!(wrong.public().contains("who") && wrong.public().contains("many"), "{wrong}");
    let right = answer_to(agent, run, &json!({"who": "Ada", "many": 3}));
    app.core.runs().answer(&app.ctx(), right).await.unwrap();
    let done = until_over(&app, agent, run).await;
    assert_eq!(done.run.status, Status::Completed, "{done:#?}");
    assert_eq!(output(&done, "ask"), json!({"who": "Ada", "many": 3}));
    assert_eq!(done.output, Some(json!("You said: Write to Ada.")));
    assert!(done.run.started_at.is_some() && done.run.ended_at.is_some());
    let entries = log(&app, agent, run).await;
    assert_eq!(
        names(&entries),
        [
            "created",
            "step_started ask",
            "answered ask",
            "step_succeeded ask",
            "step_started write",
            "step_succeeded write",
            "ended"
        ]
    );
    let RunEvent::Answered { by, .. } = &entries[2].event else { panic!("{entries:#?}") };
    assert_eq!(by, "test", "who answered is recorded");
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_cursor_and_by_page() {
    let app = TestApp::start().await;
    let agent = agent_with(&app, json!([FORM("a")])).await;
    let mut runs = Vec::new();
    for n in 0..5 {
        app.clock.advance(Duration::from_millis(1));
        runs.push(begin(&app, agent, json!({ "n": n })).await);
    }
    runs.reverse();
    for run in &runs {
        until_waiting(&app, agent, *run).await;
    }
    let answered = answer_to(agent, runs[2], &json!({"name": "x"}));
    app.core.runs().answer(&app.ctx(), answered).await.unwrap();
    until_over(&app, agent, runs[2]).await;
    let two = Limit::clamped(2, 100);
    let mut list = ListRuns::first(agent, None, two);
    let mut seen = Vec::new();
    loop {
        let page = app.core.runs().list(&app.ctx(), list).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.rows.iter().map(|run| run.id));
        let Some(next) = page.next else { break };
        list.after = Some(next);
    }
    assert_eq!(seen, runs);
    let page =
        |page, status| PageRuns { filter: RunFilter { agent, status, or_queued: false }, page, limit: two };
    let ids = |rows: Vec<roost_domain::run::Run>| rows.into_iter().map(|run| run.id).collect::<Vec<_>>();
    let (rows, total) = app.core.runs().page(&app.ctx(), page(3, None)).await.unwrap();
    assert_eq!((ids(rows), total), (vec![runs[4]], 5));
    let completed = page(1, Some(Status::Completed));
    let (rows, total) = app.core.runs().page(&app.ctx(), completed).await.unwrap();
    assert_eq!((ids(rows), total), (vec![runs[2]], 1));
    let (rows, total) = app.core.runs().page(&app.ctx(), page(9, None)).await.unwrap();
    assert_eq!((ids(rows), total), (vec![], 5));
    let stranger = app.stranger().await;
    let error = app.core.runs().list(&stranger, ListRuns::first(agent, None, two)).await.unwrap_err();
    assert_eq!(error.code(), "not_found");
    let error = app.core.runs().get(&stranger, agent, runs[0]).await.unwrap_err();
    assert_eq!(error.code(), "not_found");
}
