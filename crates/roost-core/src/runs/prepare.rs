//! Works out what is to be written in a run: purely, outside of any transaction.

use std::sync::Arc;

use jiff::Timestamp;
use roost_domain::agent::{Agent, State as AgentState};
use roost_domain::event::Problem;
use roost_domain::id::{FormId, RunId, TurnId};
use roost_domain::model::Usage;
use roost_domain::run::{
    Act, Doing, Ending, Plan, RunEvent, State, Status, StepKey, StepStatus, size, step, until,
};
use roost_domain::unit::MicroUsd;
use roost_domain::workflow::{Scope, Step, StepKind, Template};
use roost_ports::store::{FormStatus, KeptForm, KeptRun};
use serde_json::{Map, Value, json};

use super::criteria::{Verdict, check};
use super::turns::{NewTurn, judge, turn_for};
use crate::{Core, Error};

/// How many events are written at once, about: a long row of steps that act on nothing is written in parts.
const MOST_EVENTS: usize = 500;

/// After about how many bytes of events a part is written, likewise.
const MOST_PART: usize = 4 << 20;

/// About the most bytes of a run's log.
const MOST_LOG: usize = 64 << 20;

/// The most steps of one run; a step counts once for each thing that it is done for.
const MOST_STEPS: usize = 100_000;

/// The most bytes of what one step works with, as JSON.
const MOST_INPUTS: usize = 1 << 20;

/// The most things of one for-each.
const MOST_ITEMS: usize = 10_000;

/// What is to be written in a run, if its log still ends where it did.
pub(super) struct Prepared {
    /// The run as it was.
    pub(super) kept: KeptRun,
    /// The run as it will be.
    pub(super) state: State,
    pub(super) events: Vec<RunEvent>,
    pub(super) effects: Vec<Effect>,
    /// Whether there is more to be done at once.
    pub(super) goes_on: bool,
    /// Whether its agent was stopped.
    pub(super) agent_is_stopped: bool,
}

/// What is written beside a run's events.
pub(super) enum Effect {
    /// A turn begins.
    Begin(Box<NewTurn>),
    /// A turn is cancelled.
    CallOff(TurnId),
    /// A form is opened.
    Open(KeptForm),
    /// A form is closed.
    Close(FormId),
}

/// Works out what is due in a run.
pub(super) fn prepare(
    core: &Core,
    kept: KeptRun,
    agent: &Agent,
    state: State,
    now: Timestamp,
) -> Result<Prepared, Error> {
    let (id, plan) = (kept.run.id, Arc::clone(state.plan()));
    let told = json!({
        "id": id.to_string(),
        "trigger": kept.run.cause.trigger,
        "created_at": kept.run.created_at.to_string(),
    });
    let mut work = Work { core, id, plan, told, now, events: Vec::new(), effects: Vec::new() };
    let mut state = state;
    let agent_is_stopped = agent.state == AgentState::Stopped;
    if agent_is_stopped && state.ended().is_none() && !state.is_stopping() {
        state = work.take(state, RunEvent::CancelRequested { by: "the agent was stopped".to_owned() })?;
    }
    // One that waits for others begins nothing.
    let is_queued = kept.run.status == Status::Queued;
    let bytes = state.log_bytes();
    let mut goes_on = false;
    loop {
        let before = work.events.len();
        let was_stopping = state.is_stopping();
        let mut acts = state.due(now).acts;
        if is_queued && !state.is_stopping() {
            acts.retain(|act| *act == Act::TimeOut);
        }
        for act in acts {
            for event in work.act(&state, act)? {
                state = work.take(state, event)?;
            }
            goes_on = work.events.len() >= MOST_EVENTS || state.log_bytes() - bytes >= MOST_PART;
            // Nothing of the rest is due any more.
            if goes_on || state.is_stopping() != was_stopping {
                break;
            }
        }
        if goes_on || work.events.len() == before {
            break;
        }
    }
    let Work { events, effects, .. } = work;
    Ok(Prepared { kept, state, events, effects, goes_on, agent_is_stopped })
}

