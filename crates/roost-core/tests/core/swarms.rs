//! Agents of a swarm hand tasks to one another.

use roost_core::{DecideApproval, Kind, PostMessage, UpdateAgent};
use roost_domain::approval::Approval;
use roost_domain::conversation::Message;
use roost_domain::event::{Body, Ending, Event, TurnEvent};
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::policy::OnTimeout;
use roost_domain::subject::Subject;
use roost_domain::taint::Taint;
use roost_domain::tool::ToolStatus;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Ledger, Reader, TurnPhase};
use roost_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::approvals::pending;
use crate::guard::{permissions, policy};

fn asks(agent: &str, task: &str) -> Reply {
    Reply::Use("", vec![("ask_agent", json!({"agent": agent, "task": task}))])
}

fn uses(tool: &'static str, arguments: Value) -> Reply {
    Reply::Use("", vec![(tool, arguments)])
}

fn is_end(event: &TurnEvent) -> bool {
    matches!(event, TurnEvent::Ended { .. })
}

/// Returns what came of the first call of a turn.
fn result(events: &[TurnEvent]) -> (ToolStatus, String) {
    let found = events.iter().find_map(|event| {
        if let TurnEvent::ToolFinished { outcome, .. } = event {
            Some((outcome.status, outcome.text.clone()))
        } else {
            None
        }
    });
    found.unwrap_or_else(|| panic!("no tool finished: {events:#?}"))
}

fn asked(events: &[TurnEvent]) -> (AgentId, SessionId, TurnId) {
    let found = events.iter().find_map(|event| {
        if let TurnEvent::AgentAsked { agent, session, turn, .. } = event {
            Some((*agent, *session, *turn))
        } else {
            None
        }
    });
    found.unwrap_or_else(|| panic!("nobody was asked: {events:#?}"))
}

fn turns_of(events: Vec<Event>) -> Vec<TurnEvent> {
    let of_turn = |event: Event| if let Body::Turn { event, .. } = event.body { Some(event) } else { None };
    events.into_iter().filter_map(of_turn).collect()
}

async fn ledger(app: &TestApp, agent: AgentId) -> Ledger {
    let read = move |reader: &dyn Reader| reader.ledger(agent);
    app.store.read::<_, roost_ports::store::Error>(read).await.expect("the ledger can be read")
}

/// Waits until a person is asked for something.
async fn one_pending(app: &TestApp) -> Approval {
    let asked = async {
        loop {
            if let Some(approval) = pending(app).await.pop() {
                return approval;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), asked).await.expect("a person is asked in time")
}

#[tokio::test]
async fn a_task_is_done_by_another_agent_and_its_answer_comes_back() {
    let app = TestApp::start().await;
    let (_, [ada, bo]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    app.models.when("go", [asks("bo", "count the stars"), Reply::Say(vec!["Bo says 12."])]);
    app.models.when("count the stars", [Reply::Say(vec!["There are 12."])]);
    let events = app.talk(ada, "go").await;
    let (agent, _, turn) = asked(&events);
    assert_eq!(agent, bo);
    assert_eq!(result(&events), (ToolStatus::Done, "There are 12.".to_owned()));
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
    let read = app.models.asked().into_iter().find(|asked| {
        matches!(asked.messages.last(), Some(Message::User(text)) if text.contains("count the stars"))
    });
    let Some(Message::User(text)) = read.expect("Bo was asked").messages.pop() else { panic!() };
    assert!(text.contains("A task from Ada"), "{text}");
    assert_eq!(app.phase(turn).await, TurnPhase::Ended);
}

#[tokio::test]
async fn while_another_works_nothing_waits_in_memory_and_a_restart_loses_nothing() {
    let mut app = TestApp::start().await;
    let (_, [ada, _]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({"policy": "strict"}))]).await;
    app.models.when("go", [asks("Bo", "clean up"), Reply::Say(vec!["Done."])]);
    app.models.when("clean up", [uses("shell", json!({"command": "ls"})), Reply::Say(vec!["Cleaned."])]);
    let posted = app.post(ada, "go").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let approval = one_pending(&app).await;
    app.kill_runtime().await;
    app.start_runtime();
    let yes = DecideApproval { id: approval.id, approve: true, by: None, note: None };
    app.core.approvals().decide(&app.ctx(), yes).await.expect("can be approved");
    let events = app.until(ada, &posted, is_end).await;
    assert_eq!(result(&events), (ToolStatus::Done, "Cleaned.".to_owned()));
    assert_eq!(app.machines.commands(), ["ls"]);
}

