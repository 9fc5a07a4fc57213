use roost_core::{NewSession, PostMessage, Posted, PutDocument};
use roost_domain::conversation::Message;
use roost_domain::document::{Author, DocumentName};
use roost_domain::event::TurnEvent;
use roost_domain::id::{AgentId, SessionId};
use roost_domain::page::Limit;
use roost_ports::store::TurnPhase;
use roost_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::approvals::{decision, pending};

fn is_end(event: &TurnEvent) -> bool {
    matches!(event, TurnEvent::Ended { .. })
}

fn rule(name: &str) -> DocumentName {
    DocumentName::Rule(name.parse().expect("works"))
}

async fn put(app: &TestApp, agent: AgentId, name: DocumentName, content: &str) -> bool {
    let put = PutDocument { name, content: content.to_owned(), expected: None, field: "content" };
    app.core.documents().put(&app.ctx(), agent, vec![put]).await.expect("works").needs_restart
}

async fn text(app: &TestApp, agent: AgentId, name: DocumentName) -> String {
    app.core.documents().get(&app.ctx(), agent, name).await.expect("works").content
}

/// Says something in a session and returns the instructions that the model had for it.
async fn instructions(app: &TestApp, agent: AgentId, session: Option<SessionId>) -> (String, SessionId) {
    let message = PostMessage { agent, session, peer: None, text: "hello".to_owned(), context: None };
    let posted = app.core.messages().post(&app.ctx(), message).await.expect("works");
    app.until(agent, &posted, is_end).await;
    (app.models.asked().last().expect("works").system.clone(), posted.session)
}

#[tokio::test]
async fn a_session_keeps_the_documents_it_began_with_until_the_agent_is_restarted() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    assert!(put(&app, agent, DocumentName::Soul, "You are calm.").await);
    let (before, session) = instructions(&app, agent, None).await;
    assert!(before.contains("You are calm."), "a session that begins after the change sees it");
    put(&app, agent, DocumentName::Soul, "You are bold.").await;
    put(&app, agent, rule("refunds"), "Ask first.").await;
    assert!(app.look(agent).await.needs_restart);
    let (during, _) = instructions(&app, agent, Some(session)).await;
    assert!(during.contains("You are calm.") && !during.contains("refunds"), "{during}");
    let new = begin(&app, agent).await;
    let (next, _) = instructions(&app, agent, Some(new)).await;
    assert!(
        next.contains("You are bold.") && next.contains("read_rule") && next.contains("refunds"),
        "{next}"
    );
    app.core.agents().pause(&app.ctx(), agent).await.unwrap();
    app.core.agents().resume(&app.ctx(), agent).await.unwrap();
    assert!(
        instructions(&app, agent, Some(session)).await.0.contains("You are calm."),
        "a pause is no restart"
    );
    assert!(app.look(agent).await.needs_restart);
    app.core.agents().restart(&app.ctx(), agent).await.unwrap();
    assert!(!app.look(agent).await.needs_restart);
    assert!(instructions(&app, agent, Some(session)).await.0.contains("You are bold."));
    put(&app, agent, DocumentName::Soul, "You are old.").await;
    app.core.agents().stop(&app.ctx(), agent).await.unwrap();
    app.core.agents().start(&app.ctx(), agent).await.unwrap();
    assert!(!app.look(agent).await.needs_restart, "it was started afresh");
    assert!(instructions(&app, agent, Some(session)).await.0.contains("You are old."));
}

async fn begin(app: &TestApp, agent: AgentId) -> SessionId {
    app.core.sessions().create(&app.ctx(), NewSession { agent, peer: None }).await.expect("works").id
}

/// Has the model use a tool and returns what it was told.
async fn told(app: &TestApp, agent: AgentId, tool: &'static str, arguments: Value) -> String {
    app.models.when("go", [Reply::Use("", vec![(tool, arguments)]), Reply::Say(vec!["Done."])]);
    app.talk(agent, "go").await;
    last_result(app)
}

fn last_result(app: &TestApp) -> String {
    let asked = app.models.asked();
    let Some(Message::ToolResult { text, .. }) = asked.last().expect("works").messages.last().cloned() else {
        panic!()
    };
    text
}

#[tokio::test]
async fn a_rule_is_read_as_it_is_at_that_moment() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let offered =
        |app: &TestApp| app.models.asked().last().unwrap().tools.iter().any(|tool| tool.name == "read_rule");
    app.talk(agent, "hello").await;
    assert!(!offered(&app), "there is nothing to read");
    put(&app, agent, rule("refunds"), "Ask first.").await;
    assert_eq!(told(&app, agent, "read_rule", json!({"name": "refunds"})).await, "Ask first.\n\n[version 1]");
    assert!(offered(&app));
    put(&app, agent, rule("refunds"), "Ask twice.").await;
    assert_eq!(
        told(&app, agent, "read_rule", json!({"name": "rules/refunds.md"})).await,
        "Ask twice.\n\n[version 2]"
    );
    let unknown = told(&app, agent, "read_rule", json!({"name": "returns"})).await;
    assert_eq!(unknown, "there is no rule returns; there are: refunds");
    let bad = told(&app, agent, "read_rule", json!({"name": "../x"})).await;
    assert!(bad.contains("is no name of a rule"), "{bad}");
}

