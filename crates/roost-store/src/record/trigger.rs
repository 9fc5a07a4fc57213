//! What a trigger waits for: `{"v":1,"kind":"cron","expression":"0 6 * * *","timezone":"UTC","missed":"once"}`.

use std::time::Duration;

use roost_domain::event::Problem;
use roost_domain::workflow::{MissedFires, Trigger, TriggerKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct TriggerV1 {
    v: u32,
    #[serde(flatten)]
    kind: KindV1,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    input: Option<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum KindV1 {
    Manual,
    Webhook {
        signed: bool,
    },
    Cron {
        expression: String,
        timezone: String,
        missed: String,
    },
    Integration {
        integration: String,
        event: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        filter: Option<Value>,
        every_seconds: u64,
    },
    Continuous {
        delay_seconds: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct ProblemV1 {
    code: String,
    message: String,
}

/// Why a trigger cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It was written by a newer version of the server.
    #[error("version {0} of the record is not known, only {VERSION} is")]
    Version(u32),
    /// It is no JSON, or a field is wrong. The text says which.
    #[error("{0}")]
    Shape(serde_json::Error),
    /// A policy is not known.
    #[error("{0:?} is no policy for times that were missed")]
    Missed(String),
}

/// Writes what a trigger waits for, without its name.
pub(crate) fn encode(trigger: &Trigger) -> Result<String, serde_json::Error> {
    let kind = match &trigger.kind {
        TriggerKind::Manual => KindV1::Manual,
        TriggerKind::Webhook { signed } => KindV1::Webhook { signed: *signed },
        TriggerKind::Cron { expression, timezone, missed } => KindV1::Cron {
            expression: expression.clone(),
            timezone: timezone.clone(),
            missed: missed.name().to_owned(),
        },
        TriggerKind::Integration { integration, event, filter, every } => KindV1::Integration {
            integration: integration.clone(),
            event: event.clone(),
            filter: filter.clone(),
            every_seconds: every.as_secs(),
        },
        TriggerKind::Continuous { delay } => KindV1::Continuous { delay_seconds: delay.as_secs() },
    };
    serde_json::to_string(&TriggerV1 { v: VERSION, kind, input: trigger.input.clone() })
}

/// Reads what a trigger of a name waits for, of any version there ever was.
pub(crate) fn decode(name: String, text: &str) -> Result<Trigger, Unreadable> {
    #[derive(Deserialize)]
    struct Head {
        v: u32,
    }
    let Head { v } = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    if v != VERSION {
        return Err(Unreadable::Version(v));
    }
    let record: TriggerV1 = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    let kind = match record.kind {
        KindV1::Manual => TriggerKind::Manual,
        KindV1::Webhook { signed } => TriggerKind::Webhook { signed },
        KindV1::Cron { expression, timezone, missed } => {
            let known = MissedFires::ALL.into_iter().find(|policy| policy.name() == missed);
            TriggerKind::Cron { expression, timezone, missed: known.ok_or(Unreadable::Missed(missed))? }
        }
        KindV1::Integration { integration, event, filter, every_seconds } => {
            let every = Duration::from_secs(every_seconds);
            TriggerKind::Integration { integration, event, filter, every }
        }
        KindV1::Continuous { delay_seconds } => {
            TriggerKind::Continuous { delay: Duration::from_secs(delay_seconds) }
        }
    };
    Ok(Trigger { name, kind, input: record.input })
}

/// Writes why no run began.
pub(crate) fn encode_problem(problem: &Problem) -> Result<String, serde_json::Error> {
    let Problem { code, message } = problem.clone();
    serde_json::to_string(&ProblemV1 { code, message })
}

/// Reads why no run began.
pub(crate) fn decode_problem(text: &str) -> Result<Problem, Unreadable> {
    let ProblemV1 { code, message } = serde_json::from_str(text).map_err(Unreadable::Shape)?;
    Ok(Problem { code, message })
}

#[cfg(test)]
mod tests;