struct Work<'a> {
    core: &'a Core,
    id: RunId,
    plan: Arc<Plan>,
    /// What templates see as `run`.
    told: Value,
    now: Timestamp,
    events: Vec<RunEvent>,
    effects: Vec<Effect>,
}

impl Work<'_> {
    fn take(&mut self, state: State, event: RunEvent) -> Result<State, Error> {
        let state = step(state, &event, self.now).map_err(Error::internal)?;
        self.events.push(event);
        Ok(state)
    }

    fn act(&mut self, state: &State, act: Act) -> Result<Vec<RunEvent>, Error> {
        Ok(match act {
            Act::Start { step, attempt } => self.start(state, &step, attempt),
            Act::Check { step, output, from } => self.check(state, step, &output, from),
            Act::CallOff { step } => {
                self.call_off(state, &step);
                Vec::new()
            }
            Act::Fail { step, attempt, problem, retry_at } => {
                self.close(state, &step);
                vec![RunEvent::StepFailed {
                    step,
                    attempt,
                    problem,
                    retry_at,
                    cost: MicroUsd::ZERO,
                    usage: Usage::default(),
                }]
            }
            Act::TimeOut => vec![RunEvent::TimedOut],
            Act::Complete => vec![RunEvent::Ended { ending: self.completed(state) }],
            Act::End(ending) => vec![RunEvent::Ended { ending }],
        })
    }

    fn start(&mut self, state: &State, key: &StepKey, attempt: u32) -> Vec<RunEvent> {
        let plan = Arc::clone(&self.plan);
        let Some(step) = plan.step(&key.step) else { return Vec::new() };
        match self.started(state, (key, step), attempt) {
            Ok(events) => events,
            Err(problem) => vec![self.failed(key, attempt, problem)],
        }
    }

    fn started(
        &mut self,
        state: &State,
        (key, step): (&StepKey, &Step),
        attempt: u32,
    ) -> Result<Vec<RunEvent>, Problem> {
        let mut scope = state.scope(Some(key), self.told.clone());
        let room = room(state)?;
        let mut inputs = Map::new();
        let mut bytes = 0;
        for (name, template) in &step.inputs {
            let input = template.render(&scope)?;
            bytes += input.to_string().len();
            if bytes > MOST_INPUTS {
                let message = format!("The inputs of the step come to more than {MOST_INPUTS} bytes");
                return Err(Problem { code: "template_failed".to_owned(), message });
            }
            inputs.insert(name.clone(), input);
        }
        let given = if inputs.is_empty() { Value::Null } else { Value::Object(inputs.clone()) };
        scope.set("inputs", Value::Object(inputs));
        let (doing, untaken) = self.doing(state, (key, step), attempt, &scope)?;
        if let (StepKind::ForEach { steps, .. }, Doing::Within { items, .. }) = (&step.kind, &doing) {
            let things = items.as_array().map_or(0, Vec::len);
            if things.saturating_mul(all(steps)) > room {
                return Err(too_large(&format!("at most {MOST_STEPS} steps are done in one run")));
            }
        }
        let deadline = step.timeout.map(|timeout| later(self.now, timeout));
        let started = RunEvent::StepStarted { step: key.clone(), attempt, inputs: given, doing, deadline };
        let skipped = untaken.into_iter().map(|step| {
            let step = StepKey { step: step.id.clone(), places: key.places.clone() };
            RunEvent::StepSkipped { step }
        });
        Ok([started].into_iter().chain(skipped).collect())
    }

    /// Returns what is under way in a try of a step, and the steps that are not done because of it.
    fn doing<'s>(
        &mut self,
        state: &State,
        (key, step): (&StepKey, &'s Step),
        attempt: u32,
        scope: &Scope,
    ) -> Result<(Doing, Vec<&'s Step>), Problem> {
        let within = |items, case| Doing::Within { items, case };
        let doing = match &step.kind {
            StepKind::Form(form) => {
                let description = form.description.as_ref().map(|text| text_of(text, scope)).transpose()?;
                let (title, expires_after) = (text_of(&form.title, scope)?, form.expires_after);
                let opened = self.open(key, expires_after);
                Doing::Form { form: opened.id, title, description, expires_at: opened.expires_at }
            }
            StepKind::Approve { question, expires_after } => {
                let question = text_of(question, scope)?;
                let opened = self.open(key, *expires_after);
                Doing::Question { form: opened.id, question, expires_at: opened.expires_at }
            }
            StepKind::Wait { until: template } => {
                Doing::Wait { until: until(&template.render(scope)?, self.now)? }
            }
            StepKind::ForEach { items, .. } => within(things(items.render(scope)?)?, None),
            StepKind::Parallel { .. } => within(Value::Null, None),
            StepKind::Branch { cases, otherwise } => {
                let mut taken = cases.len();
                for (index, case) in cases.iter().enumerate() {
                    if case.when.holds(scope)? {
                        taken = index;
                        break;
                    }
                }
                let lists = cases.iter().map(|case| &case.steps).chain([otherwise]).enumerate();
                let untaken = lists.filter(|(index, _)| *index != taken).flat_map(|(_, steps)| steps);
                let case = u32::try_from(taken).ok();
                return Ok((within(Value::Null, case), untaken.collect()));
            }
            StepKind::GenerateText { .. }
            | StepKind::GenerateArtifact { .. }
            | StepKind::Tool { .. }
            | StepKind::Http { .. }
            | StepKind::Agent { .. } => {
                let before = state.step(key);
                let turn = turn_for(self.core, (self.id, key, step), (attempt, before), scope, self.now)?;
                let turn = turn.tainted(state.is_tainted());
                let doing = Doing::Turn { turn: turn.id, session: turn.session };
                self.effects.push(Effect::Begin(Box::new(turn)));
                doing
            }
        };
        Ok((doing, Vec::new()))
    }

    fn open(&mut self, key: &StepKey, expires_after: Option<std::time::Duration>) -> KeptForm {
        let form = KeptForm {
            id: self.core.ports.random.id::<FormId>(self.now),
            run: self.id,
            step: key.clone(),
            status: FormStatus::Open,
            opened_at: self.now,
            expires_at: expires_after.map(|after| later(self.now, after)),
            closed_at: None,
        };
        self.effects.push(Effect::Open(form.clone()));
        form
    }

    fn check(&mut self, state: &State, key: StepKey, output: &Arc<Value>, from: u32) -> Vec<RunEvent> {
        let plan = Arc::clone(&self.plan);
        let (Some(step), Some(now)) = (plan.step(&key.step), state.step(&key)) else { return Vec::new() };
        // It is written down once more with the next event.
        if state.log_bytes().saturating_add(size(output)) > MOST_LOG {
            return vec![self.failed(&key, now.attempt, log_too_large())];
        }
        let mut scope = state.scope(Some(&key), self.told.clone());
        scope.set("inputs", Arc::clone(&now.inputs));
        let verdict = check(step, output, from, scope.clone());
        match verdict {
            Verdict::Holds => vec![RunEvent::StepSucceeded {
                step: key,
                output: Value::clone(output),
                cost: MicroUsd::ZERO,
                usage: Usage::default(),
                tainted: now.tainted,
            }],
            Verdict::Misses(reason) => {
                let message = format!("What it came to is not good enough: {reason}");
                let problem = Problem { code: "criterion_missed".to_owned(), message };
                vec![self.failed(&key, now.attempt, problem)]
            }
            Verdict::Judge(criterion) => {
                let scope = scope.with("output", Arc::clone(output));
                match judge(
                    self.core,
                    (self.id, &key, step),
                    (now.attempt, criterion),
                    output,
                    &scope,
                    self.now,
                ) {
                    Ok(turn) => {
                        let (turn_id, session) = (turn.id, turn.session);
                        let turn = turn.tainted(state.is_tainted());
                        self.effects.push(Effect::Begin(Box::new(turn)));
                        let output = Value::clone(output);
                        vec![RunEvent::JudgeAsked { step: key, criterion, output, turn: turn_id, session }]
                    }
                    Err(problem) => vec![self.failed(&key, now.attempt, problem)],
                }
            }
        }
    }

    fn failed(&self, key: &StepKey, attempt: u32, problem: Problem) -> RunEvent {
        let retry_at = self.plan.retry_at(&key.step, attempt, &problem, self.now);
        RunEvent::StepFailed {
            step: key.clone(),
            attempt,
            problem,
            retry_at,
            cost: MicroUsd::ZERO,
            usage: Usage::default(),
        }
    }

    fn call_off(&mut self, state: &State, key: &StepKey) {
        let turn = match state.step(key).map(|step| &step.status) {
            Some(
                StepStatus::Running { doing: Doing::Turn { turn, .. } } | StepStatus::Judging { turn, .. },
            ) => *turn,
            Some(_) | None => return,
        };
        let known = |effect: &Effect| matches!(effect, Effect::CallOff(known) if *known == turn);
        if !self.effects.iter().any(known) {
            self.effects.push(Effect::CallOff(turn));
        }
    }

    /// Closes the form that a step waits for, if it waits for one.
    fn close(&mut self, state: &State, key: &StepKey) {
        if let Some(StepStatus::Running { doing: Doing::Form { form, .. } | Doing::Question { form, .. } }) =
            state.step(key).map(|step| &step.status)
        {
            self.effects.push(Effect::Close(*form));
        }
    }

    fn completed(&self, state: &State) -> Ending {
        let output = match &self.plan.workflow().output {
            Some(template) => template.render(&state.scope(None, self.told.clone())),
            None => Ok(state.last_output()),
        };
        match output {
            Ok(output) => Ending::Completed { output },
            Err(problem) => Ending::Failed { step: None, problem },
        }
    }
}

