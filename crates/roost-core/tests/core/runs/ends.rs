use super::*;

#[tokio::test]
async fn cancelling_calls_off_what_is_under_way_and_a_run_that_is_over_stays() {
    let app = TestApp::start().await;
    app.models.when("slow", [Reply::Hang(vec!["…"])]);
    let agent =
        agent_with(&app, json!([{"type": "generate-text", "id": "slow", "prompt": "slow"}, FORM("next")]))
            .await;
    let run = begin(&app, agent, Value::Null).await;
    let view = until(&app, agent, run, |view| step(view, "slow").status == "running").await;
    let session = step(&view, "slow").session.unwrap();
    app.core.runs().cancel(&app.ctx(), agent, run).await.unwrap();
    let view = until_over(&app, agent, run).await;
    assert_eq!(view.run.status, Status::Cancelled);
    assert!(app.log(session).await.len() > 3, "its turn is over, too");
    let again = app.core.runs().cancel(&app.ctx(), agent, run).await.unwrap_err();
    assert_eq!(again.code(), "run_is_over");
    let answer =
        app.core.runs().answer(&app.ctx(), answer_to(agent, run, &json!({"name": "x"}))).await.unwrap_err();
    assert_eq!(answer.code(), "run_not_waiting");
}

#[tokio::test]
async fn a_run_that_waits_is_cancelled_at_once() {
    let app = TestApp::start().await;
    let agent = agent_with(&app, json!([FORM("a")])).await;
    let run = begin(&app, agent, Value::Null).await;
    until_waiting(&app, agent, run).await;
    let view = app.core.runs().cancel(&app.ctx(), agent, run).await.unwrap();
    assert_eq!((view.run.status, view.forms.len()), (Status::Cancelled, 0));
    assert_eq!(step(&view, "a").status, "cancelled");
}

#[tokio::test]
async fn a_step_that_fails_for_good_calls_off_its_neighbours_first() {
    let app = TestApp::start().await;
    app.models.when("slow", [Reply::Hang(vec!["…"])]);
    let fails = json!({"type": "tool", "id": "bad", "tool": "shell", "arguments": {"command": "exit 3"}, "retry": {"attempts": 1}});
    let steps = json!([{"type": "parallel", "id": "both", "branches": [
        [{"type": "generate-text", "id": "slow", "prompt": "slow"}],
        [FORM("form")],
        [{"type": "wait", "id": "wait", "seconds": 1}, fails]
    ]}]);
    let agent = agent_with(&app, steps).await;
    let run = begin(&app, agent, Value::Null).await;
    until(&app, agent, run, |view| view.forms.len() == 1 && step(view, "slow").status == "running").await;
    later(&app, Duration::from_secs(1));
    let view = until_over(&app, agent, run).await;
    assert_eq!((view.run.status, problem(&view).0), (Status::Failed, "tool_failed"));
    assert_eq!(step(&view, "form").status, "cancelled");
    let entries = names(&log(&app, agent, run).await);
    assert_eq!(entries.last().unwrap(), "ended");
    assert!(entries.contains(&"step_failed slow".to_owned()), "{entries:?}");
}

#[tokio::test]
async fn times_run_out_for_steps_forms_and_runs() {
    let app = TestApp::start().await;
    let hang = |id: &str| json!({"type": "generate-text", "id": id, "prompt": id, "timeout_seconds": 5, "retry": {"attempts": 1}});
    let mut form = FORM("form");
    form["expires_after_seconds"] = json!(5);
    let cases = [
        (json!({"steps": [hang("slow")]}), "step_timeout"),
        (json!({"steps": [form]}), "form_expired"),
        (json!({"steps": [FORM("form")], "timeout_seconds": 5}), "run_timeout"),
    ];
    for (config, code) in cases {
        app.models.when("slow", [Reply::Hang(vec!["…"])]);
        let agent = agent_that(&app, config).await;
        let run = begin(&app, agent, Value::Null).await;
        until(&app, agent, run, |view| view.steps[0].attempts == 1).await;
        later(&app, Duration::from_secs(4));
        assert!(get(&app, agent, run).await.is_in_progress());
        later(&app, Duration::from_secs(1));
        let view = until_over(&app, agent, run).await;
        assert_eq!(problem(&view).0, code, "{view:#?}");
        assert!(view.forms.is_empty());
    }
}

