use std::collections::BTreeMap;

use roost_core::{
    Answer, ConnectionsView, Ctx, DescribeService, DocumentSource, Error, Kind, Poll, PutClient,
    PutConnectionKey, StartConnection,
};
use roost_domain::connection::{MissingReason, Status};
use roost_domain::event::TurnEvent;
use roost_domain::id::AgentId;
use roost_domain::integration::{Access, ClientAuth, Integration, OAuth, Placement};
use roost_domain::page::Limit;
use roost_domain::secret::Secret;
use roost_domain::tool::ToolStatus;
use roost_ports::integrations::Error as ServiceError;
use roost_testkit::{Reply, TestApp};
use serde_json::{Value, json};

fn name(integration: &str) -> StartConnection {
    StartConnection { integration: integration.to_owned(), scopes: None, fields: BTreeMap::new() }
}

fn client() -> PutClient {
    PutClient {
        client_id: "roost".to_owned(),
        secret: Some(Secret::new("the client's secret")),
        scopes: None,
        fields: BTreeMap::new(),
    }
}

async fn with_client(app: &TestApp, integration: &str) {
    app.core.integrations().put_client(&app.ctx(), integration, client()).await.expect("it can be set");
}

/// Begins and returns the state.
async fn begin(app: &TestApp, agent: AgentId, start: StartConnection) -> String {
    let started = app.core.connections().start(&app.ctx(), agent, start).await.expect("it begins");
    let (_, state) = started.url.split_once("state=").expect("it has a state");
    state.split('&').next().expect("a state").to_owned()
}

fn answer(state: &str, code: &str) -> Answer {
    Answer {
        state: Some(state.to_owned()),
        code: Some(Secret::new(code)),
        error: None,
        error_description: None,
        issuer: None,
        cookies: String::new(),
    }
}

async fn view(app: &TestApp, agent: AgentId) -> ConnectionsView {
    app.core.connections().of_agent(&app.ctx(), agent).await.expect("it can be seen")
}

async fn connect(app: &TestApp, agent: AgentId) {
    let state = begin(app, agent, name("petshop")).await;
    app.core.connections().finish(answer(&state, "code")).await.expect("it is connected");
}

async fn describe(app: &TestApp) {
    let from = DocumentSource::Text("pets".to_owned());
    let describe = DescribeService { name: "petshop".to_owned(), from };
    app.core.integrations().describe(&app.ctx(), describe).await.expect("it can be read");
}

fn code(error: &Error) -> (Kind, &'static str) {
    (error.kind(), error.code())
}

#[tokio::test]
async fn leave_is_asked_for_given_once_and_makes_the_agent_ready() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["petshop", "petshop", "nobody"]})).await;
    let missing = |view: &ConnectionsView| -> Vec<(String, MissingReason)> {
        view.missing.iter().map(|one| (one.integration.clone(), one.reason)).collect()
    };
    let unknown = ("nobody".to_owned(), MissingReason::Unknown);
    assert_eq!(
        missing(&view(&app, agent).await),
        [("petshop".to_owned(), MissingReason::NoClient), unknown.clone()]
    );
    let refused = app.core.connections().start(&app.ctx(), agent, name("petshop")).await.unwrap_err();
    assert_eq!(code(&refused), (Kind::InvalidState, "no_oauth_client"));
    with_client(&app, "petshop").await;
    assert_eq!(missing(&view(&app, agent).await)[0].1, MissingReason::NotConnected);

    let state = begin(&app, agent, name("petshop")).await;
    let finished = app.core.connections().finish(answer(&state, "code")).await.expect("it is connected");
    assert_eq!((finished.title.as_str(), finished.ready), ("Petshop", false));
    // 43 characters are 32 random bytes; the challenge was made of them.
    assert_eq!(app.integrations.asked(), ["exchange code 43"]);
    let now = view(&app, agent).await;
    assert_eq!((missing(&now), now.connections[0].status), (vec![unknown], Status::Active));
    assert_eq!(now.connections[0].scopes, ["read"]);
    let again = app.core.connections().finish(answer(&state, "code")).await.unwrap_err();
    assert_eq!(code(&again), (Kind::Conflict, "oauth_state_used"));
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_leaves_everything_as_it_was() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["petshop"]})).await;
    with_client(&app, "petshop").await;
    connect(&app, agent).await;
    let before = view(&app, agent).await;
    let finish = async |answer| app.core.connections().finish(answer).await.unwrap_err();
    assert_eq!(code(&finish(answer("forged", "code")).await), (Kind::InvalidInput, "oauth_state_unknown"));
    assert_eq!(code(&finish(Answer { state: None, ..answer("", "c") }).await).1, "oauth_state_unknown");
    let state = begin(&app, agent, name("petshop")).await;
    let denied =
        finish(Answer { code: None, error: Some("access_denied".to_owned()), ..answer(&state, "") }).await;
    assert_eq!(code(&denied), (Kind::Forbidden, "oauth_denied"));
    assert!(denied.public().contains("access_denied"), "{denied}");
    let state = begin(&app, agent, name("petshop")).await;
    let refused = ServiceError::Refused { code: "invalid_grant".to_owned(), detail: None };
    app.integrations.then(Err(refused));
    assert_eq!(code(&finish(answer(&state, "code")).await), (Kind::Unavailable, "oauth_exchange_failed"));
    let state = begin(&app, agent, name("petshop")).await;
    app.clock.advance(std::time::Duration::from_secs(15 * 60));
    assert_eq!(code(&finish(answer(&state, "code")).await), (Kind::Conflict, "oauth_state_expired"));
    assert_eq!(view(&app, agent).await, before);
}

