//! What an account's policies and permissions say binds every agent that is hosted here, whatever sets it off.

use roost_core::{
    ChangePermissions, DecideApproval, DecisionFilter, EntryFilter, ListDecisions, ListEntries, PutPolicy,
};
use roost_domain::approval::{Act, Approval, Risk, Status};
use roost_domain::effect::Cause;
use roost_domain::event::{Ending, TurnEvent};
use roost_domain::id::AgentId;
use roost_domain::machine::Condition;
use roost_domain::page::Limit;
use roost_domain::session::Channel;
use roost_domain::subject::Subject;
use roost_ports::machine::Machines;
use roost_ports::store::TurnPhase;
use roost_testkit::{Reply, TestApp};
use serde_json::{Value, json};

use crate::approvals::{decision, pending};

const LIMIT: Limit = Limit::clamped(100, 100);

pub(super) async fn policy(app: &TestApp, agent: AgentId, document: Value) {
    let put = PutPolicy { subject: Subject::hosted(agent), document, strict: false, dry_run: false };
    app.core.policies().put(&app.ctx(), put).await.expect("the policy is good");
}

pub(super) async fn permissions(app: &TestApp, subject: Subject, document: Value) {
    let change = ChangePermissions::Replace(document);
    app.core.permissions().change(&app.ctx(), subject, change).await.expect("the permissions are good");
}

fn wants(tool: &'static str, arguments: Value) -> Reply {
    Reply::Use("", vec![(tool, arguments)])
}

/// Lets an agent try one call and returns why it was refused, if it was.
async fn tried(app: &TestApp, agent: AgentId, tool: &'static str, arguments: Value) -> Option<String> {
    let message = format!("{tool} {arguments}");
    app.models.when(message.clone().leak(), [wants(tool, arguments), Reply::Say(vec!["Done."])]);
    let events = app.talk(agent, &message).await;
    assert_eq!(events.last(), Some(&TurnEvent::Ended { ending: Ending::Answered }));
    events
        .into_iter()
        .find_map(|event| if let TurnEvent::ToolBlocked { reason, .. } = event { Some(reason) } else { None })
}

/// Lets an agent try one call for which a person is asked, and returns what they are asked.
async fn asked(app: &TestApp, agent: AgentId, tool: &'static str, arguments: Value) -> Approval {
    let message = format!("ask {tool} {arguments}");
    app.models.when(message.clone().leak(), [wants(tool, arguments), Reply::Say(vec!["Done."])]);
    let posted = app.post(agent, &message).await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ApprovalRequested { .. })).await;
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    pending(app).await.into_iter().next().expect("one waits")
}

/// Every way in which an agent can come to act. A new channel or cause does not compile until it is here.
fn ways(channel: Channel, cause: &Cause) -> &'static str {
    match channel {
        Channel::Api => "a message over an API",
        Channel::Agent => "a task from another agent: see swarms.rs",
        Channel::Workflow => "a step of a run: see runs/failures.rs",
        Channel::Journal => "nothing: a journal is no conversation",
    };
    match cause {
        Cause::Loop => "the loop asks the model, which is no tool",
        Cause::Tool(_) => "a tool call, of a turn that is new, resumed, approved or recovered",
    }
}

#[tokio::test]
async fn a_message_cannot_make_an_agent_do_what_its_policy_blocks() {
    let app = TestApp::start().await;
    for profile in ["open", "standard", "strict"] {
        let agent = app.agent(json!({"policy": profile})).await;
        policy(&app, agent, json!({"block": ["*"]})).await;
        for (tool, arguments) in [
            ("shell", json!({"command": "ls"})),
            ("read_file", json!({"path": "a"})),
            ("http_request", json!({"host": "a.example"})),
            ("ask_human", json!({"question": "May I?"})),
        ] {
            let reason = tried(&app, agent, tool, arguments).await.expect("is refused");
            assert!(
                reason.contains("is blocked per policy v1.0 (block[0]: *)"),
                "{profile} {tool}: {reason}"
            );
        }
    }
    assert_eq!(app.machines.commands(), Vec::<String>::new());
    assert_eq!(ways(Channel::Api, &Cause::Loop), "the loop asks the model, which is no tool");
}