/// Returns how many steps a run may still begin.
fn room(state: &State) -> Result<usize, Problem> {
    if state.log_bytes() > MOST_LOG {
        return Err(log_too_large());
    }
    match MOST_STEPS.checked_sub(state.instances()) {
        Some(room) if room > 0 => Ok(room),
        Some(_) | None => Err(too_large(&format!("at most {MOST_STEPS} steps are done in one run"))),
    }
}

/// Counts steps and those within them, each once.
fn all(steps: &[Step]) -> usize {
    steps.iter().map(|step| 1 + step.lists().into_iter().map(all).sum::<usize>()).sum()
}

fn log_too_large() -> Problem {
    too_large(&format!("what its steps come to may have about {} MiB in all", MOST_LOG >> 20))
}

fn too_large(why: &str) -> Problem {
    Problem { code: "run_too_large".to_owned(), message: format!("The run is too large: {why}") }
}

fn things(items: Value) -> Result<Value, Problem> {
    let problem = |message: String| Problem { code: "no_list".to_owned(), message };
    match items.as_array().map(Vec::len) {
        Some(length) if length <= MOST_ITEMS => Ok(items),
        Some(length) => {
            Err(problem(format!("The list has {length} things; at most {MOST_ITEMS} are worked on")))
        }
        None => Err(problem("What the step is to go through is no list".to_owned())),
    }
}

/// Fills a template in as a text: anything that is none as JSON.
pub(super) fn text_of(template: &Template, scope: &Scope) -> Result<String, Problem> {
    let value = template.render(scope)?;
    Ok(if let Value::String(text) = value { text } else { value.to_string() })
}

fn later(now: Timestamp, after: std::time::Duration) -> Timestamp {
    now.checked_add(after).unwrap_or(Timestamp::MAX)
}
