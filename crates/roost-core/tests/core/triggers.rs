use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use roost_core::{
    ConfigChange, Core, HookRequest, NewSecret, PutWorkflow, Received, RotateTrigger, TriggerView,
};
use roost_domain::agent::State;
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, RunId};
use roost_domain::page::Limit;
use roost_domain::run::{Entry, Run, RunEvent, Status};
use roost_domain::secret::Secret;
use roost_domain::trigger::Outcome;
use roost_ports::store::{Error, Reader, RunFilter};
use roost_testkit::TestApp;
use serde_json::{Map, Value, json};

/// More than any of these tests has.
const ALL: Limit = Limit::clamped(1_000, 1_000);

const HOUR: Duration = Duration::from_secs(60 * 60);

/// An application in which nothing fires by itself.
async fn quiet() -> TestApp {
    TestApp::builder().without_runtime().build().await
}

/// Gives an agent a workflow whose runs wait for a person, with these triggers.
async fn put(app: &TestApp, agent: AgentId, triggers: Value) {
    let step = json!({"id": "ask", "type": "form", "fields": [{"name": "ok", "type": "boolean"}]});
    let config = json!({"triggers": triggers, "steps": [step]});
    let put = PutWorkflow { agent, config: ConfigChange::Replace(config), tags: None, expected: None };
    app.core.workflows().put(&app.ctx(), put).await.expect("the workflow is good");
}

async fn armed(app: &TestApp, triggers: Value) -> AgentId {
    let agent = app.agent(json!({})).await;
    put(app, agent, triggers).await;
    app.core.workflows().arm(&app.ctx(), agent).await.expect("it can be armed");
    agent
}

async fn trigger(app: &TestApp, agent: AgentId, name: &str) -> TriggerView {
    let all = app.core.triggers().list(&app.ctx(), agent).await.expect("triggers can be listed");
    all.into_iter().find(|view| view.standing.trigger.name == name).expect("the trigger is there")
}

/// The runs of an agent, oldest first, each with what it was given and whether that came from outside.
async fn runs(app: &TestApp, agent: AgentId) -> Vec<(Run, Value, bool)> {
    let read = move |reader: &dyn Reader| {
        let filter = RunFilter { agent, status: None, or_queued: false };
        let (mut runs, _) = reader.runs_from(&filter, 0, ALL)?;
        runs.reverse();
        let created = |run: Run| {
            let entries = reader.run_entries(run.id, Offset::START, ALL)?;
            let Some(Entry { event: RunEvent::Created { input, tainted, .. }, .. }) = entries.first() else {
                panic!("a run begins by being created: {entries:?}");
            };
            Ok((run, input.clone(), *tainted))
        };
        runs.into_iter().map(created).collect()
    };
    app.store.read::<_, Error>(read).await.expect("runs can be read")
}

async fn fire(core: &Core) -> usize {
    core.triggers().fire(ALL).await.expect("triggers can be fired")
}

fn hourly(missed: &str) -> Value {
    json!([{"type": "cron", "name": "hourly", "cron": "0 * * * *", "missed": missed}])
}

fn token(view: &TriggerView) -> Secret {
    let path = view.path.as_deref().expect("it has a URL");
    Secret::new(path.strip_prefix("/hooks/").expect("a path of hooks"))
}

