//! One entry of a run's log: `{"v":1,"kind":"step_started","step":"research","attempt":1,…}`.

use jiff::Timestamp;
use roost_domain::event::Problem;
use roost_domain::model::Usage;
use roost_domain::run::{Doing, Ending, RunEvent, StepKey};
use roost_domain::unit::MicroUsd;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::turn::{ProblemV1, UsageV1};
use super::event::{Unreadable, parsed};

const VERSION: u32 = 1;

/// What happens in a run. Money is in millionths of a dollar, times are RFC 3339.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum RunV1 {
    Created {
        input: Value,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        given: Vec<(String, Value)>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tainted: bool,
    },
    StepStarted {
        step: String,
        attempt: u32,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        inputs: Value,
        doing: DoingV1,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<String>,
    },
    Produced {
        step: String,
        attempt: u32,
        output: Value,
        #[serde(flatten)]
        spent: SpentV1,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tainted: bool,
    },
    JudgeAsked {
        step: String,
        criterion: u32,
        output: Value,
        turn: String,
        session: String,
    },
    Judged {
        step: String,
        criterion: u32,
        passes: bool,
        reason: String,
        #[serde(flatten)]
        spent: SpentV1,
    },
    Answered {
        step: String,
        answer: Value,
        by: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tainted: bool,
    },
    StepSucceeded {
        step: String,
        output: Value,
        #[serde(flatten)]
        spent: SpentV1,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tainted: bool,
    },
    StepFailed {
        step: String,
        attempt: u32,
        problem: ProblemV1,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<String>,
        #[serde(flatten)]
        spent: SpentV1,
    },
    StepSkipped {
        step: String,
    },
    TimedOut,
    CancelRequested {
        by: String,
    },
    Ended {
        ending: EndingV1,
    },
}