#[tokio::test]
async fn a_message_that_waited_is_held_to_the_policy_of_the_moment_it_is_answered() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.core.agents().pause(&app.ctx(), agent).await.expect("can be paused");
    app.models.when("later", [wants("shell", json!({"command": "ls"})), Reply::Say(vec!["Done."])]);
    let posted = app.post(agent, "later").await;
    policy(&app, agent, json!({"block": ["shell"]})).await;
    app.core.agents().resume(&app.ctx(), agent).await.expect("can be resumed");
    let events = app.until(agent, &posted, |event| matches!(event, TurnEvent::Ended { .. })).await;
    assert!(events.iter().any(|event| matches!(event, TurnEvent::ToolBlocked { .. })), "{events:?}");
    assert_eq!(app.machines.commands(), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_approved_before_it_was_blocked_stays_blocked() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "strict"})).await;
    let approval = asked(&app, agent, "shell", json!({"command": "ls"})).await;
    policy(&app, agent, json!({"block": ["shell"]})).await;
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    let turn = approval.waiting.expect("a turn waits").turn;
    app.until_phase(turn, TurnPhase::Ended).await;
    assert_eq!(app.machines.commands(), Vec::<String>::new());
}

#[tokio::test]
async fn a_command_that_a_crash_cut_short_is_not_run_again_where_it_is_blocked_now() {
    let mut app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("deploy", [wants("shell", json!({"command": "hang"})), Reply::Say(vec!["Done."])]);
    let posted = app.post(agent, "deploy").await;
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolStarted { .. })).await;
    app.kill_runtime().await;
    let ran = app.machines.commands().len();
    policy(&app, agent, json!({"block": ["shell"]})).await;
    app.start_runtime();
    app.until_phase(posted.turn, TurnPhase::Waiting).await;
    let approval = pending(&app).await.pop().expect("a person is asked");
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    app.until_phase(posted.turn, TurnPhase::Ended).await;
    assert_eq!(app.machines.commands().len(), ran);
}

#[tokio::test]
async fn a_policy_that_asks_needs_its_quorum_and_the_step_goes_on_with_the_last_yes() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "open"})).await;
    policy(&app, agent, json!({"require_approval": ["shell"], "approvals": {"quorum": 2}})).await;
    let approval = asked(&app, agent, "shell", json!({"command": "ls"})).await;
    assert_eq!((approval.terms.quorum, approval.risk, approval.tool.as_str()), (2, Risk::High, "shell"));
    assert!(approval.reason.contains("require_approval[0]: shell"), "{}", approval.reason);
    let vote = async |by: &str| {
        let vote = DecideApproval { id: approval.id, approve: true, by: Some(by.into()), note: None };
        app.core.approvals().decide(&app.ctx(), vote).await.expect("counts").status
    };
    assert_eq!(vote("Ann").await, Status::Pending);
    assert_eq!(app.machines.commands(), Vec::<String>::new());
    assert_eq!(vote("Bob").await, Status::Approved);
    let turn = approval.waiting.expect("a turn waits").turn;
    app.until_phase(turn, TurnPhase::Ended).await;
    assert_eq!(app.machines.commands(), ["ls"]);
    let approval = app.core.approvals().get(&app.ctx(), approval.id).await.expect("is there");
    assert!(approval.executed_at.is_some());
    let filter = EntryFilter { approval: Some(approval.id), ..EntryFilter::default() };
    let list = ListEntries { filter, skip: 0, limit: LIMIT };
    let (entries, _) = app.core.approvals().entries(&app.ctx(), list).await.expect("are there");
    let acts: Vec<_> = entries.iter().rev().map(|entry| entry.act).collect();
    assert_eq!(acts, [Act::Requested, Act::Voted, Act::Approved, Act::Executed]);
}

#[tokio::test]
async fn every_decision_about_a_tool_is_kept_with_its_reason() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    policy(&app, agent, json!({"allow": ["shell"], "block": ["read_file"]})).await;
    tried(&app, agent, "shell", json!({"command": "ls"})).await;
    tried(&app, agent, "read_file", json!({"path": "a"})).await;
    let filter = DecisionFilter { subject: Some(Subject::hosted(agent)), ..DecisionFilter::default() };
    let list = ListDecisions { filter, skip: 0, limit: LIMIT };
    let (decisions, total) = app.core.gate().log(&app.ctx(), list).await.expect("are there");
    assert_eq!(total, 2);
    let seen: Vec<_> =
        decisions.iter().map(|one| (one.tool.as_str(), one.ruling.name(), one.rule.as_deref())).collect();
    assert_eq!(seen, [("read_file", "block", Some("block[0]")), ("shell", "allow", Some("allow[0]"))]);
    assert_eq!(decisions[1].parameters, Some(json!({"command": "ls"})));
}