fn message(token: Secret, headers: &[(&str, &str)], body: &str) -> HookRequest {
    HookRequest {
        token,
        method: "POST".into(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: body.into(),
    }
}

async fn post(
    app: &TestApp,
    agent: AgentId,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Received, String> {
    let token = token(&trigger(app, agent, "webhook").await);
    let received = app.core.triggers().receive(message(token, headers, body)).await;
    received.map_err(|error| error.code().to_owned())
}

fn begun(received: Result<Received, String>) -> RunId {
    match received {
        Ok(Received::Begun(run)) => run,
        other => panic!("no run began: {other:?}"),
    }
}

#[tokio::test]
async fn a_time_fires_once_and_the_next_one_is_set() {
    let app = quiet().await;
    let agent = armed(&app, hourly("once")).await;
    // The clock of tests begins at 14:00.
    let next = |view: &TriggerView| view.standing.next_at.map(|next| next.to_string());
    assert_eq!(next(&trigger(&app, agent, "hourly").await).as_deref(), Some("2026-02-10T15:00:00Z"));
    assert_eq!(fire(&app.core).await, 0, "nothing is due yet");
    app.clock.advance(HOUR);
    assert_eq!(fire(&app.core).await, 1);
    assert_eq!(fire(&app.core).await, 0, "it has fired");
    let [(run, input, tainted)] = runs(&app, agent).await.try_into().expect("one run");
    assert_eq!((run.cause.trigger.as_str(), run.cause.kind, tainted), ("hourly", "cron", false));
    assert_eq!(
        input,
        json!({
            "type": "cron",
            "trigger": "hourly",
            "due_at": "2026-02-10T15:00:00.000Z",
            "fired_at": "2026-02-10T15:00:00.000Z",
            "timezone": "UTC",
        })
    );
    let view = trigger(&app, agent, "hourly").await;
    assert_eq!(next(&view).as_deref(), Some("2026-02-10T16:00:00Z"));
    assert_eq!((view.standing.fired, view.last_status), (1, Some(Status::Running)));
    assert_eq!(view.fires.len(), 1);
}

#[tokio::test]
async fn a_trigger_gives_its_run_what_its_template_says() {
    let app = quiet().await;
    let triggers = json!([{"type": "cron", "name": "hourly", "cron": "0 * * * *", "input": {"at": "{{ event.due_at }}", "n": 1}}]);
    let agent = armed(&app, triggers).await;
    app.clock.advance(HOUR);
    fire(&app.core).await;
    assert_eq!(runs(&app, agent).await[0].1, json!({"at": "2026-02-10T15:00:00.000Z", "n": 1}));
}

#[tokio::test]
async fn nothing_fires_while_the_agents_triggers_are_off() {
    let app = quiet().await;
    let agent = app.agent(json!({})).await;
    put(&app, agent, hourly("all")).await;
    let is_off = async |hours: u32| {
        app.clock.advance(HOUR * hours);
        assert_eq!(fire(&app.core).await, 0);
        assert_eq!(runs(&app, agent).await.len(), 0);
        let view = trigger(&app, agent, "hourly").await;
        assert_eq!((view.is_armed, view.standing.next_at), (false, None));
    };
    is_off(3).await;
    let (core, ctx) = (&app.core, app.ctx());
    core.workflows().arm(&ctx, agent).await.unwrap();
    core.workflows().pause_triggers(&ctx, agent).await.unwrap();
    is_off(3).await;
    core.workflows().arm(&app.ctx(), agent).await.unwrap();
    core.workflows().disarm(&app.ctx(), agent).await.unwrap();
    is_off(3).await;
    // What went by meanwhile is not made up for.
    core.workflows().arm(&app.ctx(), agent).await.unwrap();
    assert_eq!(fire(&app.core).await, 0);
    app.clock.advance(HOUR);
    assert_eq!(fire(&app.core).await, 1);
    assert_eq!(runs(&app, agent).await.len(), 1);
}

#[tokio::test]
async fn what_an_agent_cannot_begin_is_written_down_with_why() {
    let app = quiet().await;
    let agent = armed(&app, hourly("once")).await;
    for state in [State::Error, State::Paused] {
        app.put_state(agent, state).await;
        app.clock.advance(HOUR);
        assert_eq!(fire(&app.core).await, 1);
    }
    let view = trigger(&app, agent, "hourly").await;
    assert_eq!((view.is_armed, view.standing.fired, view.standing.failed), (false, 0, 2));
    let Some(Outcome::NotBegun(problem)) = view.standing.last.map(|last| last.outcome) else { panic!() };
    assert_eq!(problem.code, "agent_not_running");
    assert!(problem.message.contains("the agent was paused"), "{}", problem.message);
    app.put_state(agent, State::Running).await;
    app.clock.advance(HOUR);
    assert_eq!(fire(&app.core).await, 1);
    assert_eq!(runs(&app, agent).await.len(), 1, "it goes on by itself");
}

#[tokio::test]
async fn times_that_no_server_was_up_for_are_made_up_for_as_the_policy_says() {
    let app = quiet().await;
    let agents = [
        (armed(&app, hourly("skip")).await, 0),
        (armed(&app, hourly("once")).await, 1),
        (armed(&app, hourly("all")).await, 5),
    ];
    app.clock.advance(HOUR * 5 + HOUR / 2);
    assert_eq!(fire(&app.core).await, 3);
    for (agent, expected) in agents {
        assert_eq!(runs(&app, agent).await.len(), expected);
        let view = trigger(&app, agent, "hourly").await;
        assert_eq!(view.standing.next_at, Some("2026-02-10T20:00:00Z".parse::<Timestamp>().unwrap()));
        if expected == 0 {
            let Some(Outcome::NotBegun(problem)) = view.standing.last.map(|last| last.outcome) else {
                panic!()
            };
            assert_eq!(problem.code, "missed", "it shows that something was left out");
        }
    }
    let all = runs(&app, agents[2].0).await;
    let dues: BTreeSet<_> = all.iter().filter_map(|(_, input, _)| input["due_at"].as_str()).collect();
    let hours: BTreeSet<_> = (15..20).map(|hour| format!("2026-02-10T{hour}:00:00.000Z")).collect();
    assert_eq!(dues, hours.iter().map(String::as_str).collect());
}

#[tokio::test]
async fn of_several_servers_on_one_database_one_fires() {
    let app = quiet().await;
    let mut agents = Vec::new();
    for _ in 0..20 {
        agents.push(armed(&app, hourly("once")).await);
    }
    let second = app.second_server();
    for hour in 1..=3 {
        app.clock.advance(HOUR);
        let (one, other) = tokio::join!(fire(&app.core), fire(&second));
        assert!(one + other >= agents.len(), "nobody fired: {one} and {other}");
        assert_eq!((fire(&app.core).await, fire(&second).await), (0, 0));
        for agent in &agents {
            assert_eq!(runs(&app, *agent).await.len(), hour);
            assert_eq!(trigger(&app, *agent, "hourly").await.fires.len(), hour);
        }
    }
}

#[tokio::test]
async fn a_trigger_that_stays_keeps_its_time_and_its_url_over_versions() {
    let app = quiet().await;
    let hook = json!({"type": "webhook", "name": "webhook"});
    let cron = json!({"type": "cron", "name": "hourly", "cron": "0 * * * *"});
    let agent = armed(&app, json!([hook, cron])).await;
    let before = trigger(&app, agent, "webhook").await;
    // A version that comes when something is due takes nothing away.
    app.clock.advance(HOUR);
    put(&app, agent, json!([cron, hook, {"type": "manual"}])).await;
    assert_eq!(trigger(&app, agent, "webhook").await.path, before.path);
    assert_eq!(fire(&app.core).await, 1);
    // Another time is due from now on.
    put(&app, agent, json!([hook, {"type": "cron", "name": "hourly", "cron": "30 * * * *"}])).await;
    let view = trigger(&app, agent, "hourly").await;
    assert_eq!(view.standing.next_at, Some("2026-02-10T15:30:00Z".parse::<Timestamp>().unwrap()));
    assert_eq!(view.standing.fired, 1, "what came of it stays");
    // Without its name it is gone, with its URL.
    put(&app, agent, json!([cron])).await;
    let gone = app.core.triggers().receive(message(token(&before), &[], "{}")).await.unwrap_err();
    assert_eq!(gone.code(), "not_found");
    put(&app, agent, json!([hook])).await;
    assert_ne!(trigger(&app, agent, "webhook").await.path, before.path);
    app.core.agents().delete(&app.ctx(), agent).await.unwrap();
    app.clock.advance(HOUR);
    assert_eq!(fire(&app.core).await, 0);
}

#[tokio::test]
async fn runs_that_follow_each_other_are_never_two() {
    let app = quiet().await;
    let again = json!([{"type": "continuous", "name": "again", "delay": "10s"}]);
    let agent = armed(&app, again).await;
    assert_eq!(fire(&app.core).await, 1, "the first begins at once");
    let first = runs(&app, agent).await[0].0.id;
    app.clock.advance(HOUR);
    assert_eq!(fire(&app.core).await, 0, "the first is under way");
    let refused =
        app.core.triggers().fire_now(&app.ctx(), agent, "again".into(), Map::new()).await.unwrap_err();
    assert_eq!(refused.code(), "run_under_way");
    // Turning the triggers off and on does not begin another beside it.
    app.core.workflows().disarm(&app.ctx(), agent).await.unwrap();
    app.core.workflows().arm(&app.ctx(), agent).await.unwrap();
    assert_eq!(fire(&app.core).await, 0);
    app.core.runs().cancel(&app.ctx(), agent, first).await.unwrap();
    drive(&app).await;
    assert_eq!(fire(&app.core).await, 0, "the delay has to go by");
    app.clock.advance(Duration::from_secs(9));
    assert_eq!(fire(&app.core).await, 0);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(fire(&app.core).await, 1);
    assert_eq!(runs(&app, agent).await.len(), 2);
    assert_eq!(runs(&app, agent).await[1].0.cause.kind, "continuous");
}

/// Lets runs go on as far as they do by themselves.
async fn drive(app: &TestApp) {
    while app.core.runs().advance(100).await.expect("runs go on").looked_at > 0 {}
}

#[tokio::test]
async fn what_waits_for_a_run_that_is_gone_goes_on() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "continuous", "name": "again"}])).await;
    fire(&app.core).await;
    assert_eq!(app.core.triggers().catch_up().await.unwrap(), 0, "the run is under way");
    // As an older server, or somebody with a shell, would leave it.
    let (account, run) = (app.account, runs(&app, agent).await[0].0.id);
    app.store.write::<_, Error>(move |writer| writer.delete_run(account, agent, run)).await.unwrap();
    assert_eq!(app.core.triggers().catch_up().await.unwrap(), 1);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(fire(&app.core).await, 1);
}