#[tokio::test]
async fn nobody_connects_anothers_agent_or_sees_its_connections() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    with_client(&app, "petshop").await;
    connect(&app, agent).await;
    let stranger: Ctx = app.stranger().await;
    let connections = app.core.connections();
    assert_eq!(
        connections.start(&stranger, agent, name("petshop")).await.unwrap_err().kind(),
        Kind::NotFound
    );
    assert_eq!(connections.of_agent(&stranger, agent).await.unwrap_err().kind(), Kind::NotFound);
    let id = view(&app, agent).await.connections[0].id;
    assert_eq!(connections.revoke(&stranger, id).await.unwrap_err().kind(), Kind::NotFound);
    let all = connections.list(&stranger, None, Limit::clamped(10, 10)).await.expect("a list");
    assert_eq!(all.total, 0);
    let revoked = connections.revoke(&app.ctx(), id).await.expect("it is gone");
    assert!(revoked.at_service, "{revoked:?}");
    assert_eq!(app.integrations.asked()[1..], ["revoke refresh-1", "revoke access-1"]);
    assert!(view(&app, agent).await.connections.is_empty());
}

#[tokio::test]
async fn a_service_with_fields_says_which_are_missing_and_a_key_is_no_code() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    with_client(&app, "shop").await;
    let missing = app.core.connections().start(&app.ctx(), agent, name("shop")).await.unwrap_err();
    assert_eq!(code(&missing), (Kind::InvalidInput, "missing_field"));
    assert!(
        missing.public().contains("fields.shop") && missing.public().contains("name of your shop"),
        "{missing}"
    );
    let fields = BTreeMap::from([("shop".to_owned(), "evil.com/x".to_owned())]);
    let evil =
        app.core.connections().start(&app.ctx(), agent, StartConnection { fields, ..name("shop") }).await;
    assert!(evil.unwrap_err().public().starts_with("fields.shop"));
    let fields = BTreeMap::from([("shop".to_owned(), "toys".to_owned())]);
    let started =
        app.core.connections().start(&app.ctx(), agent, StartConnection { fields, ..name("shop") }).await;
    assert!(started.expect("it begins").url.starts_with("https://toys.example/authorize?scope=read&state="));
    let key = app.core.connections().start(&app.ctx(), agent, name("safe")).await.unwrap_err();
    assert_eq!(code(&key), (Kind::InvalidInput, "needs_key"));
    let put = |key: &str| PutConnectionKey {
        integration: "safe".to_owned(),
        key: Secret::new(key),
        fields: BTreeMap::new(),
    };
    let short = app.core.connections().put_key(&app.ctx(), agent, put("short")).await.unwrap_err();
    assert!(short.public().starts_with("key must have 8"), "{short}");
    let made =
        app.core.connections().put_key(&app.ctx(), agent, put("a long enough key")).await.expect("it is");
    assert_eq!((made.status, made.renewable, made.expires_at), (Status::Active, false, None));
}