#[tokio::test]
async fn a_policy_that_logs_tells_the_agent_no_reason() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    policy(&app, agent, json!({"block": ["shell"], "on_block": "log"})).await;
    let reason = tried(&app, agent, "shell", json!({"command": "ls"})).await;
    assert_eq!(reason.as_deref(), Some("The gate refused this call."));
}

#[tokio::test]
async fn deleted_permissions_leave_an_agent_no_tool() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "open"})).await;
    permissions(&app, Subject::hosted(agent), json!({})).await;
    assert_eq!(tried(&app, agent, "shell", json!({"command": "ls"})).await, None);
    let (ctx, delete) = (app.ctx(), ChangePermissions::Delete);
    app.core.permissions().change(&ctx, Subject::hosted(agent), delete).await.expect("can be deleted");
    let reason = tried(&app, agent, "shell", json!({"command": "pwd"})).await.expect("is refused");
    assert!(reason.contains("permissions were deleted"), "{reason}");
}

#[tokio::test]
async fn a_turn_has_no_more_tool_calls_than_its_permissions_give_it() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    permissions(&app, Subject::hosted(agent), json!({"compute": {"max_tool_calls_per_run": 2}})).await;
    let call = || wants("shell", json!({"command": "ls"}));
    app.models.when("work", [call(), call(), call(), Reply::Say(vec!["Done."])]);
    let events = app.talk(agent, "work").await;
    assert_eq!(app.machines.commands(), ["ls", "ls"]);
    let blocked = events.iter().any(|event| {
        matches!(event, TurnEvent::ToolBlocked { reason, .. } if reason.contains("2 tool calls of its 2"))
    });
    assert!(blocked, "{events:?}");
    app.models.when("again", [call(), Reply::Say(vec!["Done."])]);
    app.talk(agent, "again").await;
    assert_eq!(app.machines.commands().len(), 3, "the next turn has its own");
}

#[tokio::test]
async fn a_turn_has_no_more_tokens_than_its_permissions_give_it() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    permissions(&app, Subject::hosted(agent), json!({"compute": {"max_tokens_per_run": 1}})).await;
    app.models.when("work", [wants("shell", json!({"command": "ls"})), Reply::Say(vec!["Done."])]);
    let events = app.talk(agent, "work").await;
    let Some(TurnEvent::Ended { ending: Ending::Failed(problem) }) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(problem.code, "compute_exceeded");
}

#[tokio::test]
async fn a_machine_that_is_up_ends_when_its_hosts_or_files_change_and_only_then() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let (_, [other]) = app.swarm("Night", [("Owl", json!({}))]).await;
    for agent in [agent, other] {
        tried(&app, agent, "shell", json!({"command": "ls"})).await;
    }
    let up = |agent| app.machines.condition(agent) == Condition::Running;
    permissions(&app, Subject::hosted(agent), json!({"tools": {"block": ["read_file"]}})).await;
    assert!(up(agent), "tools are no matter of the machine");
    permissions(&app, Subject::hosted(agent), json!({"network": {"allow": ["api.example"]}})).await;
    assert!(!up(agent) && up(other));
    permissions(&app, Subject::swarm("night"), json!({"data": {"deny": ["secrets/**"]}})).await;
    assert!(!up(other));
}

#[tokio::test]
async fn after_a_web_page_what_could_carry_data_out_is_asked_about() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"network": {"allow": ["listed.example"]}})).await;
    assert_eq!(tried(&app, agent, "shell", json!({"command": "ls"})).await, None);
    assert_eq!(tried(&app, agent, "http_request", json!({"host": "listed.example"})).await, None);
    let approval = asked(&app, agent, "shell", json!({"command": "ls -la"})).await;
    assert!(approval.reason.contains("Text from the web is in the conversation"), "{}", approval.reason);
    assert_eq!(approval.risk, Risk::Critical);
}