#[tokio::test]
async fn whoever_works_for_another_may_do_no_more_than_that_one() {
    let app = TestApp::start().await;
    let agents = [("Ada", json!({"policy": "open"})), ("Bo", json!({"policy": "open"}))];
    let (_, [ada, bo]) = app.swarm("Night", agents).await;
    permissions(&app, Subject::hosted(ada), json!({"tools": {"block": ["shell"]}})).await;
    app.models.when("go", [asks("Bo", "list"), Reply::Say(vec!["Done."])]);
    app.models
        .when("list", [uses("shell", json!({"command": "ls"})), Reply::Say(vec!["It is not allowed."])]);
    let events = app.talk(ada, "go").await;
    let (_, session, _) = asked(&events);
    let blocked = turns_of(app.log(session).await).into_iter().find_map(|event| {
        if let TurnEvent::ToolBlocked { reason, .. } = event { Some(reason) } else { None }
    });
    let reason = blocked.expect("Bo's command is blocked");
    assert!(reason.contains("The task comes from Ada"), "{reason}");
    assert_eq!(app.machines.commands(), Vec::<String>::new());
    app.models.when("list it", [uses("shell", json!({"command": "ls"})), Reply::Say(vec!["Listed."])]);
    app.talk(bo, "list it").await;
    assert_eq!(app.machines.commands(), ["ls"], "for its own people Bo still may");
}

#[tokio::test]
async fn a_machine_that_works_for_another_reaches_no_more_hosts_and_files_than_that_one() {
    let app = TestApp::start().await;
    let agents = [("Ada", json!({"policy": "standard"})), ("Bo", json!({"policy": "open"}))];
    let (_, [ada, bo]) = app.swarm("Night", agents).await;
    permissions(&app, Subject::hosted(ada), json!({"data": {"deny": ["secrets/**"]}})).await;
    app.models.when("go", [asks("Bo", "list"), Reply::Say(vec!["Done."])]);
    app.models.when("list", [uses("shell", json!({"command": "ls"})), Reply::Say(vec!["Listed."])]);
    app.talk(ada, "go").await;
    let spec = app.machines.opened().into_iter().find(|spec| spec.agent == bo).expect("Bo's machine is up");
    let host = "example.com".parse().unwrap();
    let decided = roost_domain::gate::decide_connection(spec.profile, &spec.network, &host, 443);
    assert_eq!(decided.expect_err("Ada may not").rule, "host_not_listed");
    assert!(spec.files.may_read("secrets/a").is_err());
}

#[tokio::test]
async fn what_a_task_costs_counts_against_the_budget_of_whoever_gave_it() {
    let app = TestApp::start().await;
    let (_, [ada, bo]) = app.swarm("Night", [("Ada", json!({"budgetUsd": 1})), ("Bo", json!({}))]).await;
    let paid = UpdateAgent { model: Some("paid/good".parse().unwrap()), ..UpdateAgent::default() };
    app.core.agents().update(&app.ctx(), bo, paid).await.expect("can be changed");
    app.models.when("go", [asks("Bo", "think"), Reply::Say(vec!["Done."])]);
    app.talk(ada, "go").await;
    // One call of Bo's; Ada's own calls are free.
    let spent = Ledger { spent: MicroUsd(264), reserved: MicroUsd::ZERO };
    assert_eq!((ledger(&app, ada).await, ledger(&app, bo).await), (spent, spent));
    let poor = serde_json::Map::from_iter([
        ("budgetUsd".to_owned(), json!(0.0005)),
        ("policy".to_owned(), json!("open")),
    ]);
    let poor = UpdateAgent { config: Some(poor), ..UpdateAgent::default() };
    app.core.agents().update(&app.ctx(), ada, poor).await.expect("can be changed");
    app.models.when("again", [asks("Bo", "think"), Reply::Say(vec!["Done."])]);
    let events = app.talk(ada, "again").await;
    let (status, text) = result(&events);
    assert_eq!(status, ToolStatus::Failed);
    assert!(text.contains("The task comes from Ada") && text.contains("budget"), "{text}");
    assert_eq!(ledger(&app, ada).await.spent, MicroUsd(264), "nothing more was spent");
}