/// Tells of each tool call how it ended.
fn outcomes(events: &[TurnEvent]) -> Vec<(String, ToolStatus)> {
    let mut all = Vec::new();
    for event in events {
        if let TurnEvent::ToolFinished { outcome, .. } = event {
            all.push((outcome.text.clone(), outcome.status));
        }
    }
    all
}

fn call(operation: &str, arguments: &Value) -> (&'static str, Value) {
    ("call_operation", json!({"service": "petshop", "operation": operation, "arguments": arguments}))
}

#[tokio::test]
async fn operations_are_found_and_called_and_their_arguments_checked() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"operations": ["petshop__get_pet", "petshop__nothing"]})).await;
    with_client(&app, "petshop").await;
    connect(&app, agent).await;
    // Without a description there is nothing to find or to call.
    app.talk(agent, "hello").await;
    let tools = |app: &TestApp| -> Vec<String> {
        app.models.asked().last().expect("it was asked").tools.iter().map(|tool| tool.name.clone()).collect()
    };
    assert!(!tools(&app).contains(&"call_operation".to_owned()));
    describe(&app).await;
    let calls = vec![
        ("find_operations", json!({"service": "petshop", "query": "delete a pet"})),
        call("get_pet", &json!({})),
        call("nothing", &json!({})),
        ("call_operation", json!({"service": "safe", "operation": "x"})),
        call("get_pet", &json!({"id": "rex"})),
        ("petshop__get_pet", json!({"id": "tom"})),
    ];
    app.models.when("work", [Reply::Use("", calls), Reply::Say(vec!["Done."])]);
    let events = app.talk(agent, "work").await;
    let tools = tools(&app);
    for wanted in ["call_operation", "find_operations", "petshop__get_pet"] {
        assert!(tools.contains(&wanted.to_owned()), "{tools:?}");
    }
    let ended = outcomes(&events);
    let text = |wanted: &str| {
        ended
            .iter()
            .find(|(text, _)| text.contains(wanted))
            .unwrap_or_else(|| panic!("{wanted}: {ended:?}"))
            .1
    };
    assert_eq!(text("delete_pet: delete pet (DELETE /pets/{id})"), ToolStatus::Done);
    assert_eq!(text("arguments.id is missing"), ToolStatus::Failed);
    assert_eq!(text("petshop has no operation \"nothing\""), ToolStatus::Failed);
    assert_eq!(text("you are not connected to \"safe\""), ToolStatus::Failed);
    assert_eq!(text("https://petshop.example/v1/pets/rex"), ToolStatus::Done);
    assert_eq!(text("https://petshop.example/v1/pets/tom"), ToolStatus::Done);
    let told = format!("{events:?}");
    assert!(!told.contains("access-1") && !told.contains("refresh-1"), "{told}");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_a_refusal_ends_the_connection() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["petshop"], "policy": "open"})).await;
    with_client(&app, "petshop").await;
    describe(&app).await;
    connect(&app, agent).await;
    let work = async |word: &str| {
        let calls = vec![call("get_pet", &json!({"id": word}))];
        app.models.when(word, [Reply::Use("", calls), Reply::Say(vec!["Done."])]);
        outcomes(&app.talk(agent, word).await)
    };
    assert_eq!(work("one").await[0].1, ToolStatus::Done);
    app.clock.advance(std::time::Duration::from_secs(3_541));
    assert_eq!(work("two").await[0].1, ToolStatus::Done);
    assert_eq!(app.integrations.asked(), ["exchange code 43", "refresh refresh-1"]);
    assert_eq!(view(&app, agent).await.connections[0].version, 2);
    // The service that cannot be reached is asked again at the next use; the token still holds for a minute.
    app.clock.advance(std::time::Duration::from_secs(3_550));
    app.integrations.then(Err(ServiceError::NoAnswer("nobody is there".to_owned())));
    assert_eq!(work("three").await[0].1, ToolStatus::Done);
    app.integrations.then(Err(ServiceError::Refused { code: "invalid_grant".to_owned(), detail: None }));
    let ended = work("four").await;
    assert!(ended[0].0.contains("no longer accepts") && ended[0].1 == ToolStatus::Failed, "{ended:?}");
    let now = view(&app, agent).await;
    assert_eq!((now.connections[0].status, now.missing[0].reason), (Status::Expired, MissingReason::Expired));
    let ended = work("five").await;
    assert!(ended[0].0.contains("connect it again"), "{ended:?}");
    assert_eq!(app.integrations.asked().len(), 4, "nobody is asked with what was refused");
    connect(&app, agent).await;
    assert_eq!(work("six").await[0].1, ToolStatus::Done);
}

