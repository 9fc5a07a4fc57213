//! Runs that cannot go on, and those that must not be forgotten.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use roost_core::ListArtifacts;
use roost_domain::agent::State;
use roost_domain::id::FormId;
use roost_domain::model::Usage;
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{self, ArtifactFilter, FormStatus, KeptForm, KeptRun, Reader, Writer};

use super::*;

struct Woken(tokio::sync::Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

async fn write<T: Send + 'static>(
    app: &TestApp,
    work: impl FnOnce(&mut dyn Writer) -> Result<T, store::Error> + Send + 'static,
) -> T {
    app.store.write(work).await.expect("can be written")
}

#[tokio::test]
async fn a_run_ends_though_its_agent_is_stopped_just_when_it_is_looked_at() {
    let app = TestApp::builder().without_runtime().build().await;
    let agent = agent_with(&app, json!([FORM("a")])).await;
    app.put_state(agent, State::Running).await;
    let run = begin(&app, agent, Value::Null).await;
    let runs = app.core.runs();
    let mut advance = pin!(runs.advance(9));
    let woken = Arc::new(Woken(tokio::sync::Notify::new()));
    let waker = Waker::from(Arc::clone(&woken));
    assert!(matches!(advance.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending));
    // It was read, and nothing is written yet.
    tokio::time::timeout(PATIENCE, woken.0.notified()).await.expect("the store writes");
    app.core.agents().stop(&app.ctx(), agent).await.expect("the store writes");
    advance.await.expect("the store writes");
    runs.advance(9).await.expect("the store writes");
    assert_eq!(get(&app, agent, run).await.run.status, Status::Cancelled);
}

