use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::workflow::Workflow;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000 + seconds).unwrap()
}

fn key(text: &str) -> StepKey {
    text.parse().unwrap()
}

fn problem(code: &str) -> Problem {
    Problem { code: code.into(), message: "why".into() }
}

fn plan(config: impl Into<Value>) -> Arc<Plan> {
    Arc::new(Plan::new(Workflow::read(&config.into()).unwrap()))
}

fn created() -> RunEvent {
    RunEvent::Created { input: json!({"list": ["a", "b", "c"]}), given: vec![], tainted: false }
}

fn turn() -> Doing {
    Doing::Turn { turn: TurnId::from_uuid(Uuid::nil()), session: SessionId::from_uuid(Uuid::nil()) }
}

fn form(expires: Option<i64>) -> Doing {
    let (title, expires_at) = ("Who?".into(), expires.map(at));
    Doing::Form { form: FormId::from_uuid(Uuid::nil()), title, description: None, expires_at }
}

const fn within(items: Value, case: Option<u32>) -> Doing {
    Doing::Within { items, case }
}

fn started(step: &str, attempt: u32, doing: Doing) -> RunEvent {
    RunEvent::StepStarted { step: key(step), attempt, inputs: Value::Null, doing, deadline: None }
}

fn succeeded(step: &str) -> RunEvent {
    let (output, cost, usage) = (json!(step), MicroUsd(2), Usage::default());
    RunEvent::StepSucceeded { step: key(step), output, cost, usage, tainted: false }
}

fn failed(step: &str, attempt: u32, retry_at: Option<i64>) -> RunEvent {
    let (problem, retry_at) = (problem("tool_failed"), retry_at.map(at));
    RunEvent::StepFailed {
        step: key(step),
        attempt,
        problem,
        retry_at,
        cost: MicroUsd(1),
        usage: Usage::default(),
    }
}

fn fold(plan: &Arc<Plan>, events: &[RunEvent]) -> State {
    let state = step(State::new(Arc::clone(plan)), &created(), at(0)).unwrap();
    events.iter().fold(state, |state, event| step(state, event, at(0)).unwrap())
}

fn refused(plan: &Arc<Plan>, events: &[RunEvent], event: &RunEvent) -> String {
    step(fold(plan, events), event, at(0)).unwrap_err().to_string()
}

/// Names what is due: `start a`, `check b`, …
fn due(state: &State, seconds: i64) -> Vec<String> {
    let name = |act: Act| match act {
        Act::Start { step, attempt: 1 } => format!("start {step}"),
        Act::Start { step, attempt } => format!("start {step} {attempt}"),
        Act::Check { step, output, from } => format!("check {step} {output} {from}"),
        Act::CallOff { step } => format!("call off {step}"),
        Act::Fail { step, problem, retry_at, .. } => {
            format!("fail {step} {}{}", problem.code, if retry_at.is_some() { " again" } else { "" })
        }
        Act::TimeOut => "time out".to_owned(),
        Act::Complete => "complete".to_owned(),
        Act::End(ending) => format!("end {}", matches!(ending, Ending::Cancelled)),
    };
    state.due(at(seconds)).acts.into_iter().map(name).collect()
}

fn say(id: &str) -> Value {
    json!({"type": "generate-text", "id": id, "prompt": "x"})
}

#[test]
fn steps_begin_when_those_they_need_are_done() {
    let mut third = say("c");
    third["needs"] = json!(["a"]);
    let plan = plan(json!({"steps": [say("a"), say("b"), third]}));
    let state = fold(&plan, &[]);
    assert_eq!(due(&state, 0), ["start a"]);
    let state = fold(&plan, &[started("a", 1, turn())]);
    assert_eq!(due(&state, 0), [""; 0]);
    let state = fold(&plan, &[started("a", 1, turn()), succeeded("a")]);
    assert_eq!(due(&state, 0), ["start b", "start c"]);
    assert!(refused(&plan, &[], &started("b", 1, turn())).contains("cannot take"));
    let all = [started("a", 1, turn()), succeeded("a"), started("b", 1, turn()), started("c", 1, turn())];
    let state = fold(&plan, &[&all[..], &[succeeded("c"), succeeded("b")]].concat());
    assert_eq!(due(&state, 0), ["complete"]);
    assert_eq!(state.last_output(), json!("c"));
    assert_eq!(state.cost(), MicroUsd(6));
}