#[tokio::test]
async fn one_renews_and_the_others_use_what_it_brings() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    with_client(&app, "petshop").await;
    describe(&app).await;
    connect(&app, agent).await;
    app.clock.advance(std::time::Duration::from_secs(3_600));
    let poll = Poll {
        integration: "petshop".to_owned(),
        operation: "list_pets".to_owned(),
        arguments: json!({}),
        items: None,
        key: None,
    };
    let integrations = app.core.integrations();
    let all = futures_util::future::join_all((0..8).map(|_| integrations.poll(agent, &poll))).await;
    // The test's tools answer with no HTTP, which the poll tells; each was sent.
    for polled in all {
        let problem = polled.expect("the store works").expect_err("it is no list");
        assert!(problem.contains("did not answer well"), "{problem}");
    }
    assert_eq!(app.integrations.asked(), ["exchange code 43", "refresh refresh-1"]);
}

#[tokio::test]
async fn what_needs_an_approval_waits_as_the_exact_request() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "strict"})).await;
    with_client(&app, "petshop").await;
    describe(&app).await;
    connect(&app, agent).await;
    let calls = vec![call("delete_pet", &json!({"id": "rex"}))];
    app.models.when("delete", [Reply::Use("", calls), Reply::Say(vec!["Done."])]);
    let posted = app.post(agent, "delete").await;
    let asked = |event: &TurnEvent| matches!(event, TurnEvent::ApprovalRequested { .. });
    app.until(agent, &posted, asked).await;
    let waiting = crate::approvals::pending(&app).await.pop().expect("one waits");
    let summary = waiting.summary.as_str();
    assert!(summary.starts_with("send DELETE https://petshop.example/v1/pets/rex"), "{summary}");
    // A service that was revoked meanwhile is not used, whatever was approved.
    let id = view(&app, agent).await.connections[0].id;
    app.core.connections().revoke(&app.ctx(), id).await.expect("it is gone");
    app.core
        .approvals()
        .decide(&app.ctx(), crate::approvals::decision(&waiting, true))
        .await
        .expect("decided");
    let over = |event: &TurnEvent| matches!(event, TurnEvent::Ended { .. });
    let events = app.until(agent, &posted, over).await;
    let ended = outcomes(&events);
    assert!(ended[0].1 == ToolStatus::Failed && ended[0].0.contains("not connected"), "{ended:?}");
}

#[tokio::test]
async fn whoever_wants_to_know_is_told_that_an_agent_became_ready_and_is_no_more() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["petshop"]})).await;
    with_client(&app, "petshop").await;
    let endpoint = crate::webhooks::endpoint(&app, &["agent.*"]).await.endpoint.id;
    connect(&app, agent).await;
    connect(&app, agent).await;
    app.clock.advance(std::time::Duration::from_secs(1));
    let id = view(&app, agent).await.connections[0].id;
    app.core.connections().revoke(&app.ctx(), id).await.expect("it is gone");
    let mut told: Vec<(String, Value)> = Vec::new();
    for delivery in crate::webhooks::deliveries(&app, &app.ctx(), endpoint).await {
        told.push((delivery.kind, serde_json::from_str(&delivery.payload).expect("it is JSON")));
    }
    told.reverse();
    assert_eq!(
        told.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["agent.ready", "agent.auth_required"]
    );
    assert_eq!(told[1].1["data"]["missing"], json!([{"integration": "petshop", "reason": "not_connected"}]));
}