/// What something cost; nothing is left out.
#[derive(Default, Serialize, Deserialize)]
struct SpentV1 {
    #[serde(default, skip_serializing_if = "is_zero")]
    cost: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<UsageV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DoingV1 {
    Turn {
        turn: String,
        session: String,
    },
    Form {
        form: String,
        title: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<String>,
    },
    Question {
        form: String,
        question: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<String>,
    },
    Wait {
        until: String,
    },
    Within {
        #[serde(default, skip_serializing_if = "Value::is_null")]
        items: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<u32>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EndingV1 {
    Completed {
        output: Value,
    },
    Failed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<String>,
        problem: ProblemV1,
    },
    Cancelled,
}

#[derive(Serialize)]
struct Written {
    v: u32,
    #[serde(flatten)]
    event: RunV1,
}

#[derive(Deserialize)]
struct Head {
    v: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Writes an event.
pub(crate) fn encode(event: &RunEvent) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Written { v: VERSION, event: record(event) })
}

/// Reads an event of any version there ever was.
pub(crate) fn decode(text: &str) -> Result<RunEvent, Unreadable> {
    let head: Head = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    if head.v != VERSION {
        return Err(Unreadable::Version(head.v));
    }
    event(serde_json::from_str(text).map_err(Unreadable::Shape)?)
}

fn record(event: &RunEvent) -> RunV1 {
    match event.clone() {
        RunEvent::Created { input, given, tainted } => {
            let given = given.into_iter().map(|(step, output)| (step.to_string(), output)).collect();
            RunV1::Created { input, given, tainted }
        }
        RunEvent::StepStarted { step, attempt, inputs, doing, deadline } => RunV1::StepStarted {
            step: step.to_string(),
            attempt,
            inputs,
            doing: doing.into(),
            deadline: deadline.map(|at| at.to_string()),
        },
        RunEvent::Produced { step, attempt, output, cost, usage, tainted } => {
            let (step, spent) = (step.to_string(), SpentV1::new(cost, usage));
            RunV1::Produced { step, attempt, output, spent, tainted }
        }
        RunEvent::JudgeAsked { step, criterion, output, turn, session } => RunV1::JudgeAsked {
            step: step.to_string(),
            criterion,
            output,
            turn: turn.to_string(),
            session: session.to_string(),
        },
        RunEvent::Judged { step, criterion, passes, reason, cost, usage } => {
            let (step, spent) = (step.to_string(), SpentV1::new(cost, usage));
            RunV1::Judged { step, criterion, passes, reason, spent }
        }
        RunEvent::Answered { step, answer, by, tainted } => {
            RunV1::Answered { step: step.to_string(), answer, by, tainted }
        }
        RunEvent::StepSucceeded { step, output, cost, usage, tainted } => {
            let (step, spent) = (step.to_string(), SpentV1::new(cost, usage));
            RunV1::StepSucceeded { step, output, spent, tainted }
        }
        RunEvent::StepFailed { step, attempt, problem, retry_at, cost, usage } => RunV1::StepFailed {
            step: step.to_string(),
            attempt,
            problem: problem.into(),
            retry_at: retry_at.map(|at| at.to_string()),
            spent: SpentV1::new(cost, usage),
        },
        RunEvent::StepSkipped { step } => RunV1::StepSkipped { step: step.to_string() },
        RunEvent::TimedOut => RunV1::TimedOut,
        RunEvent::CancelRequested { by } => RunV1::CancelRequested { by },
        RunEvent::Ended { ending } => RunV1::Ended { ending: ending.into() },
    }
}

fn event(record: RunV1) -> Result<RunEvent, Unreadable> {
    let step = |text: String| parsed::<StepKey>("step", &text);
    Ok(match record {
        RunV1::Created { input, given, tainted } => {
            let given = given.into_iter().map(|(name, output)| Ok((step(name)?, output)));
            RunEvent::Created { input, given: given.collect::<Result<_, Unreadable>>()?, tainted }
        }
        RunV1::StepStarted { step: name, attempt, inputs, doing, deadline } => RunEvent::StepStarted {
            step: step(name)?,
            attempt,
            inputs,
            doing: doing.try_into()?,
            deadline: time("deadline", deadline)?,
        },
        RunV1::Produced { step: name, attempt, output, spent, tainted } => {
            let (cost, usage) = spent.read();
            RunEvent::Produced { step: step(name)?, attempt, output, cost, usage, tainted }
        }
        RunV1::JudgeAsked { step: name, criterion, output, turn, session } => RunEvent::JudgeAsked {
            step: step(name)?,
            criterion,
            output,
            turn: parsed("turn", &turn)?,
            session: parsed("session", &session)?,
        },
        RunV1::Judged { step: name, criterion, passes, reason, spent } => {
            let (cost, usage) = spent.read();
            RunEvent::Judged { step: step(name)?, criterion, passes, reason, cost, usage }
        }
        RunV1::Answered { step: name, answer, by, tainted } => {
            RunEvent::Answered { step: step(name)?, answer, by, tainted }
        }
        RunV1::StepSucceeded { step: name, output, spent, tainted } => {
            let (cost, usage) = spent.read();
            RunEvent::StepSucceeded { step: step(name)?, output, cost, usage, tainted }
        }
        RunV1::StepFailed { step: name, attempt, problem, retry_at, spent } => {
            let (cost, usage) = spent.read();
            let (problem, retry_at) = (Problem::from(problem), time("retry_at", retry_at)?);
            RunEvent::StepFailed { step: step(name)?, attempt, problem, retry_at, cost, usage }
        }
        RunV1::StepSkipped { step: name } => RunEvent::StepSkipped { step: step(name)? },
        RunV1::TimedOut => RunEvent::TimedOut,
        RunV1::CancelRequested { by } => RunEvent::CancelRequested { by },
        RunV1::Ended { ending } => RunEvent::Ended { ending: ending.try_into()? },
    })
}

fn time(field: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Unreadable> {
    text.map(|text| parsed(field, &text)).transpose()
}

impl SpentV1 {
    fn new(cost: MicroUsd, usage: Usage) -> Self {
        Self { cost: cost.0, usage: (usage != Usage::default()).then(|| usage.into()) }
    }

    fn read(self) -> (MicroUsd, Usage) {
        (MicroUsd(self.cost), self.usage.map(Usage::from).unwrap_or_default())
    }
}

impl From<Doing> for DoingV1 {
    fn from(doing: Doing) -> Self {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        match doing {
            Doing::Turn { turn, session } => {
                Self::Turn { turn: turn.to_string(), session: session.to_string() }
            }
            Doing::Form { form, title, description, expires_at } => {
                Self::Form { form: form.to_string(), title, description, expires_at: text(expires_at) }
            }
            Doing::Question { form, question, expires_at } => {
                Self::Question { form: form.to_string(), question, expires_at: text(expires_at) }
            }
            Doing::Wait { until } => Self::Wait { until: until.to_string() },
            Doing::Within { items, case } => Self::Within { items, case },
        }
    }
}

impl TryFrom<DoingV1> for Doing {
    type Error = Unreadable;

    fn try_from(record: DoingV1) -> Result<Self, Unreadable> {
        Ok(match record {
            DoingV1::Turn { turn, session } => {
                Self::Turn { turn: parsed("turn", &turn)?, session: parsed("session", &session)? }
            }
            DoingV1::Form { form, title, description, expires_at } => Self::Form {
                form: parsed("form", &form)?,
                title,
                description,
                expires_at: time("expires_at", expires_at)?,
            },
            DoingV1::Question { form, question, expires_at } => Self::Question {
                form: parsed("form", &form)?,
                question,
                expires_at: time("expires_at", expires_at)?,
            },
            DoingV1::Wait { until } => Self::Wait { until: parsed("until", &until)? },
            DoingV1::Within { items, case } => Self::Within { items, case },
        })
    }
}

impl From<Ending> for EndingV1 {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Completed { output } => Self::Completed { output },
            Ending::Failed { step, problem } => {
                Self::Failed { step: step.map(|step| step.to_string()), problem: problem.into() }
            }
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

impl TryFrom<EndingV1> for Ending {
    type Error = Unreadable;

    fn try_from(record: EndingV1) -> Result<Self, Unreadable> {
        Ok(match record {
            EndingV1::Completed { output } => Self::Completed { output },
            EndingV1::Failed { step, problem } => {
                let step = step.map(|step| parsed("step", &step)).transpose()?;
                Self::Failed { step, problem: problem.into() }
            }
            EndingV1::Cancelled => Self::Cancelled,
        })
    }
}

#[cfg(test)]
mod tests;
