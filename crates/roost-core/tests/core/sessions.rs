use roost_core::{History, Kind, NewSession, PostMessage, Posted};
use roost_domain::event::TurnEvent;
use roost_domain::id::{AgentId, SessionId};
use roost_domain::page::Limit;
use roost_testkit::TestApp;
use serde_json::json;

async fn say(
    app: &TestApp,
    agent: AgentId,
    peer: &str,
    session: Option<SessionId>,
) -> Result<Posted, roost_core::Error> {
    let message = PostMessage {
        agent,
        session,
        peer: Some(peer.to_owned()),
        text: format!("I am {peer}"),
        context: None,
    };
    app.core.messages().post(&app.ctx(), message).await
}

#[tokio::test]
async fn peers_have_sessions_of_their_own_and_never_see_each_others() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let ann = say(&app, agent, "ann", None).await.unwrap();
    app.until(agent, &ann, |event| matches!(event, TurnEvent::Ended { .. })).await;
    let bob = say(&app, agent, "bob", None).await.unwrap();
    app.until(agent, &bob, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert_ne!(ann.session, bob.session);
    let read = format!("{:?}", app.models.asked().last().unwrap().messages);
    assert!(read.contains("I am bob") && !read.contains("ann"), "{read}");
    let error = say(&app, agent, "bob", Some(ann.session)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(say(&app, agent, "ann", None).await.unwrap().session, ann.session);
}

#[tokio::test]
async fn a_new_session_begins_from_nothing_and_is_the_default_from_then_on() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.talk(agent, "remember this").await;
    app.clock.advance(std::time::Duration::from_secs(1));
    let new = app.core.sessions().create(&app.ctx(), NewSession { agent, peer: None }).await.unwrap();
    let posted = app.post(agent, "what did I say?").await;
    assert_eq!(posted.session, new.id);
    app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert_eq!(app.models.asked().last().unwrap().messages.len(), 1);
    let (sessions, total) =
        app.core.sessions().list(&app.ctx(), agent, Limit::clamped(100, 100)).await.unwrap();
    assert_eq!((sessions[0].id, total), (new.id, 2));
}

#[tokio::test]
async fn history_shows_what_was_said_by_both() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.talk(agent, "one").await;
    app.talk(agent, "two").await;
    let history = History { agent, session: None, since: None, limit: Limit::clamped(3, 200) };
    let (messages, total) = app.core.messages().history(&app.ctx(), history).await.unwrap();
    let said: Vec<_> = messages.iter().map(|message| message.content.as_str()).collect();
    assert_eq!((said, total), (vec!["You said: one", "two", "You said: two"], 4));
}

#[tokio::test]
async fn what_cannot_be_a_message_is_refused_by_name() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let post = |text: &str, context: Option<String>| PostMessage {
        agent,
        session: None,
        peer: None,
        text: text.to_owned(),
        context,
    };
    for (message, problem) in [
        (post(" ", None), "message is required and must not be empty"),
        (post(&"x".repeat(100_001), None), "message has 100001 characters; at most 100,000 are allowed"),
        (
            post("x", Some("ü".repeat(2_001))),
            "context has 2001 characters after formatting; at most 2,000 are allowed",
        ),
    ] {
        let error = app.core.messages().post(&app.ctx(), message).await.unwrap_err();
        assert_eq!((error.kind(), error.public()), (Kind::InvalidInput, problem));
    }
    app.core.messages().post(&app.ctx(), post("x", Some("ü".repeat(2_000)))).await.expect("just fits");
}

#[tokio::test]
async fn a_session_takes_only_so_many_messages_ahead() {
    let settings = roost_core::Settings { max_open_turns: 2, ..roost_core::Settings::default() };
    let app = TestApp::builder().settings(settings).without_runtime().build().await;
    let agent = app.agent(json!({})).await;
    app.post(agent, "one").await;
    app.post(agent, "two").await;
    let message = PostMessage { agent, session: None, peer: None, text: "three".into(), context: None };
    let error = app.core.messages().post(&app.ctx(), message).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::QuotaExceeded, "too_many_open_turns"));
}