#[tokio::test]
async fn a_link_connects_and_cannot_be_changed_or_kept_for_ever() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["safe", "petshop"]})).await;
    with_client(&app, "petshop").await;
    let urls = app.core.connections().urls(&app.ctx(), agent).await.expect("there are some");
    assert_eq!(urls.iter().map(|url| url.title.as_str()).collect::<Vec<_>>(), ["Safe", "Petshop"]);
    let token = |at: usize| urls[at].url.as_deref().unwrap().rsplit('/').next().unwrap().to_owned();
    let connections = app.core.connections();
    let seen = connections.open(&token(0)).await.expect("it opens");
    assert!(seen.by_key && !seen.connected && seen.agent_name == "Ada");
    let key = || Secret::new("a long enough key");
    let by_key = connections.follow_with_key(&token(1), key(), BTreeMap::new()).await;
    assert_eq!(by_key.unwrap_err().kind(), Kind::InvalidInput, "nobody is asked for a token to copy");
    assert!(!connections.follow_with_key(&token(0), key(), BTreeMap::new()).await.expect("connected").ready);
    let begun = connections.follow(&token(1), BTreeMap::new()).await.expect("it begins");
    let state = begun.started.url.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    // The answer has to come from the browser in which it was begun, and from whom was asked.
    let elsewhere = connections.finish(answer(&state, "code")).await.unwrap_err();
    assert_eq!(code(&elsewhere), (Kind::Forbidden, "oauth_other_browser"));
    let cookies = format!("theme=dark; {}={}", begun.proof.name, begun.proof.value);
    let unbound = Answer { cookies: cookies.clone(), ..answer(state.trim_start_matches("b."), "code") };
    assert_eq!(code(&connections.finish(unbound).await.unwrap_err()).1, "oauth_state_unknown");
    let theirs = |issuer: &str| Answer {
        issuer: Some(issuer.to_owned()),
        cookies: cookies.clone(),
        ..answer(&state, "code")
    };
    let wrong = connections.finish(theirs("https://evil.example")).await.unwrap_err();
    assert_eq!(code(&wrong), (Kind::Forbidden, "oauth_wrong_issuer"));
    assert!(connections.finish(theirs("https://petshop.example")).await.expect("connected").ready);
    // What is connected stays as it is.
    let before = view(&app, agent).await;
    for taken in [
        connections.follow(&token(1), BTreeMap::new()).await.unwrap_err(),
        connections.follow_with_key(&token(0), key(), BTreeMap::new()).await.unwrap_err(),
    ] {
        assert_eq!(code(&taken), (Kind::Conflict, "already_connected"));
    }
    assert_eq!(view(&app, agent).await, before);
    assert_eq!(connections.urls(&app.ctx(), agent).await.expect("none"), []);
    let mut forged = token(0);
    forged.replace_range(2..3, if &forged[2..3] == "A" { "B" } else { "A" });
    for wrong in [forged.as_str(), "", "a.b", &token(0)[..20]] {
        let refused = connections.open(wrong).await.unwrap_err();
        assert_eq!(code(&refused), (Kind::NotFound, "link_invalid"), "{wrong}");
    }
    app.clock.advance(std::time::Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(code(&connections.open(&token(0)).await.unwrap_err()), (Kind::Conflict, "link_expired"));
}

#[tokio::test]
async fn whoever_may_only_look_is_given_no_link() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["safe"]})).await;
    let reader = app.ctx_with(&[roost_domain::key::Scope::AgentsRead]);
    let refused = app.core.connections().urls(&reader, agent).await.unwrap_err();
    assert_eq!(code(&refused), (Kind::Forbidden, "missing_scope"));
}

