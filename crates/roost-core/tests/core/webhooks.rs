use std::time::Duration;

use roost_core::{
    CreateWebhookEndpoint, Ctx, Evaluate, Kind, ListDeliveries, NewWebhookEndpoint, PutPolicy,
    UpdateWebhookEndpoint,
};
use roost_domain::id::EndpointId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::secret::Secret;
use roost_domain::webhook::{Delivery, Status};
use roost_ports::store::{DeliveryFilter, TurnPhase};
use roost_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::approvals::{decision, pending};

const URL: &str = "https://example.com/hook";

fn new(kinds: &[&str]) -> CreateWebhookEndpoint {
    CreateWebhookEndpoint {
        url: URL.to_owned(),
        kinds: kinds.iter().map(|kind| kind.parse().expect("is a pattern")).collect(),
        description: String::new(),
        secret: None,
    }
}

pub(super) async fn endpoint(app: &TestApp, kinds: &[&str]) -> NewWebhookEndpoint {
    app.core.webhooks().create(&app.ctx(), new(kinds)).await.expect("an endpoint can be made")
}

/// Makes an agent ask for leave.
async fn ask(app: &TestApp) -> roost_core::Posted {
    let agent = app.agent(json!({"policy": "strict"})).await;
    // Each agent has answers of its own.
    let go = format!("go, {agent}");
    let wants = Reply::Use("", vec![("shell", json!({"command": "ls"}))]);
    app.models.when(&go, [wants, Reply::Say(vec!["Done."])]);
    let posted = app.post(agent, &go).await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    posted
}

pub(super) async fn deliveries(app: &TestApp, ctx: &Ctx, endpoint: EndpointId) -> Vec<Delivery> {
    let filter = DeliveryFilter { endpoint, status: None };
    let list = ListDeliveries { filter, after: None, limit: Limit::clamped(100, 100) };
    app.core.webhooks().deliveries(ctx, list).await.expect("deliveries can be listed").rows
}