fn proposal(document: &str, content: &str) -> Value {
    json!({"document": document, "content": content, "reason": "I was asked to."})
}

/// Lets an agent propose something that needs leave.
async fn proposed(app: &TestApp, agent: AgentId, arguments: Value) -> Posted {
    app.models.when("go", [Reply::Use("", vec![("change_document", arguments)]), Reply::Say(vec!["Done."])]);
    let posted = app.post(agent, "go").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    posted
}

#[tokio::test]
async fn a_change_that_was_approved_is_not_made_to_another_text() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    put(&app, agent, DocumentName::Workflow, "Step one.").await;
    let posted = proposed(&app, agent, proposal("WORKFLOW.md", "Step two.")).await;
    put(&app, agent, DocumentName::Workflow, "Step zero.").await;
    let approval = pending(&app).await.pop().unwrap();
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.unwrap();
    app.until(agent, &posted, is_end).await;
    assert_eq!(text(&app, agent, DocumentName::Workflow).await, "Step zero.");
    let said = last_result(&app);
    assert!(said.contains("Step zero.") && said.contains("\"version\": 2"), "{said}");
    let again = json!({"document": "WORKFLOW.md", "content": "Step two.", "reason": "x", "version": 2});
    let posted = proposed(&app, agent, again).await;
    let approval = pending(&app).await.pop().unwrap();
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.unwrap();
    app.until(agent, &posted, is_end).await;
    assert_eq!(text(&app, agent, DocumentName::Workflow).await, "Step two.");
    let limit = Limit::clamped(1, 1);
    let versions =
        app.core.documents().versions(&app.ctx(), agent, DocumentName::Workflow, None, limit).await;
    assert_eq!(versions.unwrap().rows[0].mark.author, Author::Agent);
    assert!(app.look(agent).await.needs_restart);
}

/// Only one thread is there for what takes a while, so that a test can keep it busy.
#[test]
fn texts_are_compared_before_the_question_is_written_and_nobody_waits_for_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let app = TestApp::start().await;
        let agent = app.agent(json!({})).await;
        put(&app, agent, DocumentName::Workflow, "Step one.").await;
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || released.recv());
        let wants = Reply::Use("", vec![("change_document", proposal("WORKFLOW.md", "Step two."))]);
        app.models.when("go", [wants, Reply::Say(vec!["Done."])]);
        let posted = app.post(agent, "go").await;
        app.until(agent, &posted, |event| matches!(event, TurnEvent::ModelAnswered { .. })).await;
        // Others can write, here the very document, as the comparison holds no transaction open.
        put(&app, agent, DocumentName::Workflow, "Step zero.").await;
        assert_eq!(pending(&app).await, [], "the texts are not compared yet");
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        app.until(agent, &posted, is_end).await;
        assert_eq!(pending(&app).await, [], "nobody is asked about what is no longer so");
        let said = last_result(&app);
        assert!(said.contains("Step zero.") && said.contains("\"version\": 2"), "{said}");
    });
}

#[tokio::test]
async fn an_open_agent_changes_its_documents_by_itself_if_it_has_seen_them() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "open"})).await;
    let made = told(&app, agent, "change_document", proposal("rules/refunds.md", "Ask first.")).await;
    assert_eq!(made, "rules/refunds.md is changed; this is version 1. It takes effect at once.");
    let unseen = told(&app, agent, "change_document", proposal("rules/refunds.md", "Never ask.")).await;
    assert!(unseen.contains("Ask first.") && unseen.contains("\"version\": 1"), "{unseen}");
    assert_eq!(text(&app, agent, rule("refunds")).await, "Ask first.");
    let seen = json!({"document": "rules/refunds.md", "content": "Never ask.", "reason": "x", "version": 1});
    told(&app, agent, "change_document", seen).await;
    assert_eq!(text(&app, agent, rule("refunds")).await, "Never ask.");
    let long = told(&app, agent, "change_document", proposal("SOUL.md", &"ä".repeat(24_001))).await;
    assert!(long.contains("48002 bytes; at most 48000"), "{long}");
    let unknown = told(&app, agent, "change_document", proposal("NOTES.md", "x")).await;
    assert!(unknown.contains("is no document"), "{unknown}");
}