#[tokio::test]
async fn a_run_that_cannot_be_written_is_given_up_with_all_that_it_does_and_keeps_no_other() {
    let app = TestApp::start().await;
    app.models.when("slow", [Reply::Hang(vec!["…"])]);
    let slow = json!({"type": "generate-text", "id": "slow", "prompt": "slow"});
    let steps = json!([{"type": "parallel", "id": "both", "branches": [[slow], [FORM("ask")]]}]);
    let agent = agent_with(&app, steps).await;
    let bad = begin(&app, agent, Value::Null).await;
    let view =
        until(&app, agent, bad, |view| view.forms.len() == 1 && step(view, "slow").status == "running").await;
    let (form, session) = (view.forms[0].id, step(&view, "slow").session.unwrap());
    // More than the store can keep.
    let usage = Usage { input: Tokens(u64::MAX), ..Usage::default() };
    let event = RunEvent::StepSucceeded {
        step: step(&view, "slow").key.clone(),
        output: Value::Null,
        cost: MicroUsd::ZERO,
        usage,
        tainted: false,
    };
    let now = app.core.now();
    write(&app, move |writer| {
        writer.append_run(bad, now, &[event])?;
        writer.wake_run(bad, now)
    })
    .await;
    let good = begin(&app, agent, Value::Null).await;
    let view = until_over(&app, agent, bad).await;
    assert_eq!((view.run.status, problem(&view).0), (Status::Failed, "internal"));
    assert_eq!(step(&view, "ask").status, "cancelled");
    until(&app, agent, good, |view| view.forms.len() == 1).await;
    let answer = AnswerRun { form: Some(form), ..answer_to(agent, bad, &json!({"name": "x"})) };
    assert_eq!(app.core.runs().answer(&app.ctx(), answer).await.unwrap_err().code(), "run_not_waiting");
    let still_open = move |reader: &dyn Reader| reader.open_turns_of_run(bad);
    let let_go = tokio::time::timeout(PATIENCE, async {
        while !app.store.read(still_open).await.expect("the store writes").is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let_go.await.expect("its turn is cancelled");
    assert!(app.log(session).await.len() > 3);
    assert_eq!(names(&log(&app, agent, bad).await).last().unwrap(), "ended");
}

#[tokio::test]
async fn a_queued_run_whose_workflow_cannot_be_read_keeps_no_other_from_beginning() {
    let app = TestApp::start().await;
    let agent = agent_that(&app, json!({"steps": [FORM("a")], "concurrency": 1})).await;
    let first = begin(&app, agent, Value::Null).await;
    until_waiting(&app, agent, first).await;
    app.clock.advance(Duration::from_millis(1));
    let lost = write(&app, move |writer| {
        let like = writer.run_of_any_account(first)?.unwrap();
        let id = RunId::from_uuid(uuid::Uuid::from_u128(77));
        let created_at = like.run.created_at + Duration::from_micros(1);
        let run = roost_domain::run::Run { id, version: 99, status: Status::Queued, created_at, ..like.run };
        writer.insert_run(&KeptRun { run, offset: Offset::START, due_at: None, ..like })?;
        Ok(id)
    })
    .await;
    let second = begin(&app, agent, Value::Null).await;
    assert_eq!(get(&app, agent, second).await.run.status, Status::Queued);
    app.core
        .runs()
        .answer(&app.ctx(), answer_to(agent, first, &json!({"name": "x"})))
        .await
        .expect("the store writes");
    assert_eq!(until_over(&app, agent, first).await.run.status, Status::Completed);
    until_waiting(&app, agent, second).await;
    let lost = app
        .store
        .read(move |reader| reader.run_of_any_account(lost))
        .await
        .expect("the store writes")
        .unwrap();
    assert_eq!((lost.run.status, lost.due_at), (Status::Failed, None));
}

#[tokio::test]
async fn a_form_is_shown_however_many_were_closed_before_it() {
    let app = TestApp::start().await;
    let agent = agent_with(&app, json!([FORM("a")])).await;
    let run = begin(&app, agent, Value::Null).await;
    let open = until_waiting(&app, agent, run).await.forms.remove(0);
    let step = open.step.clone();
    let opened_at = open.opened_at - Duration::from_secs(1);
    write(&app, move |writer| {
        (0..1_000).try_for_each(|number| {
            writer.insert_form(&KeptForm {
                id: FormId::from_uuid(uuid::Uuid::from_u128(number)),
                run,
                step: step.clone(),
                status: FormStatus::Closed,
                opened_at,
                expires_at: None,
                closed_at: Some(opened_at),
            })
        })
    })
    .await;
    assert_eq!(get(&app, agent, run).await.forms, [open]);
    app.core
        .runs()
        .answer(&app.ctx(), answer_to(agent, run, &json!({"name": "x"})))
        .await
        .expect("the store writes");
    assert_eq!(until_over(&app, agent, run).await.run.status, Status::Completed);
}

#[tokio::test]
async fn a_judge_sees_what_its_step_made_and_no_other_artifact() {
    let app = TestApp::start().await;
    let told = "Draw owl\n\nAnswer with one whole HTML document alone, from <!doctype html> on, with its styles and \
                scripts in it. It is shown without a network: nothing may be loaded from elsewhere.";
    app.models.when(told, [Reply::Say(vec!["<!doctype html><p>a secret</p>"])]);
    let make = json!({"type": "generate-artifact", "id": "page", "prompt": "Draw owl", "title": "T",
        "success_criteria": [{"judge": "It is kind."}], "retry": {"attempts": 1}});
    let agent = agent_with(&app, json!([make])).await;
    let run = begin(&app, agent, Value::Null).await;
    until_over(&app, agent, run).await;
    let asked = |place: usize| format!("{:?}", app.models.asked()[place].messages);
    assert!(asked(1).contains("What the artifact holds") && asked(1).contains("a secret"), "{}", asked(1));
    let list =
        ListArtifacts { agent, filter: ArtifactFilter::default(), after: None, limit: Limit::clamped(1, 1) };
    let made = app.core.artifacts().list(&app.ctx(), list).await.expect("the store writes").rows.remove(0);
    let names = format!("{{\"artifact_id\": \"{}\"}}", made.id);
    let schema = json!({"type": "object"});
    let told = format!(
        "say\n\nAnswer with JSON alone, without a word around it, that keeps to this JSON Schema:\n{schema}"
    );
    app.models.when(&told, [Reply::Say(vec![names.leak()])]);
    let say = json!({"type": "generate-text", "id": "say", "prompt": "say", "outputs": schema,
        "success_criteria": [{"judge": "It is kind."}], "retry": {"attempts": 1}});
    let other = agent_with(&app, json!([say])).await;
    let run = begin(&app, other, Value::Null).await;
    until_over(&app, other, run).await;
    assert!(asked(3).contains("It is kind.") && !asked(3).contains("a secret"), "{}", asked(3));
}