#[tokio::test]
async fn the_runtime_fires_by_itself() {
    let app = TestApp::start().await;
    let agent = armed(&app, hourly("once")).await;
    for hour in 1..=2 {
        app.clock.advance(HOUR);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while runs(&app, agent).await.len() < hour {
            assert!(tokio::time::Instant::now() < deadline, "it did not fire");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_message_begins_a_run_that_counts_as_text_from_outside() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook"}])).await;
    let json = [("content-type", "application/json"), ("authorization", "Bearer secret")];
    let run = begun(post(&app, agent, &json, "{\"title\": \"größer\"}").await);
    let [(found, input, tainted)] = runs(&app, agent).await.try_into().expect("one run");
    assert_eq!((found.id, found.cause.kind, tainted), (run, "webhook", true));
    assert_eq!((&input["trigger"], &input["body"]["title"]), (&json!("webhook"), &json!("größer")));
    assert_eq!(input["headers"], json!({"content-type": "application/json"}));
    let view = trigger(&app, agent, "webhook").await;
    assert_eq!((view.standing.fired, view.last_status), (1, Some(Status::Running)));
}

#[tokio::test]
async fn a_message_that_comes_again_begins_nothing() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook"}])).await;
    let key = [("idempotency-key", "order 17")];
    let run = begun(post(&app, agent, &key, "{}").await);
    assert_eq!(post(&app, agent, &key, "{}").await, Ok(Received::Repeated(run)));
    // Also when nothing would begin any more.
    app.core.workflows().disarm(&app.ctx(), agent).await.unwrap();
    assert_eq!(post(&app, agent, &key, "{}").await, Ok(Received::Repeated(run)));
    app.core.workflows().arm(&app.ctx(), agent).await.unwrap();
    assert_ne!(begun(post(&app, agent, &[("idempotency-key", "order 18")], "{}").await), run);
    // Without a name each is new.
    assert_ne!(begun(post(&app, agent, &[], "{}").await), begun(post(&app, agent, &[], "{}").await));
    assert_eq!(runs(&app, agent).await.len(), 4);
    // It is forgotten at last.
    app.clock.advance(HOUR * 24 * 8);
    assert_eq!(app.core.triggers().forget(ALL).await.unwrap(), 2);
    assert_ne!(begun(post(&app, agent, &key, "{}").await), run);
}

#[tokio::test]
async fn a_message_of_which_several_come_at_once_begins_one_run() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook"}])).await;
    let second = app.second_server();
    let token = token(&trigger(&app, agent, "webhook").await);
    let send = async |core: &Core| {
        let again = message(token.clone(), &[("webhook-id", "msg_1")], "{}");
        core.triggers().receive(again).await.expect("it is taken")
    };
    let all = tokio::join!(send(&app.core), send(&second), send(&app.core), send(&second));
    let all = [all.0, all.1, all.2, all.3];
    assert_eq!(all.iter().filter(|one| matches!(one, Received::Begun(_))).count(), 1, "{all:?}");
    assert_eq!(runs(&app, agent).await.len(), 1);
}

