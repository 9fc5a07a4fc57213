use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::plan::{Key, ROOT, later};
use super::state::{StepStatus, Stop};
use super::{Doing, Ending, State, Status, StepKey};
use crate::event::Problem;
use crate::workflow::StepKind;

/// Something to be done now.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Begin a try of a step.
    Start {
        /// The step.
        step: StepKey,
        /// Which try.
        attempt: u32,
    },
    /// Hold what a step came to to its criteria.
    Check {
        /// The step.
        step: StepKey,
        /// What it came to.
        output: Arc<Value>,
        /// The first criterion that is still to be looked at.
        from: u32,
    },
    /// Cancel the turn that a step waits for; its end is written when it is over.
    CallOff {
        /// The step.
        step: StepKey,
    },
    /// Write that a try failed.
    Fail {
        /// The step.
        step: StepKey,
        /// Which try.
        attempt: u32,
        /// Why.
        problem: Problem,
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
    /// Write that the time of the whole run is over.
    TimeOut,
    /// Everything is done: fill in the run's output and write the end.
    Complete,
    /// Write the end.
    End(Ending),
}

/// What is due in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// What is to be done now. Acts of one list do not depend on each other.
    pub acts: Vec<Act>,
    /// When to look again though nothing happened; later than the time that was asked about.
    pub wake_at: Option<Timestamp>,
    /// Where the run is.
    pub status: Status,
}

impl State {
    /// Returns what is due at a time. It depends on the state and the time alone, so folding the same log always leads
    /// to the same acts, before a crash and after it.
    pub fn due(&self, now: Timestamp) -> Due {
        let mut walk = Walk { state: self, now, acts: Vec::new(), wake_at: None };
        if let Some(ending) = self.ended() {
            return Due { acts: Vec::new(), wake_at: None, status: ended(ending) };
        }
        if !self.is_created() {
            return Due { acts: Vec::new(), wake_at: None, status: Status::Running };
        }
        match self.stop() {
            Some(stop) => walk.wind_down(stop),
            None => walk.go_on(),
        }
        let status = if walk.acts.is_empty() && self.waits_for_people_alone() {
            Status::WaitingForInput
        } else {
            Status::Running
        };
        Due { acts: walk.acts, wake_at: walk.wake_at, status }
    }
}

const fn ended(ending: &Ending) -> Status {
    match ending {
        Ending::Completed { .. } => Status::Completed,
        Ending::Failed { .. } => Status::Failed,
        Ending::Cancelled => Status::Cancelled,
    }
}

struct Walk<'a> {
    state: &'a State,
    now: Timestamp,
    acts: Vec<Act>,
    wake_at: Option<Timestamp>,
}

