//! What other engines are known to get wrong.

use roost_testkit::TestEmbedder;

use super::*;

/// n8n, Temporal-likes: after a resume the outputs of the steps before are gone.
#[tokio::test]
async fn outputs_from_before_a_restart_are_there_after_it() {
    let mut app = TestApp::start().await;
    let say = |id: &str, text: &str| json!({"type": "generate-text", "id": id, "prompt": text});
    let agent = agent_with(
        &app,
        json!([
            say("one", "one"),
            FORM("form"),
            say("two", "{{ steps.one.output }}, {{ steps.form.output.name }}")
        ]),
    )
    .await;
    let run = begin(&app, agent, Value::Null).await;
    until_waiting(&app, agent, run).await;
    app.kill_runtime().await;
    app.core.runs().answer(&app.ctx(), answer_to(agent, run, &json!({"name": "Ada"}))).await.unwrap();
    app.restart_with(TestEmbedder::default()).await;
    let view = until_over(&app, agent, run).await;
    assert_eq!(view.output, Some(json!("You said: You said: one, Ada")));
    assert_eq!(output(&view, "form"), json!({"name": "Ada"}));
}

#[tokio::test]
async fn a_run_is_not_done_twice_when_the_server_starts_again() {
    let mut app = TestApp::start().await;
    let work = |id: &str| json!({"type": "tool", "id": id, "tool": "shell", "arguments": {"command": id}});
    let agent = agent_with(&app, json!([work("one"), FORM("form"), work("two")])).await;
    let run = begin(&app, agent, Value::Null).await;
    until_waiting(&app, agent, run).await;
    app.core.runs().answer(&app.ctx(), answer_to(agent, run, &json!({"name": "x"}))).await.unwrap();
    for _ in 0..3 {
        app.kill_runtime().await;
        app.restart_with(TestEmbedder::default()).await;
    }
    until_over(&app, agent, run).await;
    assert_eq!(app.machines.commands(), ["one", "two"]);
    let entries = names(&log(&app, agent, run).await);
    let started = entries.iter().filter(|name| name.starts_with("step_started")).count();
    assert_eq!(started, 3, "{entries:?}");
}

#[tokio::test]
async fn forms_that_wait_side_by_side_take_each_its_own_answer_once() {
    let app = TestApp::start().await;
    let form = |id: &str, field: &str| {
        json!({"type": "form", "id": id, "title": id, "needs": [], "fields": [
            {"name": field, "label": field, "type": "text", "required": true}
        ]})
    };
    let agent = agent_with(&app, json!([form("left", "l"), form("right", "r")])).await;
    let run = begin(&app, agent, Value::Null).await;
    let view = until(&app, agent, run, |view| view.forms.len() == 2).await;
    assert_eq!(view.run.status, Status::WaitingForInput);
    let ids: Vec<_> = view.forms.iter().map(|form| form.id).collect();
    // Everybody answers everything at once.
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..10 {
        for (form, field) in ids.iter().zip(["l", "r"]) {
            let values = Map::from_iter([(field.to_owned(), json!(format!("{field}{round}")))]);
            let (core, ctx) = (app.core.clone(), app.ctx());
            let answer = AnswerRun { agent, run, form: Some(*form), values };
            tasks.spawn(async move { core.runs().answer(&ctx, answer).await.map_err(|error| error.code()) });
        }
    }
    let came: Vec<_> = tasks.join_all().await;
    assert_eq!(came.iter().filter(|one| one.is_ok()).count(), 2);
    assert_eq!(came.iter().filter(|one| matches!(one, Err("already_answered"))).count(), 18);
    let view = until_over(&app, agent, run).await;
    assert_eq!(view.run.status, Status::Completed);
    let answered =
        names(&log(&app, agent, run).await).iter().filter(|name| name.starts_with("answered")).count();
    assert_eq!(answered, 2);
    assert!(output(&view, "left")["l"].is_string() && output(&view, "right")["r"].is_string());
}

#[tokio::test]
async fn an_answer_that_names_no_form_goes_to_the_one_that_asks_for_it() {
    let app = TestApp::start().await;
    let form = |id: &str, field: &str| {
        json!({"type": "form", "id": id, "title": id, "needs": [], "fields": [
            {"name": field, "label": field, "type": "text", "required": true}
        ]})
    };
    let agent = agent_with(&app, json!([form("a", "x"), form("b", "y"), form("c", "y")])).await;
    let run = begin(&app, agent, Value::Null).await;
    until(&app, agent, run, |view| view.forms.len() == 3).await;
    let answer = |values: Value| answer_to(agent, run, &values);
    let unclear = app.core.runs().answer(&app.ctx(), answer(json!({"y": "1"}))).await.unwrap_err();
    assert!(unclear.public().contains("formId"), "{unclear}");
    let answered = app.core.runs().answer(&app.ctx(), answer(json!({"x": "1"}))).await.unwrap();
    assert_eq!(answered.step.to_string(), "a");
}

#[tokio::test]
async fn an_answer_to_a_run_that_has_not_begun_is_refused_and_not_swallowed() {
    let app = TestApp::start().await;
    let agent = agent_that(&app, json!({"steps": [FORM("a")], "concurrency": 1})).await;
    let first = begin(&app, agent, Value::Null).await;
    until_waiting(&app, agent, first).await;
    app.clock.advance(Duration::from_millis(1));
    let second = begin(&app, agent, Value::Null).await;
    let answer = |run| answer_to(agent, run, &json!({"name": "x"}));
    let early = app.core.runs().answer(&app.ctx(), answer(second)).await.unwrap_err();
    assert_eq!(early.code(), "run_not_waiting");
    app.core.runs().answer(&app.ctx(), answer(first)).await.unwrap();
    until_over(&app, agent, first).await;
    let view = until_waiting(&app, agent, second).await;
    assert_eq!(view.forms.len(), 1, "it still asks");
    app.core.runs().answer(&app.ctx(), answer(second)).await.unwrap();
    assert_eq!(until_over(&app, agent, second).await.run.status, Status::Completed);
    let late = app.core.runs().answer(&app.ctx(), answer(second)).await.unwrap_err();
    assert_eq!(late.code(), "run_not_waiting");
}