#[tokio::test]
async fn a_command_that_connected_marks_the_session_and_another_session_is_clean() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"network": {"allow": ["listed.example"]}})).await;
    assert_eq!(tried(&app, agent, "shell", json!({"command": "connect"})).await, None);
    let approval = asked(&app, agent, "shell", json!({"command": "ls"})).await;
    assert!(approval.reason.contains("a command that connected"), "{}", approval.reason);
    let peer = Some("someone".to_owned());
    let message = roost_core::PostMessage { agent, session: None, peer, text: "go".into(), context: None };
    app.models.when("go", [wants("shell", json!({"command": "pwd"})), Reply::Say(vec!["Done."])]);
    let posted = app.core.messages().post(&app.ctx(), message).await.expect("can be posted");
    app.until(agent, &posted, |event| matches!(event, TurnEvent::ToolFinished { .. })).await;
}

#[tokio::test]
async fn a_script_with_a_critical_finding_does_not_run_without_approval() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "open"})).await;
    app.machines.put("fine.sh", "echo fine # FINDS HIGH");
    app.machines.put("bad.sh", "echo bad # FINDS CRITICAL");
    assert_eq!(tried(&app, agent, "shell", json!({"command": "sh fine.sh"})).await, None);
    let approval = asked(&app, agent, "shell", json!({"command": "sh bad.sh"})).await;
    assert!(approval.reason.contains("found CRITICAL (TEST, bad.sh line 1)"), "{}", approval.reason);
    assert_eq!(app.machines.commands(), ["sh fine.sh"]);
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    let turn = approval.waiting.expect("a turn waits").turn;
    app.until_phase(turn, TurnPhase::Ended).await;
    assert_eq!(app.machines.commands(), ["sh fine.sh", "sh bad.sh"]);
}

#[tokio::test]
async fn leave_for_a_script_is_for_the_content_that_was_looked_at() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "open"})).await;
    app.machines.put("bad.sh", "echo bad # FINDS CRITICAL");
    let approval = asked(&app, agent, "shell", json!({"command": "sh bad.sh"})).await;
    app.machines.put("bad.sh", "echo worse # FINDS CRITICAL");
    app.core.approvals().decide(&app.ctx(), decision(&approval, true)).await.expect("can be approved");
    let turn = approval.waiting.as_ref().expect("a turn waits").turn;
    let again = loop {
        let waiting = pending(&app).await;
        if let Some(again) = waiting.into_iter().find(|again| again.id != approval.id) {
            break again;
        }
        assert_ne!(app.phase(turn).await, TurnPhase::Ended, "it ran with a content nobody had seen");
        tokio::task::yield_now().await;
    };
    assert_ne!(again.effect, approval.effect);
    assert_eq!(app.machines.commands(), Vec::<String>::new());
}

#[tokio::test]
async fn a_commands_own_text_is_scanned_and_a_policy_sets_the_threshold() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    assert_eq!(tried(&app, agent, "shell", json!({"command": "echo FINDS HIGH"})).await, None);
    policy(&app, agent, json!({"default": "allow", "scan": {"fail_on": "HIGH"}})).await;
    let approval = asked(&app, agent, "shell", json!({"command": "echo FINDS HIGH again"})).await;
    assert!(approval.reason.contains("command.sh line 1"), "{}", approval.reason);
}

#[tokio::test]
async fn what_nobody_can_look_at_is_not_run_unasked() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "open"})).await;
    app.machines.put("long.sh", &"#".repeat(600 * 1024));
    let approval = asked(&app, agent, "shell", json!({"command": "sh long.sh"})).await;
    assert!(approval.reason.contains("SCAN-INCOMPLETE"), "{}", approval.reason);
    assert!(approval.reason.contains("longer than is looked at"), "{}", approval.reason);
}

#[tokio::test]
async fn credentials_in_parameters_are_in_no_record() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({"policy": "strict"})).await;
    let arguments =
        json!({"command": "ls", "headers": {"Authorization": "Bearer sesame"}, "api_key": "sesame"});
    let approval = asked(&app, agent, "shell", arguments).await;
    assert!(!format!("{approval:?}").contains("sesame"), "{approval:?}");
    let list = ListDecisions { filter: DecisionFilter::default(), skip: 0, limit: LIMIT };
    let (decisions, _) = app.core.gate().log(&app.ctx(), list).await.expect("are there");
    assert!(!format!("{decisions:?}").contains("sesame") && !decisions.is_empty(), "{decisions:?}");
}