impl Walk<'_> {
    /// Calls off what is under way, and ends the run when nothing is.
    fn wind_down(&mut self, stop: &Stop) {
        for key in self.state.active() {
            let Some(step) = self.state.at(key) else { continue };
            match &step.status {
                StepStatus::Running { doing: Doing::Turn { .. } } | StepStatus::Judging { .. } => {
                    self.acts.push(Act::CallOff { step: self.name(key) });
                }
                StepStatus::Running { .. }
                | StepStatus::Produced { .. }
                | StepStatus::Missed { .. }
                | StepStatus::Retrying { .. } => self.fail(key, step.attempt, called_off()),
                StepStatus::Done { .. } | StepStatus::Failed { .. } | StepStatus::Skipped => {}
            }
        }
        if self.acts.is_empty() {
            self.acts.push(Act::End(match stop {
                Stop::Cancelled => Ending::Cancelled,
                Stop::Failed { step, problem } => {
                    Ending::Failed { step: Some(step.clone()), problem: problem.clone() }
                }
                Stop::TimedOut => Ending::Failed {
                    step: None,
                    problem: problem("run_timeout", "The run took longer than it may".to_owned()),
                },
            }));
        }
    }

    fn go_on(&mut self) {
        if let Some(timeout) = self.state.plan().workflow().bounds.timeout {
            let over = later(self.state.created_at(), timeout);
            if self.is_over(over) {
                self.acts.push(Act::TimeOut);
                return;
            }
        }
        if self.list(ROOT, &[]) {
            self.acts.push(Act::Complete);
        } else if self.acts.is_empty() && self.state.active().next().is_none() {
            // A configuration whose steps need each other in a circle is refused; nobody must wait for one that was not.
            let stuck = problem("stuck", "No step of the run can begin".to_owned());
            self.acts.push(Act::End(Ending::Failed { step: None, problem: stuck }));
        }
    }

    /// Looks at one list of steps and tells whether all of them are settled.
    fn list(&mut self, list: usize, places: &[u32]) -> bool {
        let mut settled = true;
        for node in self.state.plan().list(list) {
            let key = Key { node: *node, places: places.to_vec() };
            settled &= self.step(&key);
        }
        settled
    }

    /// Looks at one step and tells whether it is settled.
    fn step(&mut self, key: &Key) -> bool {
        let Some(step) = self.state.at(key) else {
            if self.state.needs_are_settled(key) {
                self.acts.push(Act::Start { step: self.name(key), attempt: 1 });
            }
            return false;
        };
        match &step.status {
            StepStatus::Done { .. } | StepStatus::Skipped => return true,
            StepStatus::Failed { .. } => {}
            StepStatus::Retrying { at } => {
                if self.is_over(*at) {
                    self.acts.push(Act::Start { step: self.name(key), attempt: step.attempt + 1 });
                }
            }
            StepStatus::Missed { reason } => {
                let text = format!("What it came to is not good enough: {reason}");
                self.fail(key, step.attempt, problem("criterion_missed", text));
            }
            StepStatus::Produced { output, from } => self.produced(key, step.attempt, output, *from),
            StepStatus::Judging { .. } => self.turn(key, step.deadline),
            StepStatus::Running { doing } => self.running(key, step.attempt, doing, step.deadline),
        }
        false
    }

    fn running(&mut self, key: &Key, attempt: u32, doing: &Doing, deadline: Option<Timestamp>) {
        match doing {
            Doing::Turn { .. } => self.turn(key, deadline),
            Doing::Form { expires_at, .. } | Doing::Question { expires_at, .. } => {
                if expires_at.is_some_and(|at| self.is_over(at)) {
                    self.fail(key, attempt, problem("form_expired", "Nobody answered in time".to_owned()));
                } else if deadline.is_some_and(|at| self.is_over(at)) {
                    self.fail(key, attempt, too_long());
                }
            }
            Doing::Wait { until } => {
                if self.is_over(*until) {
                    self.check(key, Arc::new(Value::Null), 0);
                } else if deadline.is_some_and(|at| self.is_over(at)) {
                    self.fail(key, attempt, too_long());
                }
            }
            Doing::Within { case, .. } => {
                if deadline.is_some_and(|at| self.is_over(at)) {
                    self.fail(key, attempt, too_long());
                } else if self.within(key, *case) {
                    self.check(key, Arc::new(self.state.output_of(key)), 0);
                }
            }
        }
    }

    /// Looks at what is within a step and tells whether all of it is settled.
    fn within(&mut self, key: &Key, case: Option<u32>) -> bool {
        let plan = self.state.plan();
        let node = plan.node(key.node);
        match &node.step.kind {
            StepKind::ForEach { at_once, .. } => self.each(key, node.lists[0], *at_once),
            StepKind::Parallel { .. } => {
                let mut settled = true;
                for list in &node.lists {
                    settled &= self.list(*list, &key.places);
                }
                settled
            }
            StepKind::Branch { .. }
            | StepKind::GenerateText { .. }
            | StepKind::GenerateArtifact { .. }
            | StepKind::Form(_)
            | StepKind::Tool { .. }
            | StepKind::Http { .. }
            | StepKind::Agent { .. }
            | StepKind::Wait { .. }
            | StepKind::Approve { .. } => {
                let taken = case.and_then(|case| node.lists.get(case as usize));
                taken.is_none_or(|list| self.list(*list, &key.places))
            }
        }
    }

    fn each(&mut self, key: &Key, list: usize, at_once: u32) -> bool {
        let Some(progress) = self.state.progress(key) else { return true };
        if self.state.plan().list(list).is_empty() {
            return true;
        }
        let place = |place: u32| [&key.places[..], &[place]].concat();
        for open in &progress.open {
            self.list(list, &place(*open));
        }
        let free = (at_once.max(1) as usize).saturating_sub(progress.open.len());
        let upto = progress.total.min(progress.next.saturating_add(u32::try_from(free).unwrap_or(u32::MAX)));
        for new in progress.next..upto {
            self.list(list, &place(new));
        }
        progress.open.is_empty() && progress.next >= progress.total
    }

    fn produced(&mut self, key: &Key, attempt: u32, output: &Arc<Value>, from: u32) {
        let is_question = matches!(self.state.plan().node(key.node).step.kind, StepKind::Approve { .. });
        if is_question && output.get("approved") != Some(&Value::Bool(true)) {
            let said = output.get("note").and_then(Value::as_str).filter(|note| !note.is_empty());
            let said = said.map(|note| format!(". They said: {note}")).unwrap_or_default();
            self.fail(key, attempt, problem("refused", format!("A person said no{said}")));
        } else {
            self.check(key, Arc::clone(output), from);
        }
    }

    fn check(&mut self, key: &Key, output: Arc<Value>, from: u32) {
        self.acts.push(Act::Check { step: self.name(key), output, from });
    }

    /// A turn that takes too long is cancelled; once it was, its end is waited for.
    fn turn(&mut self, key: &Key, deadline: Option<Timestamp>) {
        if deadline.is_some_and(|at| self.is_over(at)) {
            self.acts.push(Act::CallOff { step: self.name(key) });
        }
    }

    fn fail(&mut self, key: &Key, attempt: u32, problem: Problem) {
        let step = self.name(key);
        let retry_at = match self.state.stop() {
            Some(_) => None,
            None => self.state.plan().retry_at(&step.step, attempt, &problem, self.now),
        };
        self.acts.push(Act::Fail { step, attempt, problem, retry_at });
    }

    /// Tells whether a time has come, and remembers it if not.
    fn is_over(&mut self, at: Timestamp) -> bool {
        if at <= self.now {
            return true;
        }
        self.wake_at = Some(self.wake_at.map_or(at, |wake_at| wake_at.min(at)));
        false
    }

    fn name(&self, key: &Key) -> StepKey {
        self.state.plan().name(key)
    }
}

fn problem(code: &str, message: String) -> Problem {
    Problem { code: code.to_owned(), message }
}

pub(super) fn called_off() -> Problem {
    problem("called_off", "The run ended before this was done".to_owned())
}

fn too_long() -> Problem {
    problem("step_timeout", "The step took longer than it may".to_owned())
}