#[tokio::test]
async fn a_run_whose_agent_is_paused_goes_on_when_it_is_resumed() {
    let app = TestApp::start().await;
    let agent =
        agent_with(&app, json!([FORM("form"), {"type": "generate-text", "id": "say", "prompt": "say"}]))
            .await;
    let run = begin(&app, agent, Value::Null).await;
    until_waiting(&app, agent, run).await;
    app.core.agents().pause(&app.ctx(), agent).await.unwrap();
    app.core.runs().answer(&app.ctx(), answer_to(agent, run, &json!({"name": "x"}))).await.unwrap();
    let view = until(&app, agent, run, |view| step(view, "say").status == "running").await;
    assert_eq!(view.run.status, Status::Running);
    assert!(app.models.asked().is_empty(), "a paused agent asks nobody");
    app.core.agents().resume(&app.ctx(), agent).await.unwrap();
    assert_eq!(until_over(&app, agent, run).await.run.status, Status::Completed);
}

#[tokio::test]
async fn the_runs_of_an_agent_that_is_stopped_are_over() {
    let app = TestApp::start().await;
    app.models.when("slow", [Reply::Hang(vec!["…"])]);
    let agent = agent_that(&app, json!({"steps": [{"type": "generate-text", "id": "slow", "prompt": "{{ input }}"}, FORM("form")], "concurrency": 2})).await;
    let busy = begin(&app, agent, json!("slow")).await;
    app.clock.advance(Duration::from_millis(1));
    let waits = begin(&app, agent, json!("quick")).await;
    app.clock.advance(Duration::from_millis(1));
    let queued = begin(&app, agent, json!("quick")).await;
    until(&app, agent, busy, |view| step(view, "slow").status == "running").await;
    until_waiting(&app, agent, waits).await;
    app.core.agents().stop(&app.ctx(), agent).await.unwrap();
    for run in [busy, waits, queued] {
        let view = until_over(&app, agent, run).await;
        assert_eq!(view.run.status, Status::Cancelled, "{view:#?}");
    }
    let create = CreateRun { agent, input: Value::Null, only_armed: false };
    assert_eq!(app.core.runs().create(&app.ctx(), create).await.unwrap_err().code(), "agent_not_running");
}

/// A page that the first step read is known to have been read when the third wants to send something.
#[tokio::test]
async fn what_comes_from_outside_marks_every_step_that_follows() {
    let app = TestApp::start().await;
    let tool = |id: &str, tool: &str, arguments: Value| json!({"type": "tool", "id": id, "tool": tool, "arguments": arguments});
    let steps = json!([
        tool("read", "http_request", json!({"host": "example.com"})),
        {"type": "wait", "id": "wait", "seconds": 0},
        {"type": "generate-text", "id": "say", "prompt": "say"}
    ]);
    let agent = app.agent(json!({"network": {"allow": ["example.com"]}})).await;
    put(&app, agent, json!({ "steps": steps })).await;
    let run = begin(&app, agent, Value::Null).await;
    let view = until_over(&app, agent, run).await;
    assert!(taint(&app, &view, "read").await, "{view:#?}");
    assert!(taint(&app, &view, "say").await);
    let clean = agent_with(&app, json!([{"type": "generate-text", "id": "say", "prompt": "say"}])).await;
    let run = begin(&app, clean, Value::Null).await;
    let view = until_over(&app, clean, run).await;
    assert!(!taint(&app, &view, "say").await);
}

async fn taint(app: &TestApp, view: &RunView, key: &str) -> bool {
    let session = step(view, key).session.expect("the step has a session");
    let read = move |reader: &dyn roost_ports::store::Reader| {
        Ok::<_, roost_ports::store::Error>(reader.session_taint(session)?.is_some())
    };
    app.store.read(read).await.expect("the store reads")
}

#[tokio::test]
async fn an_approval_for_which_a_step_waits_is_shown_and_lets_it_go_on() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "strict"})).await;
    put(&app, agent, json!({"steps": [{"type": "tool", "id": "rm", "tool": "shell", "arguments": {"command": "rm -rf build"}}]})).await;
    let run = begin(&app, agent, Value::Null).await;
    let view = until(&app, agent, run, |view| !step(view, "rm").approvals.is_empty()).await;
    assert_eq!(view.run.status, Status::Running);
    assert!(app.machines.commands().is_empty());
    let id = step(&view, "rm").approvals[0];
    decide(&app, id, true).await;
    let view = until_over(&app, agent, run).await;
    assert_eq!(view.run.status, Status::Completed, "{view:#?}");
    assert_eq!(app.machines.commands(), ["rm -rf build"]);
    let run = begin(&app, agent, Value::Null).await;
    let view = until(&app, agent, run, |view| !step(view, "rm").approvals.is_empty()).await;
    decide(&app, step(&view, "rm").approvals[0], false).await;
    let view = until_over(&app, agent, run).await;
    assert_eq!(problem(&view).0, "approval_refused");
    assert_eq!(step(&view, "rm").attempts, 1, "nobody is asked twice");
}

async fn decide(app: &TestApp, id: roost_domain::id::ApprovalId, yes: bool) {
    use roost_core::DecideApproval;
    let decide = DecideApproval { id, approve: yes, by: None, note: None };
    app.core.approvals().decide(&app.ctx(), decide).await.expect("it can be decided");
}
