//! Regions are pools of hosts, and this host serves those that name it.

use roost_core::{Error, Kind, PostMessage, Regions, Settings};
use roost_domain::agent::{Region, State};
use roost_domain::event::{Body, Journal};
use roost_domain::id::AgentId;
use roost_testkit::TestApp;
use serde_json::json;

fn settings(eu: &[&str], us: &[&str]) -> Settings {
    let hosts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let regions = Regions { host: "local".to_owned(), eu: hosts(eu), us: hosts(us) };
    Settings { regions, ..Settings::default() }
}

async fn post(app: &TestApp, agent: AgentId) -> Result<roost_core::Posted, Error> {
    let message = PostMessage { agent, session: None, peer: None, text: "hello".into(), context: None };
    app.core.messages().post(&app.ctx(), message).await
}

#[tokio::test]
async fn one_host_has_both_regions_unless_told_otherwise() {
    let app = TestApp::start().await;
    for region in Region::ALL {
        let agent = app.agent_in(region).await.expect("can be made");
        assert_eq!((agent.region, agent.state), (region, State::Running));
        app.talk(agent.id, "hello").await;
    }
}

#[tokio::test]
async fn a_region_without_hosts_takes_no_agents_and_names_those_that_do() {
    let app = TestApp::builder().settings(settings(&["local"], &[])).build().await;
    let error = app.agent_in(Region::Us).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::InvalidInput, "region_without_hosts"));
    assert_eq!(error.public(), "the region us has no hosts; these have: eu");
    app.agent_in(Region::Eu).await.expect("can be made");
}

#[tokio::test]
async fn an_agent_of_another_hosts_region_is_in_error_with_the_reason() {
    let app = TestApp::builder().settings(settings(&["local"], &["us-1", "us-2"])).build().await;
    let agent = app.agent_in(Region::Us).await.expect("can be made");
    assert_eq!(agent.state, State::Error);
    let reason = "agents of the region us live on us-1, us-2, not on local, which is this host";
    assert_eq!(agent.last_failure.expect("is told").message, reason);
    let error = post(&app, agent.id).await.unwrap_err();
    assert_eq!(error.code(), "agent_not_running");
    assert!(error.public().contains(reason), "{error}");
    let started = app.core.agents().start(&app.ctx(), agent.id).await.expect("is answered");
    assert_eq!(started.state, State::Error, "starting it here does not help");
    let restarted = app.core.agents().restart(&app.ctx(), agent.id).await.expect("is answered");
    assert_eq!(restarted.state, State::Error);
    let log = app.log(agent.id.journal()).await;
    assert!(!log.iter().any(|event| event.body == Body::Journal(Journal::Started)), "{log:#?}");
}

#[tokio::test]
async fn agents_that_are_up_when_their_region_moves_away_are_in_error_after_the_start() {
    let app = TestApp::builder().build().await;
    let (here, there) = (app.agent(json!({})).await, app.agent_in(Region::Us).await.expect("can be made").id);
    let moved = app.with_settings(settings(&["local"], &["us-1"]));
    assert_eq!(moved.agents().place().await.expect("can be placed"), 1);
    assert_eq!(moved.agents().place().await.expect("can be placed"), 0);
    assert_eq!(app.look(here).await.state, State::Running);
    assert_eq!(app.look(there).await.state, State::Error);
    app.core.agents().start(&app.ctx(), there).await.expect("can be started where it lives");
    app.talk(there, "hello").await;
}