#[tokio::test]
async fn messages_are_turned_away_that_must_not_begin_anything() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook"}])).await;
    let nobody = app.core.triggers().receive(message(Secret::new("nobody"), &[], "{}")).await.unwrap_err();
    assert_eq!(nobody.code(), "not_found");
    let json = [("content-type", "application/json")];
    assert_eq!(post(&app, agent, &json, "{").await, Err("invalid_request".into()));
    app.put_state(agent, State::Error).await;
    assert_eq!(post(&app, agent, &[], "{}").await, Err("agent_not_running".into()));
    app.put_state(agent, State::Running).await;
    app.core.workflows().disarm(&app.ctx(), agent).await.unwrap();
    assert_eq!(post(&app, agent, &[], "{}").await, Err("trigger_not_armed".into()));
    assert_eq!(runs(&app, agent).await.len(), 0);
    let view = trigger(&app, agent, "webhook").await;
    assert_eq!(view.standing.failed, 2, "whoever looks sees that something came");
}

#[tokio::test]
async fn a_url_takes_so_many_messages_a_minute() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook"}, {"type": "webhook", "name": "other"}])).await;
    for _ in 0..60 {
        begun(post(&app, agent, &[], "{}").await);
    }
    assert_eq!(post(&app, agent, &[], "{}").await, Err("rate_limited".into()));
    let other = token(&trigger(&app, agent, "other").await);
    app.core.triggers().receive(message(other, &[], "{}")).await.expect("each URL counts by itself");
    app.clock.advance(Duration::from_secs(60));
    begun(post(&app, agent, &[], "{}").await);
}