#[tokio::test]
async fn a_link_begun_before_somebody_else_connected_replaces_nothing() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["petshop"]})).await;
    with_client(&app, "petshop").await;
    let urls = app.core.connections().urls(&app.ctx(), agent).await.expect("there are some");
    let token = urls[0].url.as_deref().unwrap().rsplit('/').next().unwrap().to_owned();
    let begun = app.core.connections().follow(&token, BTreeMap::new()).await.expect("it begins");
    let state = begun.started.url.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    connect(&app, agent).await;
    let before = view(&app, agent).await;
    let cookies = format!("{}={}", begun.proof.name, begun.proof.value);
    let late = Answer { cookies, ..answer(&state, "code") };
    let late = app.core.connections().finish(late).await.unwrap_err();
    assert_eq!(code(&late), (Kind::Conflict, "already_connected"));
    assert_eq!(view(&app, agent).await, before);
}

fn at(shop: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("shop".to_owned(), shop.to_owned())])
}

#[tokio::test]
async fn a_clients_own_fields_say_where_its_secret_goes() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"integrations": ["shop"]})).await;
    let put = PutClient { fields: at("toys"), ..client() };
    app.core.integrations().put_client(&app.ctx(), "shop", put).await.expect("it can be set");
    let connections = app.core.connections();
    let other = StartConnection { fields: at("evil"), ..name("shop") };
    let started = connections.start(&app.ctx(), agent, other).await.expect("it begins");
    assert!(started.url.starts_with("https://toys.example/"), "{}", started.url);
    let urls = connections.urls(&app.ctx(), agent).await.expect("there are some");
    let token = urls[0].url.as_deref().unwrap().rsplit('/').next().unwrap().to_owned();
    let mut fields = at("evil");
    fields.insert("unasked".to_owned(), "evil".to_owned());
    let begun = connections.follow(&token, fields).await.expect("it begins");
    assert!(begun.started.url.starts_with("https://toys.example/"), "{}", begun.started.url);
    let state = begun.started.url.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let cookies = format!("{}={}", begun.proof.name, begun.proof.value);
    connections.finish(Answer { cookies, ..answer(&state, "code") }).await.expect("connected");
    assert_eq!(view(&app, agent).await.connections[0].fields, at("toys"));

    // The secret was given for the one shop, and so was the leave.
    let integrations = app.core.integrations();
    let put = |fields| PutClient { fields, secret: None, ..client() };
    let kept = integrations.put_client(&app.ctx(), "shop", put(at("toys"))).await.expect("it can be set");
    assert!(kept.client.expect("a client").has_secret);
    assert_eq!(view(&app, agent).await.connections[0].status, Status::Active);
    let moved = integrations.put_client(&app.ctx(), "shop", put(at("evil"))).await.expect("it can be set");
    assert!(!moved.client.expect("a client").has_secret);
    assert_eq!(view(&app, agent).await.connections[0].status, Status::Expired);
}

/// An integration of the account's own, with OAuth and its interface at these hosts.
fn own(token: &str, base: &str) -> Integration {
    let url = |host: &str, path: &str| format!("https://{host}/{path}").parse().expect("is a URL");
    let oauth = OAuth {
        authorize: url("own.example", "authorize"),
        token: url(token, "token"),
        revoke: None,
        scopes: Vec::new(),
        known_scopes: Vec::new(),
        separator: " ".to_owned(),
        pkce: true,
        client_auth: ClientAuth::Body,
        authorize_parameters: BTreeMap::new(),
    };
    Integration {
        name: "own".parse().expect("is a name"),
        title: "Own".to_owned(),
        categories: Vec::new(),
        documentation: None,
        base: Some(url(base, "v1")),
        openapi: None,
        access: Access::OAuth(Box::new(oauth)),
        placement: Placement::bearer(),
        headers: BTreeMap::new(),
        fields: BTreeMap::new(),
    }
}