#[tokio::test]
async fn agents_cannot_wait_for_one_another_in_a_circle() {
    let app = TestApp::start().await;
    let (_, [ada, _]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    app.models.when("go", [asks("Bo", "your turn"), Reply::Say(vec!["Done."])]);
    app.models.when("your turn", [asks("Ada", "no, yours"), Reply::Say(vec!["I did it myself."])]);
    let events = app.talk(ada, "go").await;
    assert_eq!(result(&events), (ToolStatus::Done, "I did it myself.".to_owned()));
    let (_, session, _) = asked(&events);
    let refused = turns_of(app.log(session).await).into_iter().any(|event| {
        matches!(event, TurnEvent::ToolFinished { outcome, .. }
            if outcome.text.contains("Ada waits for what you are doing now"))
    });
    assert!(refused);
}

#[tokio::test]
async fn only_so_many_agents_wait_for_one_another_in_a_row() {
    let app = TestApp::start().await;
    let names = ["A0", "A1", "A2", "A3", "A4", "A5"].map(|name| (name, json!({})));
    let (_, [first, ..]) = app.swarm("Night", names).await;
    for (number, next) in ["A1", "A2", "A3", "A4", "A5"].into_iter().enumerate() {
        let task: &'static str = ["t1", "t2", "t3", "t4", "t5"][number];
        let said = ["go", "t1", "t2", "t3", "t4"][number];
        app.models.when(said, [asks(next, task), Reply::Say(vec!["Back."])]);
    }
    app.talk(first, "go").await;
    assert!(
        !app.models.asked().iter().any(|asked| {
            matches!(asked.messages.last(), Some(Message::User(text)) if text.ends_with("t5"))
        }),
        "the sixth agent is not reached"
    );
}

#[tokio::test]
async fn only_agents_of_the_same_swarm_can_be_asked() {
    let app = TestApp::start().await;
    let (_, [ada]) = app.swarm("Night", [("Ada", json!({}))]).await;
    let (_, [_, _]) = app.swarm("Day", [("Bo", json!({})), ("Cy", json!({}))]).await;
    app.models.when("go", [asks("Bo", "help"), Reply::Say(vec!["Nobody."])]);
    let events = app.talk(ada, "go").await;
    let (status, text) = result(&events);
    assert_eq!(status, ToolStatus::Failed);
    assert!(text.contains("There is no agent \"Bo\" in your swarm"), "{text}");
    assert!(app.models.asked()[0].tools.iter().all(|tool| tool.name != "ask_agent"), "it is alone");
}

#[tokio::test]
async fn cancelling_a_turn_calls_off_what_others_do_for_it() {
    let app = TestApp::start().await;
    let (_, [ada, bo]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    app.models.when("go", [asks("Bo", "think long")]);
    app.models.when("think long", [Reply::Hang(vec!["Hm"])]);
    let posted = app.post(ada, "go").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let (_, session, turn) =
        asked(&app.until(ada, &posted, |event| matches!(event, TurnEvent::AgentAsked { .. })).await);
    app.core.sessions().cancel(&app.ctx(), ada, posted.session).await.expect("can be cancelled");
    app.until_phase(turn, TurnPhase::Ended).await;
    let ended = turns_of(app.log(session).await)
        .into_iter()
        .any(|event| matches!(event, TurnEvent::Ended { ending: Ending::Cancelled }));
    assert!(ended, "Bo's turn is over: {:#?}", app.log(session).await);
    assert_eq!(app.look(bo).await.last_failure, None);
}

#[tokio::test]
async fn an_agent_that_is_deleted_or_stopped_leaves_nobody_waiting() {
    let app = TestApp::start().await;
    let agents = [("Ada", json!({})), ("Bo", json!({})), ("Cy", json!({}))];
    let (_, [ada, bo, cy]) = app.swarm("Night", agents).await;
    for (name, task, said) in [("Bo", "one", "first"), ("Cy", "two", "second")] {
        app.models.when(said, [asks(name, task), Reply::Say(vec!["Never mind."])]);
        app.models.when(task, [Reply::Hang(vec!["Hm"])]);
    }
    let posted = app.post(ada, "first").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    app.core.agents().delete(&app.ctx(), bo).await.expect("can be deleted");
    let events = app.until(ada, &posted, is_end).await;
    assert_eq!(
        result(&events),
        (ToolStatus::Failed, "The agent was deleted before it had answered.".to_owned())
    );
    let posted = app.post(ada, "second").await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    app.core.agents().stop(&app.ctx(), cy).await.expect("can be stopped");
    let events = app.until(ada, &posted, is_end).await;
    assert_eq!(
        result(&events),
        (ToolStatus::Failed, "The task was cancelled before it was done.".to_owned())
    );
}

#[tokio::test]
async fn taint_goes_with_a_task_and_comes_back_with_its_answer() {
    let app = TestApp::start().await;
    let web = json!({"network": {"allow": ["listed.example"]}});
    let (_, [ada, _]) = app.swarm("Night", [("Ada", json!({})), ("Bo", web)]).await;
    app.models.when("go", [asks("Bo", "look it up"), Reply::Say(vec!["Done."])]);
    let page = uses("http_request", json!({"host": "listed.example"}));
    app.models.when("look it up", [page, Reply::Say(vec!["It says so."])]);
    // Ada may not reach the host, so nobody who works for it may.
    let posted = app.post(ada, "go").await;
    let approval = one_pending(&app).await;
    assert!(approval.reason.contains("The task comes from Ada"), "{}", approval.reason);
    let yes = DecideApproval { id: approval.id, approve: true, by: None, note: None };
    app.core.approvals().decide(&app.ctx(), yes).await.expect("can be approved");
    app.until(ada, &posted, is_end).await;
    let session = posted.session;
    let read = move |reader: &dyn Reader| reader.session_taint(session);
    let taint = app.store.read::<_, roost_ports::store::Error>(read).await.unwrap();
    assert_eq!(taint, Some(Taint::Web));
}

#[tokio::test]
async fn whoever_works_for_another_has_nobody_to_ask_back() {
    let app = TestApp::start().await;
    let (_, [ada, _]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    app.models.when("go", [asks("Bo", "which"), Reply::Say(vec!["Done."])]);
    app.models.when(
        "which",
        [uses("ask_human", json!({"question": "Which?"})), Reply::Say(vec!["I need to know which."])],
    );
    let events = app.talk(ada, "go").await;
    assert_eq!(result(&events), (ToolStatus::Done, "I need to know which.".to_owned()));
}

#[tokio::test]
async fn a_turn_shows_what_others_did_for_it_as_one_tree() {
    let app = TestApp::start().await;
    let agents = [("Ada", json!({})), ("Bo", json!({})), ("Cy", json!({}))];
    let (_, [ada, _, _]) = app.swarm("Night", agents).await;
    app.models.when("go", [asks("Bo", "one"), asks("Cy", "two"), Reply::Say(vec!["Done."])]);
    app.models.when("one", [asks("Cy", "three"), Reply::Say(vec!["First."])]);
    let posted = app.post(ada, "go").await;
    app.until(ada, &posted, is_end).await;
    let tree = app.core.sessions().turn(&app.ctx(), ada, posted.turn).await.expect("is there");
    let shown: Vec<_> = tree.below.iter().map(|turn| (turn.name.as_str(), turn.message.as_str())).collect();
    assert_eq!(shown, [("Bo", "one"), ("Cy", "two")]);
    let below: Vec<_> = tree.below[0].below.iter().map(|turn| turn.answer.as_str()).collect();
    assert_eq!(below, ["You said: three"]);
    let stranger = app.stranger().await;
    let hidden = app.core.sessions().turn(&stranger, ada, posted.turn).await;
    assert_eq!(hidden.expect_err("is not theirs").kind(), Kind::NotFound);
}

#[tokio::test]
async fn nobody_else_posts_into_what_agents_say_among_themselves() {
    let app = TestApp::start().await;
    let (_, [ada, bo]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    app.models.when("go", [asks("Bo", "one"), Reply::Say(vec!["Done."])]);
    let (_, session, _) = asked(&app.talk(ada, "go").await);
    let message = PostMessage {
        agent: bo,
        session: Some(session),
        peer: None,
        text: "hello".to_owned(),
        context: None,
    };
    let refused = app.core.messages().post(&app.ctx(), message).await;
    assert_eq!(refused.expect_err("is refused").kind(), Kind::NotFound);
}

#[tokio::test]
async fn what_a_run_may_use_is_used_by_whoever_works_for_it_too() {
    let app = TestApp::start().await;
    let (_, [ada, _]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    permissions(&app, Subject::hosted(ada), json!({"compute": {"max_tool_calls_per_run": 2}})).await;
    app.models.when("go", [asks("Bo", "list"), Reply::Say(vec!["Done."])]);
    let ls = |directory: &'static str| uses("shell", json!({"command": format!("ls {directory}")}));
    app.models.when("list", [ls("a"), ls("b"), ls("c"), Reply::Say(vec!["Two of three."])]);
    let (_, session, _) = asked(&app.talk(ada, "go").await);
    assert_eq!(app.machines.commands(), ["ls a"], "the task and one command are two calls");
    let blocked = turns_of(app.log(session).await).into_iter().any(|event| {
        matches!(event, TurnEvent::ToolBlocked { reason, .. } if reason.contains("2 tool calls of its 2"))
    });
    assert!(blocked);
}

#[tokio::test]
async fn an_approval_for_whoever_works_for_another_is_under_the_stricter_terms() {
    let app = TestApp::start().await;
    let (_, [ada, bo]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    let terms = json!({"require_approval": ["shell"], "approvals": {"quorum": 2}, "default": "allow"});
    policy(&app, ada, terms).await;
    policy(&app, bo, json!({"default": "allow", "on_timeout": "allow"})).await;
    app.models.when("go", [asks("Bo", "list"), Reply::Say(vec!["Done."])]);
    app.models.when("list", [uses("shell", json!({"command": "ls"})), Reply::Say(vec!["Listed."])]);
    app.post(ada, "go").await;
    let approval = one_pending(&app).await;
    assert_eq!(approval.terms.quorum, 2);
    assert_eq!(approval.terms.on_timeout, OnTimeout::Block);
}

#[tokio::test]
async fn an_agent_that_would_not_answer_is_not_asked() {
    let app = TestApp::start().await;
    let (_, [ada, bo]) = app.swarm("Night", [("Ada", json!({})), ("Bo", json!({}))]).await;
    app.core.agents().pause(&app.ctx(), bo).await.expect("can be paused");
    app.models.when("go", [asks("Bo", "help"), Reply::Say(vec!["Never mind."])]);
    let (status, text) = result(&app.talk(ada, "go").await);
    assert_eq!((status, text.as_str()), (ToolStatus::Failed, "Bo is paused and takes no tasks."));
}

#[tokio::test]
async fn what_a_deleted_agent_held_back_for_others_is_given_back() {
    let app = TestApp::start().await;
    let agents = [("Ada", json!({})), ("Bo", json!({})), ("Cy", json!({}))];
    let (_, [ada, bo, cy]) = app.swarm("Night", agents).await;
    let paid = UpdateAgent { model: Some("paid/good".parse().unwrap()), ..UpdateAgent::default() };
    app.core.agents().update(&app.ctx(), cy, paid).await.expect("can be changed");
    app.models.when("go", [asks("Bo", "one"), Reply::Say(vec!["Never mind."])]);
    app.models.when("one", [asks("Cy", "two")]);
    app.models.when("two", [Reply::Hang(vec!["Hm"])]);
    let posted = app.post(ada, "go").await;
    let waiting = async {
        while ledger(&app, ada).await.reserved == MicroUsd::ZERO {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await.expect("Cy's call is held back");
    app.core.agents().delete(&app.ctx(), bo).await.expect("can be deleted");
    app.until(ada, &posted, is_end).await;
    let settled = async {
        while ledger(&app, ada).await.reserved != MicroUsd::ZERO {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), settled).await.expect("nothing stays held back");
}