#[tokio::test]
async fn the_secret_before_is_taken_for_a_day_and_the_url_before_is_not() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook", "signed": true}])).await;
    assert_eq!(post(&app, agent, &[], "{}").await, Err("invalid_signature".into()));
    let rotate = async |url, secret| {
        let rotate = RotateTrigger { url, secret };
        app.core.triggers().rotate(&app.ctx(), agent, "webhook".into(), rotate).await
    };
    let made = rotate(false, NewSecret::Make).await.unwrap().1.expect("a secret");
    assert!(made.expose().starts_with("whsec_"));
    let with = async |secret: &str| post(&app, agent, &[("x-webhook-secret", secret)], "{}").await;
    begun(with(made.expose()).await);
    let given = "8f742231b10e8888abcd99yyyzzz85a5";
    rotate(false, NewSecret::Given(Secret::new(given))).await.unwrap();
    begun(with(given).await);
    begun(with(made.expose()).await);
    app.clock.advance(HOUR * 24);
    assert_eq!(with(made.expose()).await, Err("invalid_signature".into()));
    let before = token(&trigger(&app, agent, "webhook").await);
    assert!(rotate(true, NewSecret::Keep).await.unwrap().1.is_none());
    let gone = app.core.triggers().receive(message(before, &[("x-webhook-secret", given)], "{}")).await;
    assert_eq!(gone.unwrap_err().code(), "not_found");
    begun(with(given).await);
    for wrong in ["short", "with space in it", "größer-als-ascii"] {
        assert!(rotate(false, NewSecret::Given(Secret::new(wrong))).await.is_err(), "{wrong}");
    }
    assert!(rotate(false, NewSecret::Keep).await.is_err(), "nothing is asked for");
}