#[tokio::test]
async fn at_most_as_many_runs_are_under_way_as_the_workflow_lets() {
    let app = TestApp::start().await;
    let agent = agent_that(&app, json!({"steps": [FORM("a")], "concurrency": 2})).await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        app.clock.advance(Duration::from_millis(1));
        runs.push(begin(&app, agent, Value::Null).await);
    }
    until_waiting(&app, agent, runs[0]).await;
    until_waiting(&app, agent, runs[1]).await;
    for run in &runs[2..] {
        assert_eq!(get(&app, agent, *run).await.run.status, Status::Queued);
    }
    // One that waits for others can be cancelled, and takes nobody's place.
    let view = app.core.runs().cancel(&app.ctx(), agent, runs[2]).await.unwrap();
    assert_eq!(view.run.status, Status::Cancelled);
    assert_eq!(get(&app, agent, runs[3]).await.run.status, Status::Queued);
    app.core.runs().answer(&app.ctx(), answer_to(agent, runs[0], &json!({"name": "x"}))).await.unwrap();
    until_over(&app, agent, runs[0]).await;
    until_waiting(&app, agent, runs[3]).await;
}

#[tokio::test]
async fn a_run_spends_no_more_than_it_may() {
    let app = TestApp::start().await;
    let say = |id: &str| {
        let once = json!({"attempts": 1});
        json!({"type": "generate-text", "id": id, "prompt": id, "model": "paid/big", "retry": once})
    };
    // A call is reserved at about 12,000 millionths of a dollar and costs a few hundred: two fit one after the other.
    let row = json!({"steps": [say("one"), say("two")], "budget_usd": 0.018});
    let agent = agent_that(&app, row).await;
    let run = begin(&app, agent, Value::Null).await;
    let view = until_over(&app, agent, run).await;
    assert_eq!(view.run.status, Status::Completed, "{view:#?}");
    assert!(view.run.cost.0 > 0 && view.run.cost.0 <= 18_000, "{:?}", view.run.cost);
    // Not side by side: what the first may cost is held back until it is known.
    app.models.when("slow", [Reply::Hang(vec!["…"])]);
    let wait = json!({"type": "wait", "id": "wait", "seconds": 1});
    let both = json!({"type": "parallel", "id": "both", "branches": [[say("slow")], [wait, say("two")]]});
    let agent = agent_that(&app, json!({"steps": [both], "budget_usd": 0.018})).await;
    let run = begin(&app, agent, Value::Null).await;
    until(&app, agent, run, |_| app.models.asked().len() == 3).await;
    later(&app, Duration::from_secs(1));
    let view = until_over(&app, agent, run).await;
    assert_eq!((view.run.status, problem(&view).0), (Status::Failed, "run_budget_exceeded"), "{view:#?}");
    assert_eq!(app.models.asked().len(), 3, "the model was not asked");
}

