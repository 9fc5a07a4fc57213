use serde_json::json;

use super::*;

fn agent(state: State) -> Agent {
    Agent {
        id: AgentId::from_uuid(uuid::Uuid::from_u128(1)),
        account: AccountId::from_uuid(uuid::Uuid::from_u128(2)),
        name: "Ada".into(),
        description: String::new(),
        model: "scripted/hello".parse().unwrap(),
        runtime: RuntimeKind::Roost,
        arming: Arming::Off,
        size: Size::Medium,
        region: Region::Eu,
        swarm: None,
        avatar_url: None,
        tags: Vec::new(),
        config: serde_json::Map::new(),
        state,
        needs_restart: true,
        last_failure: Some(Failure { category: FailureCategory::Machine, message: "gone".into() }),
        created_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        stopped_at: None,
    }
}

const LATER: Timestamp = Timestamp::constant(1_000, 0);

#[test]
fn transitions_lead_where_the_table_says() {
    use State::{Error, Frozen, Paused, Provisioning, Running, Stopped};
    //   from          start    stop     pause         resume         freeze        wake
    let table = [
        (Provisioning, Running, Stopped, None, None, None, Provisioning),
        (Running, Running, Stopped, Some(Paused), Some(Running), Some(Frozen), Running),
        (Frozen, Running, Stopped, Some(Paused), Some(Running), None, Running),
        (Paused, Running, Stopped, Some(Paused), Some(Running), None, Paused),
        (Stopped, Running, Stopped, None, None, None, Stopped),
        (Error, Running, Stopped, None, None, None, Error),
    ];
    for (from, start, stop, pause, resume, freeze, wake) in table {
        assert_eq!(agent(from).start(LATER).state, start, "{from} start");
        assert_eq!(agent(from).stop(LATER).state, stop, "{from} stop");
        assert_eq!(agent(from).pause().ok().map(|a| a.state), pause, "{from} pause");
        assert_eq!(agent(from).resume().ok().map(|a| a.state), resume, "{from} resume");
        assert_eq!(agent(from).freeze().ok().map(|a| a.state), freeze, "{from} freeze");
        assert_eq!(agent(from).wake().state, wake, "{from} wake");
    }
}

#[test]
fn a_wrong_transition_names_both_states() {
    let error = agent(State::Stopped).pause().unwrap_err();
    assert_eq!(error.to_string(), "an agent that is stopped cannot become paused");
}

#[test]
fn restarting_takes_up_changes_and_forgets_the_failure() {
    let restarted = agent(State::Error).restart(LATER);
    assert_eq!(
        (restarted.needs_restart, restarted.last_failure, restarted.started_at),
        (false, None, Some(LATER))
    );
}

#[test]
fn starting_a_running_agent_keeps_its_start_time() {
    assert_eq!(agent(State::Running).start(LATER).started_at, None);
}

fn problem(config: &serde_json::Value) -> String {
    Settings::read(config.as_object().unwrap()).unwrap_err().to_string()
}

#[test]
fn settings_have_defaults_and_leave_other_keys_alone() {
    let settings = Settings::read(json!({"theme": "dark"}).as_object().unwrap()).unwrap();
    assert_eq!(settings.profile, crate::gate::Profile::Standard);
    assert_eq!((settings.max_rounds, settings.budget), (40, None));
}

#[test]
fn a_wrong_setting_is_named_with_what_would_be_right() {
    assert_eq!(problem(&json!({"maxRounds": 0})), "config.maxRounds must be a whole number from 1 to 200");
    assert_eq!(problem(&json!({"network": []})), "config.network must be an object");
    assert_eq!(
        problem(&json!({"network": {"allow": ["a.example", 7]}})),
        "config.network.allow[1] must be a text"
    );
    assert_eq!(
        problem(&json!({"budgetUsd": "5"})),
        "config.budgetUsd must be a number of dollars from 0 to 1,000,000,000"
    );
    assert!(problem(&json!({"policy": "lax"})).contains("open, standard or strict"));
}