#[tokio::test]
async fn secrets_are_shown_nowhere_else_than_where_they_were_given_for() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let integrations = app.core.integrations();
    let put = async |token: &str, base: &str| {
        let view = integrations.put_own(&app.ctx(), own(token, base)).await.expect("it can be put");
        view.client.is_some_and(|client| client.has_secret)
    };
    let connected = async || {
        with_client(&app, "own").await;
        let state = begin(&app, agent, name("own")).await;
        app.core.connections().finish(answer(&state, "code")).await.expect("it is connected");
    };
    let status = async || view(&app, agent).await.connections[0].status;
    put("own.example", "own.example").await;
    connected().await;
    assert!(put("own.example", "own.example").await, "nothing moved");
    assert_eq!(status().await, Status::Active);
    for (token, base) in [("evil.example", "own.example"), ("evil.example", "evil.example")] {
        assert!(!put(token, base).await, "{token} {base}");
        assert_eq!(status().await, Status::Expired, "{token} {base}");
        connected().await;
    }
    integrations.delete_own(&app.ctx(), "own").await.expect("it is gone");
    assert_eq!(status().await, Status::Expired);
    put("evil.example", "evil.example").await;
    assert_eq!(status().await, Status::Expired);
}

#[tokio::test]
async fn rules_about_an_operations_own_tool_hold_however_it_is_called() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "open"})).await;
    with_client(&app, "petshop").await;
    describe(&app).await;
    connect(&app, agent).await;
    let document = json!({
        "allow": ["*"], "block": ["petshop__delete_pet"],
        "constraints": {"petshop__get_pet": {"id": {"one_of": ["rex"]}}},
    });
    crate::guard::policy(&app, agent, document).await;
    let blocked = async |word: &'static str, call: (&'static str, Value)| {
        app.models.when(word, [Reply::Use("", vec![call]), Reply::Say(vec!["Done."])]);
        let events = app.talk(agent, word).await;
        let why = |event| if let TurnEvent::ToolBlocked { reason, .. } = event { Some(reason) } else { None };
        events.into_iter().find_map(why)
    };
    let why = blocked("delete", call("delete_pet", &json!({"id": "rex"}))).await.expect("it is blocked");
    assert!(why.contains("petshop__delete_pet"), "{why}");
    let prefixed = call("petshop__delete_pet", &json!({"id": "rex"}));
    assert!(blocked("prefixed", prefixed).await.is_some());
    assert_eq!(blocked("rex", call("get_pet", &json!({"id": "rex"}))).await, None);
    // The arguments as the text of an object are the same arguments.
    let as_text = call("get_pet", &json!(r#"{"id":"tom"}"#));
    assert!(blocked("tom", as_text).await.expect("it is blocked").contains("petshop__get_pet"));
    assert!(blocked("direct", ("petshop__get_pet", json!({"id": "tom"}))).await.is_some());
    // What is asked by the clock is held to the same.
    let poll = |operation: &str, arguments: Value| Poll {
        integration: "petshop".to_owned(),
        operation: operation.to_owned(),
        arguments,
        items: None,
        key: None,
    };
    let polled = app.core.integrations().poll(agent, &poll("get_pet", json!({"id": "tom"}))).await;
    let why = polled.expect("the store works").expect_err("it is blocked");
    assert!(why.contains("petshop__get_pet"), "{why}");
    // And so are rules about the tool that calls any of them.
    crate::guard::policy(&app, agent, json!({"allow": ["petshop__*"], "block": ["call_operation"]})).await;
    assert!(blocked("again", call("get_pet", &json!({"id": "rex"}))).await.is_some());
    assert_eq!(blocked("named", ("petshop__get_pet", json!({"id": "rex"}))).await, None);
}

#[tokio::test]
async fn what_renews_a_connection_is_kept_though_nobody_waits_for_it_any_more() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    with_client(&app, "petshop").await;
    describe(&app).await;
    connect(&app, agent).await;
    app.clock.advance(std::time::Duration::from_secs(3_600));
    let poll = Poll {
        integration: "petshop".to_owned(),
        operation: "list_pets".to_owned(),
        arguments: json!({}),
        items: None,
        key: None,
    };
    app.integrations.hold();
    {
        let integrations = app.core.integrations();
        let polled = std::pin::pin!(integrations.poll(agent, &poll));
        let reached = std::pin::pin!(app.integrations.held());
        futures_util::future::select(polled, reached).await;
    }
    // Whoever asked is gone; the service has replaced the token.
    app.integrations.release();
    app.core.connections().settled().await;
    let now = view(&app, agent).await;
    assert_eq!((now.connections[0].version, now.connections[0].status), (2, Status::Active));
}