#[tokio::test]
async fn a_trigger_can_be_tried_while_it_is_off() {
    let app = quiet().await;
    let agent = app.agent(json!({})).await;
    put(&app, agent, json!([{"type": "webhook", "input": {"title": "{{ event.body.title }}"}}])).await;
    let event = json!({"body": {"title": "A try"}}).as_object().unwrap().clone();
    let tried = app.core.triggers().fire_now(&app.ctx(), agent, "webhook".into(), event).await.unwrap();
    let [(run, input, tainted)] = runs(&app, agent).await.try_into().expect("one run");
    assert_eq!((run.id, input, tainted), (tried, json!({"title": "A try"}), true));
    assert_eq!(run.cause.by.as_deref(), Some("test"), "it is told who did that");
    // What its template cannot be made of begins nothing.
    let failed =
        app.core.triggers().fire_now(&app.ctx(), agent, "webhook".into(), Map::new()).await.unwrap_err();
    assert_eq!(failed.code(), "template_failed");
    app.core.agents().stop(&app.ctx(), agent).await.unwrap();
    let stopped =
        app.core.triggers().fire_now(&app.ctx(), agent, "webhook".into(), Map::new()).await.unwrap_err();
    assert_eq!(stopped.code(), "agent_not_running");
    assert_eq!(runs(&app, agent).await.len(), 1);
}

#[tokio::test]
async fn another_accounts_triggers_are_not_there() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook"}])).await;
    let stranger = app.stranger().await;
    assert!(app.core.triggers().list(&stranger, agent).await.is_err());
    let rotate = RotateTrigger { url: true, secret: NewSecret::Keep };
    assert!(app.core.triggers().rotate(&stranger, agent, "webhook".into(), rotate).await.is_err());
    assert!(app.core.triggers().fire_now(&stranger, agent, "webhook".into(), Map::new()).await.is_err());
    begun(post(&app, agent, &[], "{}").await);
}

fn github(secret: &str, delivery: &'static str, body: &str) -> Vec<(&'static str, String)> {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key does");
    let bytes = mac.chain_update(body).finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        ("x-hub-signature-256", format!("sha256={hex}")),
        ("x-github-delivery", delivery.to_owned()),
        ("x-github-event", "issues".to_owned()),
    ]
}

/// Sends a message as GitHub does to the trigger called webhook.
async fn deliver(
    app: &TestApp,
    agent: AgentId,
    secret: &str,
    delivery: &'static str,
    body: &str,
) -> Result<Received, String> {
    let headers = github(secret, delivery, body);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    post(app, agent, &headers, body).await
}

async fn with_secret(app: &TestApp, agent: AgentId, secret: &str) {
    let rotate = RotateTrigger { url: false, secret: NewSecret::Given(Secret::new(secret)) };
    app.core
        .triggers()
        .rotate(&app.ctx(), agent, "webhook".into(), rotate)
        .await
        .expect("the secret is good");
}

#[tokio::test]
async fn a_signature_is_good_once_as_long_as_its_secret_is() {
    let app = quiet().await;
    let agent = armed(&app, json!([{"type": "webhook", "signed": true}])).await;
    with_secret(&app, agent, "secret-one").await;
    let run = begun(deliver(&app, agent, "secret-one", "a", "{}").await);
    assert_eq!(deliver(&app, agent, "secret-one", "a", "{}").await, Ok(Received::Repeated(run)));
    assert_eq!(deliver(&app, agent, "secret-one", "b", "{}").await, Err("already_received".into()));
    begun(deliver(&app, agent, "secret-one", "c", "[]").await);
    // The same secret once more is no other one.
    with_secret(&app, agent, "secret-one").await;
    app.clock.advance(HOUR * 24 * 30);
    assert_eq!(app.core.triggers().forget(ALL).await.unwrap(), 2, "the ids");
    assert_eq!(deliver(&app, agent, "secret-one", "b", "{}").await, Err("already_received".into()));
    assert_eq!(deliver(&app, agent, "secret-one", "a", "{}").await, Err("already_received".into()));
    // With another secret they go at last.
    with_secret(&app, agent, "secret-two").await;
    app.clock.advance(HOUR * 23);
    assert_eq!(deliver(&app, agent, "secret-one", "b", "{}").await, Err("already_received".into()));
    app.clock.advance(HOUR * 24 * 8);
    assert_eq!(deliver(&app, agent, "secret-one", "b", "{}").await, Err("invalid_signature".into()));
    assert_eq!(app.core.triggers().forget(ALL).await.unwrap(), 2, "the signatures");
    begun(deliver(&app, agent, "secret-two", "a", "{}").await);
}