#[test]
fn only_the_case_that_was_taken_is_done() {
    let cases = json!([{"when": "true", "steps": [say("yes")]}]);
    let branch = json!({"type": "branch", "id": "if", "cases": cases, "otherwise": [say("no")]});
    let plan = plan(json!({"steps": [branch, say("after")]}));
    let taken = |case| [started("if", 1, within(Value::Null, Some(case)))];
    assert_eq!(due(&fold(&plan, &taken(0)), 0), ["start yes"]);
    assert_eq!(due(&fold(&plan, &taken(1)), 0), ["start no"]);
    assert!(refused(&plan, &taken(1), &started("yes", 1, turn())).contains("cannot take"));
    let story = [
        &taken(1)[..],
        &[RunEvent::StepSkipped { step: key("yes") }, started("no", 1, turn()), succeeded("no")],
    ];
    let state = fold(&plan, &story.concat());
    assert_eq!(due(&state, 0), ["check if \"no\" 0"]);
    let state = fold(&plan, &[&story.concat()[..], &[succeeded("if")]].concat());
    assert_eq!(due(&state, 0), ["start after"]);
}

#[test]
fn a_loop_works_on_as_many_things_at_once_as_it_may() {
    let each = json!({"type": "for-each", "id": "each", "items": "{{ input.list }}", "at_once": 2, "steps": [say("a"), say("b")]});
    let plan = plan(json!({"steps": [each]}));
    let mut story = vec![started("each", 1, within(json!(["x", "y", "z"]), None))];
    assert_eq!(due(&fold(&plan, &story), 0), ["start a[0]", "start a[1]"]);
    story.extend([started("a[0]", 1, turn()), started("a[1]", 1, turn()), succeeded("a[1]")]);
    assert_eq!(due(&fold(&plan, &story), 0), ["start b[1]"]);
    story.extend([started("b[1]", 1, turn()), succeeded("b[1]")]);
    assert_eq!(due(&fold(&plan, &story), 0), ["start a[2]"], "the second is done, so the third begins");
    story.extend([succeeded("a[0]"), started("b[0]", 1, turn()), succeeded("b[0]")]);
    story.extend([
        started("a[2]", 1, turn()),
        succeeded("a[2]"),
        started("b[2]", 1, turn()),
        succeeded("b[2]"),
    ]);
    assert_eq!(due(&fold(&plan, &story), 0), [r#"check each ["b[0]","b[1]","b[2]"] 0"#]);
    assert!(refused(&plan, &story[..1], &started("a[3]", 1, turn())).contains("cannot take"));
    let none = fold(&plan, &[started("each", 1, within(json!([]), None))]);
    assert_eq!(due(&none, 0), ["check each [] 0"]);
}

#[test]
fn a_try_that_failed_is_followed_by_another_at_its_time() {
    let plan = plan(json!({"steps": [say("a")]}));
    let story = [started("a", 1, turn()), failed("a", 1, Some(10))];
    let state = fold(&plan, &story);
    assert_eq!(due(&state, 9), [""; 0]);
    assert_eq!(state.due(at(9)).wake_at, Some(at(10)));
    assert_eq!(due(&state, 10), ["start a 2"]);
    assert!(refused(&plan, &story, &started("a", 3, turn())).contains("retrying"));
    let step = StepId("a".into());
    let delays: Vec<_> = (1..4)
        .map(|attempt| {
            plan.retry_at(&step, attempt, &problem("tool_failed"), at(0))
                .map(|then| then.duration_since(at(0)).as_secs())
        })
        .collect();
    assert_eq!(delays, [Some(1), Some(2), None], "twice as long each time, three tries in all");
    assert_eq!(plan.retry_at(&step, 1, &problem("template_failed"), at(0)), None, "it would only fail again");
}

#[test]
fn a_failure_calls_off_the_neighbours_before_the_run_ends() {
    let branches = json!([[say("a")], [{"type": "form", "id": "f", "title": "F", "fields": [{"name": "x", "label": "X", "type": "text"}]}], [say("b")]]);
    let plan = plan(json!({"steps": [{"type": "parallel", "id": "p", "branches": branches}, say("after")]}));
    let story = [
        started("p", 1, within(Value::Null, None)),
        started("a", 1, turn()),
        started("f", 1, form(None)),
        started("b", 1, turn()),
        failed("a", 1, None),
    ];
    let state = fold(&plan, &story);
    assert_eq!(due(&state, 0), ["fail p called_off", "fail f called_off", "call off b"]);
    let called_off = |step: &str| RunEvent::StepFailed {
        step: key(step),
        attempt: 1,
        problem: problem("called_off"),
        retry_at: Some(at(99)),
        cost: MicroUsd::ZERO,
        usage: Usage::default(),
    };
    let story = [&story[..], &[called_off("p"), called_off("f"), called_off("b")]].concat();
    let state = fold(&plan, &story);
    let [Act::End(Ending::Failed { step, problem })] = &state.due(at(0)).acts[..] else {
        panic!("{state:#?}")
    };
    assert_eq!((step, problem.code.as_str()), (&Some(key("a")), "tool_failed"), "the first failure is told");
    assert!(refused(&plan, &story, &started("after", 1, turn())).contains("called off"));
}

#[test]
fn times_run_out_for_forms_tries_and_runs() {
    let ask = json!({"type": "form", "id": "f", "title": "F", "fields": [{"name": "x", "label": "X", "type": "text"}]});
    let plan = plan(json!({"steps": [ask], "timeout_seconds": 60}));
    let state = fold(&plan, &[started("f", 1, form(Some(30)))]);
    assert_eq!(
        state.due(at(0)),
        Due { acts: vec![], wake_at: Some(at(30)), status: Status::WaitingForInput }
    );
    assert_eq!(due(&state, 30), ["fail f form_expired"]);
    assert_eq!(due(&state, 60), ["time out"]);
    let state = fold(&plan, &[started("f", 1, form(Some(30))), RunEvent::TimedOut]);
    assert_eq!(due(&state, 60), ["fail f called_off"]);
    let deadline = Some(at(5));
    let tried =
        |doing| RunEvent::StepStarted { step: key("f"), attempt: 1, inputs: Value::Null, doing, deadline };
    assert_eq!(due(&fold(&plan, &[tried(turn())]), 5), ["call off f"]);
    assert_eq!(due(&fold(&plan, &[tried(form(None))]), 5), ["fail f step_timeout again"]);
}

#[test]
fn a_run_waits_for_people_only_when_nothing_else_goes_on() {
    let mut side = say("a");
    side["needs"] = json!([]);
    let mut wait = json!({"type": "wait", "id": "w", "seconds": 5});
    wait["needs"] = json!([]);
    let ask = json!({"type": "approve", "id": "f", "question": "Well?", "needs": []});
    let plan = plan(json!({"steps": [ask, side, wait]}));
    let mut story = vec![
        started("f", 1, form(None)),
        started("a", 1, turn()),
        started("w", 1, Doing::Wait { until: at(5) }),
    ];
    let status = |story: &[RunEvent]| fold(&plan, story).due(at(0)).status;
    assert_eq!(status(&story), Status::Running);
    story.push(succeeded("a"));
    assert_eq!(status(&story), Status::Running, "time goes by");
    story.push(succeeded("w"));
    assert_eq!(status(&story), Status::WaitingForInput);
    let said = |approved: bool| RunEvent::Answered {
        step: key("f"),
        answer: json!({"approved": approved}),
        by: "ci".into(),
        tainted: !approved,
    };
    let state = fold(&plan, &[&story[..], &[said(false)]].concat());
    assert_eq!(due(&state, 0), ["fail f refused"]);
    assert!(state.is_tainted() && state.step(&key("f")).unwrap().tainted, "it came through a link");
    let state = fold(&plan, &[&story[..], &[said(true)]].concat());
    assert_eq!(due(&state, 0), [r#"check f {"approved":true} 0"#]);
    assert!(!state.is_tainted());
    assert!(refused(&plan, &[&story[..], &[said(true)]].concat(), &said(true)).contains("cannot take"));
}

#[test]
fn what_is_taken_over_is_not_done_again() {
    let mut side = say("side");
    side["needs"] = json!([]);
    let plan = plan(json!({"steps": [say("a"), say("b"), say("c"), side]}));
    let done = |id: &str| [started(id, 1, turn()), succeeded(id)];
    let state = fold(&plan, &[done("a"), done("side"), done("b"), done("c")].concat());
    let given = state.given_before(&StepId("b".into()));
    assert_eq!(given, [(key("a"), json!("a")), (key("side"), json!("side"))]);
    let again = RunEvent::Created { input: Value::Null, given, tainted: false };
    let state = step(State::new(plan), &again, at(0)).unwrap();
    assert_eq!(due(&state, 0), ["start b"]);
}

#[test]
fn keys_and_times_are_read_as_they_are_written() {
    for text in ["a", "a[0]", "summarise[3][12]"] {
        assert_eq!(key(text).to_string(), text);
    }
    for wrong in ["", "[1]", "a[", "a[x]", "a[1", "a[1]b", "a[-1]", "a]"] {
        assert!(wrong.parse::<StepKey>().is_err() || wrong == "a]", "{wrong}");
    }
    let seconds = |given: Value| until(&given, at(0)).map(|then| then.duration_since(at(0)).as_secs()).ok();
    assert_eq!(seconds(json!(5)), Some(5));
    assert_eq!(seconds(json!("90s")), Some(90));
    assert_eq!(seconds(json!("PT2H")), Some(7_200));
    assert_eq!(seconds(json!("2 days")), Some(172_800));
    assert_eq!(seconds(json!("2.0")), Some(2));
    assert_eq!(until(&json!("1970-01-01T00:20:00Z"), at(0)).unwrap(), at(200));
    for wrong in [json!("soon"), json!(null), json!([1]), json!(true)] {
        assert!(until(&wrong, at(0)).unwrap_err().message.contains("PT2H"));
    }
}

/// A workflow that has a bit of everything.
fn of_all_kinds() -> Arc<Plan> {
    let ask = |id: &str| json!({"type": "form", "id": id, "title": "F", "fields": [{"name": "x", "label": "X", "type": "text"}], "expires_after_seconds": 40});
    let cases = json!([{"when": "true", "steps": [say("yes")]}, {"when": "true", "steps": [ask("maybe")]}]);
    let inner =
        json!([{"type": "branch", "id": "if", "cases": cases}, {"type": "wait", "id": "wait", "seconds": 3}]);
    let each =
        json!({"type": "for-each", "id": "each", "items": "{{ input.list }}", "at_once": 2, "steps": inner});
    let branches =
        json!([[say("left"), ask("form")], [each], [{"type": "approve", "id": "ok", "question": "?"}]]);
    let mut last = say("last");
    last["needs"] = json!(["both", "first"]);
    last["timeout_seconds"] = json!(20);
    plan(
        json!({"steps": [say("first"), {"type": "parallel", "id": "both", "branches": branches}, last], "timeout_seconds": 300}),
    )
}

const KEYS: [&str; 16] = [
    "first", "both", "left", "form", "each", "if[0]", "if[1]", "if[2]", "yes[0]", "yes[1]", "maybe[0]",
    "maybe[2]", "wait[0]", "wait[2]", "ok", "last",
];

fn any_doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        Just(turn()),
        proptest::option::of(0..100_i64).prop_map(form),
        (0..100_i64).prop_map(|until| Doing::Wait { until: at(until) }),
        (0..4_u32).prop_map(|things| within(json!(vec!["x"; things as usize]), None)),
        (0..4_u32).prop_map(|case| within(Value::Null, Some(case))),
    ]
}

/// Whatever could be written, whether it fits or not.
fn any_event() -> impl Strategy<Value = RunEvent> {
    let step = proptest::sample::select(&KEYS[..]).prop_map(key);
    let (cost, usage) = (MicroUsd(1), Usage::default());
    let session = SessionId::from_uuid(Uuid::nil());
    (step, 1..4_u32, any_doing(), proptest::option::of(0..200_i64), 0..40_u8).prop_map(
        move |(step, attempt, doing, time, kind)| match kind {
            0..=9 => {
                RunEvent::StepStarted { step, attempt, inputs: Value::Null, doing, deadline: time.map(at) }
            }
            10..=18 => {
                RunEvent::StepSucceeded { step, output: json!(attempt), cost, usage, tainted: attempt == 3 }
            }
            19..=22 => RunEvent::StepFailed {
                step,
                attempt,
                problem: problem("tool_failed"),
                retry_at: Some(at(time.unwrap_or(0))),
                cost,
                usage,
            },
            23 => RunEvent::StepFailed { step, attempt, problem: problem("x"), retry_at: None, cost, usage },
            24..=26 => RunEvent::Produced {
                step,
                attempt,
                output: json!({"approved": true}),
                cost,
                usage,
                tainted: false,
            },
            27..=28 => {
                let turn = TurnId::from_uuid(Uuid::nil());
                RunEvent::JudgeAsked { step, criterion: attempt - 1, output: json!(1), turn, session }
            }
            29..=30 => {
                let (criterion, passes) = (attempt - 1, time.is_some());
                RunEvent::Judged { step, criterion, passes, reason: "why".into(), cost, usage }
            }
            31..=34 => RunEvent::Answered {
                step,
                answer: json!({"approved": time.is_some()}),
                by: "ci".into(),
                tainted: false,
            },
            35..=36 => RunEvent::StepSkipped { step },
            37 => RunEvent::TimedOut,
            38 => RunEvent::CancelRequested { by: "ci".into() },
            _ => RunEvent::Ended { ending: Ending::Cancelled },
        },
    )
}

/// Tells whether a run is over, or has something due, or something under way, or waits for a person or a time.
fn goes_on(state: &State, now: Timestamp) -> bool {
    let due = state.due(now);
    let under_way = state.steps().any(|(_, step)| {
        matches!(
            step.status,
            StepStatus::Running { doing: Doing::Turn { .. } | Doing::Form { .. } | Doing::Question { .. } }
                | StepStatus::Judging { .. }
        )
    });
    state.ended().is_some() || !due.acts.is_empty() || under_way || due.wake_at.is_some()
}

/// Writes what an act comes to, as whoever drives runs does.
fn perform(state: State, act: Act, now: Timestamp, chance: u32) -> Result<State, Unexpected> {
    let (cost, usage) = (MicroUsd(1), Usage::default());
    let event = match act {
        Act::Start { step, attempt } => {
            let doing = match &state.plan().step(&step.step).unwrap().kind {
                crate::workflow::StepKind::ForEach { .. } => within(json!(["a", "b", "c"]), None),
                crate::workflow::StepKind::Parallel { .. } => within(Value::Null, None),
                crate::workflow::StepKind::Branch { .. } => within(Value::Null, Some(chance % 3)),
                crate::workflow::StepKind::Form(_) | crate::workflow::StepKind::Approve { .. } => {
                    form(Some(150))
                }
                crate::workflow::StepKind::Wait { .. } => Doing::Wait { until: now + Duration::from_secs(3) },
                crate::workflow::StepKind::GenerateText { .. }
                | crate::workflow::StepKind::GenerateArtifact { .. }
                | crate::workflow::StepKind::Tool { .. }
                | crate::workflow::StepKind::Http { .. }
                | crate::workflow::StepKind::Agent { .. } => turn(),
            };
            RunEvent::StepStarted { step, attempt, inputs: Value::Null, doing, deadline: None }
        }
        Act::Check { step, output, .. } => {
            RunEvent::StepSucceeded { step, output: Value::clone(&output), cost, usage, tainted: false }
        }
        Act::CallOff { step } => {
            let attempt = state.step(&step).unwrap().attempt;
            RunEvent::StepFailed {
                step,
                attempt,
                problem: problem("turn_cancelled"),
                retry_at: None,
                cost,
                usage,
            }
        }
        Act::Fail { step, attempt, problem, retry_at } => {
            RunEvent::StepFailed { step, attempt, problem, retry_at, cost, usage }
        }
        Act::TimeOut => RunEvent::TimedOut,
        Act::Complete => RunEvent::Ended { ending: Ending::Completed { output: state.last_output() } },
        Act::End(ending) => RunEvent::Ended { ending },
    };
    step(state, &event, now)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_a_run_is_over_or_goes_on_and_nothing_follows_the_end(
        events in proptest::collection::vec((any_event(), 0..20_i64), 1..150),
    ) {
        let mut state = step(State::new(of_all_kinds()), &created(), at(0)).unwrap();
        let mut now = 0;
        for (event, passes) in events {
            now += passes;
            let was_over = state.ended().is_some();
            if let Ok(next) = step(state.clone(), &event, at(now)) {
                prop_assert!(!was_over, "{event:?} follows the end");
                state = next;
            }
            prop_assert!(goes_on(&state, at(now)), "nothing goes on: {state:#?}");
            let again = fold_same(&state, at(now));
            prop_assert_eq!(again, state.due(at(now)), "what is due depends on the state and the time alone");
        }
    }

    #[test]
    fn whoever_does_what_is_due_comes_to_the_end(
        chances in proptest::collection::vec((any::<u32>(), 0..8_u8), 300),
        cancels in proptest::option::of(0..60_usize),
    ) {
        let mut state = step(State::new(of_all_kinds()), &created(), at(0)).unwrap();
        let mut now = 0;
        for (round, (chance, what)) in chances.into_iter().enumerate() {
            if state.ended().is_some() {
                break;
            }
            if cancels == Some(round) {
                state = step(state, &RunEvent::CancelRequested { by: "ci".into() }, at(now)).unwrap();
            }
            let acts = state.due(at(now)).acts;
            if let Some(act) = acts.get(chance as usize % acts.len().max(1)) {
                state = perform(state, act.clone(), at(now), chance).unwrap();
                continue;
            }
            state = outside(state, at(now), what);
            now += 3;
        }
        // Time alone ends it: the whole run has 300 seconds.
        now = 1_000;
        while let Some(act) = state.due(at(now)).acts.into_iter().next() {
            state = perform(state, act, at(now), 0).unwrap();
        }
        prop_assert!(state.ended().is_some(), "{state:#?}");
    }
}

fn fold_same(state: &State, now: Timestamp) -> Due {
    state.clone().due(now)
}

/// Lets something come of what is under way.
fn outside(state: State, now: Timestamp, what: u8) -> State {
    let open = state.steps().find_map(|(key, step)| {
        let StepStatus::Running { doing } = &step.status else { return None };
        let is_turn = matches!(doing, Doing::Turn { .. });
        (is_turn || matches!(doing, Doing::Form { .. })).then_some((key, step.attempt, is_turn))
    });
    let (cost, usage) = (MicroUsd(1), Usage::default());
    let Some((step_key, attempt, is_turn)) = open else { return state };
    let retry_at = state.plan().retry_at(&step_key.step, attempt, &problem("tool_failed"), now);
    let event = match (is_turn, what) {
        (true, 0) => RunEvent::StepFailed {
            step: step_key,
            attempt,
            problem: problem("tool_failed"),
            retry_at,
            cost,
            usage,
        },
        (true, 1) => {
            RunEvent::Produced { step: step_key, attempt, output: json!(1), cost, usage, tainted: false }
        }
        (true, _) => {
            RunEvent::StepSucceeded { step: step_key, output: json!(1), cost, usage, tainted: false }
        }
        (false, _) => RunEvent::Answered {
            step: step_key,
            answer: json!({"approved": what > 1}),
            by: "ci".into(),
            tainted: false,
        },
    };
    step(state, &event, now).unwrap()
}

#[test]
fn a_run_that_is_given_up_ends_whatever_is_under_way_and_nothing_else_does() {
    let steps = json!([say("a"), {"type": "form", "id": "b", "title": "b", "needs": [], "fields": [
        {"name": "name", "label": "Name", "type": "text"}
    ]}]);
    let plan = plan(json!({ "steps": steps }));
    let under_way = [started("a", 1, turn()), started("b", 1, form(None))];
    let cancelled = RunEvent::Ended { ending: Ending::Cancelled };
    assert!(refused(&plan, &under_way, &cancelled).contains("cannot take"));
    let given_up = RunEvent::Ended { ending: Ending::given_up("why") };
    let state = fold(&plan, &[&under_way[..], std::slice::from_ref(&given_up)].concat());
    assert_eq!(state.due(at(0)).status, Status::Failed);
    for (key, step) in state.steps() {
        assert!(matches!(step.status, StepStatus::Failed { .. }), "{key} is {:?}", step.status);
    }
    assert!(step(state, &given_up, at(0)).is_err(), "nothing follows the end");
}