/// Waits until a delivery is as the test wants it.
async fn until(app: &TestApp, endpoint: EndpointId, wanted: impl Fn(&Delivery) -> bool) -> Delivery {
    let wait = async {
        loop {
            let all = deliveries(app, &app.ctx(), endpoint).await;
            if let Some(delivery) = all.into_iter().find(&wanted) {
                return delivery;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the delivery becomes as wanted")
}

fn kinds(taken: &[roost_testkit::TakenWebhook]) -> Vec<&str> {
    let mut kinds: Vec<_> = taken.iter().filter_map(|taken| taken.body["type"].as_str()).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test]
async fn an_endpoint_is_told_what_it_wants_to_know() {
    let app = TestApp::start().await;
    let all = endpoint(&app, &[]).await;
    endpoint(&app, &["approval.approved"]).await;
    endpoint(&app, &["gate.*"]).await;
    ask(&app).await;
    let taken = app.webhooks.until(1).await;
    let approval = pending(&app).await.pop().expect("one waits");
    assert_eq!(taken[0].url, URL);
    assert_eq!(taken[0].secrets[0].expose(), all.secret.expose());
    let Value::Object(body) = &taken[0].body else { panic!("{:?}", taken[0].body) };
    assert_eq!(body["type"], "approval.requested");
    assert_eq!(body["timestamp"], "2026-02-10T14:00:00.000Z");
    assert_eq!(body["data"]["approval_id"], approval.id.to_string());
    assert_eq!(body["data"]["parameters"], json!({"command": "ls"}));
    assert_eq!(body["data"]["expires_at"], "2026-02-11T14:00:00.000Z");
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    let taken = app.webhooks.until(3).await;
    assert_eq!(kinds(&taken), ["approval.approved", "approval.approved", "approval.requested"]);
    let done = until(&app, all.endpoint.id, |delivery| delivery.status == Status::Delivered).await;
    assert_eq!((done.attempts, done.last_status), (1, Some(204)));
    assert!(taken.iter().any(|taken| taken.id == done.id.to_string()));
}

#[tokio::test]
async fn an_approval_that_is_withdrawn_is_told_too() {
    let app = TestApp::start().await;
    endpoint(&app, &["approval.withdrawn"]).await;
    let posted = ask(&app).await;
    let agent = pending(&app).await[0].waiting.clone().expect("a turn waits").agent;
    app.core.sessions().cancel(&app.ctx(), agent, posted.session).await.expect("can be cancelled");
    let taken = app.webhooks.until(1).await;
    assert_eq!(taken[0].body["data"]["status"], "withdrawn");
}

#[tokio::test]
async fn blocked_calls_are_told_where_the_policy_wants_it() {
    let app = TestApp::start().await;
    endpoint(&app, &["gate.blocked"]).await;
    for (name, on_block) in [("quiet", "log"), ("loud", "alert")] {
        let document = json!({"block": ["shell"], "on_block": on_block});
        let subject: roost_domain::subject::Subject = name.parse().expect("is a subject");
        let put = PutPolicy { subject: subject.clone(), document, strict: false, dry_run: false };
        app.core.policies().put(&app.ctx(), put).await.expect("the policy is good");
        let call = Evaluate {
            subject,
            tool: "shell".to_owned(),
            parameters: serde_json::Map::new(),
            run: None,
            triggered_by: None,
        };
        app.core.gate().evaluate(&app.ctx(), call).await.expect("is decided");
    }
    let taken = app.webhooks.until(1).await;
    assert_eq!(taken[0].body["data"]["agent_id"], "loud");
    assert_eq!(taken[0].body["data"]["code"], "blocked_by_rule");
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_under_the_same_id() {
    let app = TestApp::start().await;
    let id = endpoint(&app, &[]).await.endpoint.id;
    app.webhooks.answer([Ok(500), Err("nobody there")]);
    ask(&app).await;
    let failed = until(&app, id, |delivery| delivery.last_status == Some(500)).await;
    assert_eq!(failed.last_error.as_deref(), Some("the endpoint answered 500"));
    assert_eq!(failed.next_at, Some(app.core.now() + Duration::from_secs(5)));
    app.clock.advance(Duration::from_secs(5));
    until(&app, id, |delivery| delivery.last_error.as_deref() == Some("nobody there")).await;
    app.clock.advance(Duration::from_secs(30));
    let done = until(&app, id, |delivery| delivery.status == Status::Delivered).await;
    let ids: Vec<_> = app.webhooks.taken().into_iter().map(|taken| taken.id).collect();
    assert_eq!((ids, done.attempts), (vec![done.id.to_string(); 3], 3));
}

#[tokio::test]
async fn what_a_dead_process_had_under_way_is_sent_again() {
    let mut app = TestApp::start().await;
    let id = endpoint(&app, &["approval.requested"]).await.endpoint.id;
    app.webhooks.stall(true);
    ask(&app).await;
    app.webhooks.until(1).await;
    app.kill_runtime().await;
    app.webhooks.stall(false);
    app.start_runtime();
    let done = until(&app, id, |delivery| delivery.status == Status::Delivered).await;
    let taken = app.webhooks.taken();
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().all(|taken| taken.id == done.id.to_string()));
    assert_eq!(done.attempts, 2);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_turned_off_and_can_be_turned_on_again() {
    let app = TestApp::start().await;
    let id = endpoint(&app, &["approval.requested"]).await.endpoint.id;
    app.webhooks.answer([Ok(410)]);
    ask(&app).await;
    until(&app, id, |delivery| delivery.status == Status::Failed).await;
    let webhooks = app.core.webhooks();
    let off = webhooks.get(&app.ctx(), id).await.expect("is there");
    assert_eq!(off.disabled_at, Some(app.core.now()));
    let delivery = deliveries(&app, &app.ctx(), id).await.remove(0);
    let error = webhooks.redeliver(&app.ctx(), delivery.id).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::InvalidState, "webhook_endpoint_disabled"));
    ask(&app).await;
    assert_eq!(deliveries(&app, &app.ctx(), id).await.len(), 1, "nothing new is written down for it");

    let on = UpdateWebhookEndpoint { enabled: Some(true), ..UpdateWebhookEndpoint::default() };
    assert_eq!(webhooks.update(&app.ctx(), id, on).await.expect("can be changed").disabled_at, None);
    webhooks.redeliver(&app.ctx(), delivery.id).await.expect("can be sent again");
    let done = until(&app, id, |delivery| delivery.status == Status::Delivered).await;
    assert_eq!((done.id, done.attempts), (delivery.id, 1));
}

#[tokio::test]
async fn turning_an_endpoint_off_gives_up_what_is_pending() {
    let app = TestApp::start().await;
    let id = endpoint(&app, &[]).await.endpoint.id;
    app.webhooks.answer([Ok(500)]);
    ask(&app).await;
    until(&app, id, |delivery| delivery.last_status == Some(500)).await;
    let off = UpdateWebhookEndpoint { enabled: Some(false), ..UpdateWebhookEndpoint::default() };
    app.core.webhooks().update(&app.ctx(), id, off).await.expect("can be changed");
    let given_up = deliveries(&app, &app.ctx(), id).await.remove(0);
    assert_eq!((given_up.status, given_up.next_at), (Status::Failed, None));
    assert_eq!(given_up.last_error.as_deref(), Some("the endpoint was turned off"));
}

#[tokio::test]
async fn the_secret_before_signs_too_for_a_day() {
    let app = TestApp::start().await;
    let made = endpoint(&app, &["approval.requested"]).await;
    assert!(made.secret.expose().starts_with("whsec_"));
    let given = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let rotated = app.core.webhooks().rotate_secret(&app.ctx(), made.endpoint.id, Some(given)).await;
    assert_eq!(rotated.expect("can be rotated").secret.expose(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    ask(&app).await;
    let texts = |taken: &roost_testkit::TakenWebhook| {
        taken.secrets.iter().map(|secret| secret.expose().to_owned()).collect::<Vec<_>>()
    };
    let both = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", made.secret.expose()];
    assert_eq!(texts(&app.webhooks.until(1).await[0]), both);
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    ask(&app).await;
    assert_eq!(texts(&app.webhooks.until(2).await[1]), both[..1]);
}

#[tokio::test]
async fn what_is_wrong_with_an_endpoint_is_named_and_its_secret_never_repeated() {
    let app = TestApp::start().await;
    let create = async |new| app.core.webhooks().create(&app.ctx(), new).await.err().expect("is refused");
    let bad_url = CreateWebhookEndpoint { url: "http://example.com".to_owned(), ..new(&[]) };
    assert_eq!(create(bad_url).await.public(), "url must begin with https://");
    let unknown = create(new(&["approval.*", "approvals.*"])).await;
    assert!(unknown.public().starts_with("events has approvals.*, which means no event"), "{unknown}");
    for secret in
        ["hunter2hunter2", "whsec_aHVudGVyMg==", "whsec_hunter2*", "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg=="]
    {
        let error = create(CreateWebhookEndpoint { secret: Some(Secret::new(secret)), ..new(&[]) }).await;
        assert!(error.public().starts_with("secret must be whsec_"), "{error}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
    for _ in 0..50 {
        endpoint(&app, &[]).await;
    }
    let full = create(new(&[])).await;
    assert_eq!((full.kind(), full.code()), (Kind::QuotaExceeded, "too_many_webhook_endpoints"));
}

#[tokio::test]
async fn endpoints_are_their_accounts_and_for_admins() {
    let app = TestApp::start().await;
    let id = endpoint(&app, &[]).await.endpoint.id;
    ask(&app).await;
    let delivery = until(&app, id, |delivery| delivery.status == Status::Delivered).await.id;
    let others: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != Scope::Admin).collect();
    let webhooks = app.core.webhooks();
    for (ctx, kind) in [(app.stranger().await, Kind::NotFound), (app.ctx_with(&others), Kind::Forbidden)] {
        let filter = DeliveryFilter { endpoint: id, status: None };
        let list = ListDeliveries { filter, after: None, limit: Limit::clamped(1, 1) };
        let errors = [
            webhooks.get(&ctx, id).await.err(),
            webhooks.update(&ctx, id, UpdateWebhookEndpoint::default()).await.err(),
            webhooks.delete(&ctx, id).await.err(),
            webhooks.rotate_secret(&ctx, id, None).await.err(),
            webhooks.deliveries(&ctx, list).await.err(),
            webhooks.redeliver(&ctx, delivery).await.err(),
        ];
        assert!(
            errors.iter().all(|error| error.as_ref().is_some_and(|error| error.kind() == kind)),
            "{errors:?}"
        );
    }
    assert_eq!(webhooks.list(&app.ctx()).await.expect("can be listed").len(), 1);
    webhooks.delete(&app.ctx(), id).await.expect("can be deleted");
    assert!(webhooks.list(&app.ctx()).await.expect("can be listed").is_empty());
}

#[tokio::test]
async fn what_is_rolled_back_is_not_told() {
    let app = TestApp::start().await;
    let id = endpoint(&app, &[]).await.endpoint.id;
    ask(&app).await;
    app.webhooks.until(1).await;
    let approval = pending(&app).await.pop().expect("one waits");
    let decide = async || app.core.approvals().decide(&app.ctx(), decision(&approval, false)).await;
    decide().await.expect("can be denied");
    decide().await.expect_err("is decided");
    until(&app, id, |delivery| delivery.kind == "approval.denied" && delivery.status == Status::Delivered)
        .await;
    assert_eq!(deliveries(&app, &app.ctx(), id).await.len(), 2);
}

#[tokio::test]
async fn deliveries_that_are_over_go_after_a_month() {
    let app = TestApp::start().await;
    let id = endpoint(&app, &["approval.requested"]).await.endpoint.id;
    ask(&app).await;
    until(&app, id, |delivery| delivery.status == Status::Delivered).await;
    let expire = async || app.core.webhooks().expire(Limit::clamped(10, 10)).await.expect("can be removed");
    app.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(expire().await, 0);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(expire().await, 1);
    assert!(deliveries(&app, &app.ctx(), id).await.is_empty());
}