#[tokio::test]
async fn a_service_begins_runs_with_the_events_that_its_trigger_waits_for() {
    let app = quiet().await;
    let wanted = json!([{
        "type": "integration", "name": "webhook", "integration": "github", "event": "issues.opened",
        "filter": {"repository.name": "shop"},
    }]);
    let agent = armed(&app, wanted).await;
    with_secret(&app, agent, "secret-one").await;
    for other in [
        r#"{"action":"closed","repository":{"name":"shop"}}"#,
        r#"{"action":"opened","repository":{"name":"x"}}"#,
    ] {
        assert_eq!(deliver(&app, agent, "secret-one", "a", other).await, Ok(Received::Ignored), "{other}");
    }
    assert_eq!(post(&app, agent, &[("x-github-event", "push")], "{}").await, Err("invalid_signature".into()));
    assert_eq!(runs(&app, agent).await.len(), 0);
    let opened = r#"{"action":"opened","repository":{"name":"shop"}}"#;
    begun(deliver(&app, agent, "secret-one", "a", opened).await);
    let view = trigger(&app, agent, "webhook").await;
    assert_eq!((view.standing.fired, view.standing.failed), (1, 0), "what is ignored is no failure");
}

#[tokio::test]
async fn a_clock_that_goes_back_fires_no_time_twice_and_stops_nothing() {
    let app = quiet().await;
    let agent = armed(&app, hourly("once")).await;
    for _ in 0..2 {
        app.clock.advance(HOUR);
        assert_eq!(fire(&app.core).await, 1);
    }
    let standing = trigger(&app, agent, "hourly").await.standing;
    let (last, next) = (standing.last.clone().expect("it fired").due_at, standing.next_at);
    // Another server, whose clock is an hour behind, has set it back.
    let back = roost_domain::trigger::Standing { next_at: Some(last), ..standing.clone() };
    app.store.write(move |writer| writer.update_trigger(&back)).await.unwrap();
    assert_eq!(fire(&app.core).await, 1);
    assert_eq!(fire(&app.core).await, 0, "it is not due any more");
    assert_eq!(trigger(&app, agent, "hourly").await.standing.next_at, next);
    assert_eq!(runs(&app, agent).await.len(), 2);
    // The same while nothing can begin.
    let back = roost_domain::trigger::Standing { next_at: Some(last), ..standing.clone() };
    app.store.write(move |writer| writer.update_trigger(&back)).await.unwrap();
    app.put_state(agent, State::Error).await;
    assert_eq!(fire(&app.core).await, 1);
    assert_eq!(trigger(&app, agent, "hourly").await.standing.next_at, next);
    app.put_state(agent, State::Running).await;
    // Armed anew, it waits for the first time that has not fired.
    let mut ahead = standing;
    let fired = next.expect("it is due again");
    ahead.last.as_mut().expect("it fired").due_at = fired;
    app.store.write(move |writer| writer.update_trigger(&ahead)).await.unwrap();
    app.core.workflows().disarm(&app.ctx(), agent).await.unwrap();
    app.core.workflows().arm(&app.ctx(), agent).await.unwrap();
    assert_eq!(trigger(&app, agent, "hourly").await.standing.next_at, Some(fired + HOUR));
}