#[tokio::test]
async fn a_run_and_all_that_was_said_in_it_is_deleted() {
    let app = TestApp::start().await;
    app.models.when("slow", [Reply::Hang(vec!["…"])]);
    let say = |id: &str| json!({"type": "generate-text", "id": id, "prompt": format!("{{{{ '{id}' }}}}")});
    let agent = agent_with(&app, json!([say("quick"), FORM("form"), say("slow")])).await;
    let run = begin(&app, agent, Value::Null).await;
    let view = until_waiting(&app, agent, run).await;
    let session = step(&view, "quick").session.unwrap();
    app.core.runs().answer(&app.ctx(), answer_to(agent, run, &json!({"name": "x"}))).await.unwrap();
    until(&app, agent, run, |view| step(view, "slow").status == "running").await;
    app.core.runs().delete(&app.ctx(), agent, run).await.unwrap();
    assert_eq!(app.core.runs().get(&app.ctx(), agent, run).await.unwrap_err().code(), "not_found");
    assert_eq!(app.core.runs().delete(&app.ctx(), agent, run).await.unwrap_err().code(), "not_found");
    assert!(app.log(session).await.is_empty());
    // The agent goes, with runs that are open.
    let run = begin(&app, agent, Value::Null).await;
    until_waiting(&app, agent, run).await;
    app.core.agents().delete(&app.ctx(), agent).await.unwrap();
    assert_eq!(app.core.runs().get(&app.ctx(), agent, run).await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn a_run_is_done_again_from_a_step_with_what_was_before_it() {
    let app = TestApp::start().await;
    let say = |id: &str, text: &str| json!({"type": "generate-text", "id": id, "prompt": text});
    let agent = agent_with(
        &app,
        json!([
            say("one", "one {{ input }}"),
            say("two", "two {{ steps.one.output }}"),
            say("three", "three {{ steps.two.output }}")
        ]),
    )
    .await;
    let first = begin(&app, agent, json!("a")).await;
    until_over(&app, agent, first).await;
    assert_eq!(app.models.asked().len(), 3);
    let again = app.core.runs().rerun(&app.ctx(), agent, first, StepId("two".into())).await.unwrap();
    assert_eq!(again.run.cause.of, Some(first));
    let view = until_over(&app, agent, again.run.id).await;
    assert_eq!(app.models.asked().len(), 5, "the first step was not done again");
    assert!(step(&view, "one").is_taken_over && !step(&view, "two").is_taken_over);
    assert_eq!(view.output, Some(json!("You said: three You said: two You said: one a")));
    let forked = app.core.runs().fork(&app.ctx(), agent, first, json!("b"), None).await.unwrap();
    let view = until_over(&app, agent, forked.run.id).await;
    assert_eq!(view.output, Some(json!("You said: three You said: two You said: one b")));
    let wrong = app.core.runs().rerun(&app.ctx(), agent, first, StepId("four".into())).await.unwrap_err();
    assert!(wrong.public().contains("four"), "{wrong}");
}

#[tokio::test]
async fn an_input_that_the_workflow_does_not_take_begins_nothing() {
    let app = TestApp::start().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let agent = agent_that(&app, json!({"steps": [FORM("a")], "input_schema": schema})).await;
    let create = |input| CreateRun { agent, input, only_armed: false };
    let wrong = app.core.runs().create(&app.ctx(), create(json!({"n": "x"}))).await.unwrap_err();
    assert!(wrong.public().starts_with("input ") && wrong.public().contains("/n"), "{wrong}");
    let armed = CreateRun { agent, input: json!({"n": 1}), only_armed: true };
    let error = app.core.runs().create(&app.ctx(), armed).await.unwrap_err();
    assert_eq!(error.code(), "workflow_not_started");
    let list = ListRuns::first(agent, None, Limit::clamped(10, 10));
    assert_eq!(app.core.runs().list(&app.ctx(), list).await.unwrap().total, 0);
    let bare = app.agent(json!({})).await;
    let create = CreateRun { agent: bare, input: Value::Null, only_armed: false };
    assert_eq!(app.core.runs().create(&app.ctx(), create).await.unwrap_err().code(), "workflow_missing");
}

#[tokio::test]
async fn a_template_that_reads_what_is_not_there_fails_the_step_without_another_try() {
    let app = TestApp::start().await;
    let agent =
        agent_with(&app, json!([{"type": "generate-text", "id": "a", "prompt": "{{ input.nothing }}"}]))
            .await;
    let run = begin(&app, agent, json!({})).await;
    let view = until_over(&app, agent, run).await;
    assert_eq!(problem(&view).0, "template_failed");
    assert_eq!(step(&view, "a").attempts, 1);
}
