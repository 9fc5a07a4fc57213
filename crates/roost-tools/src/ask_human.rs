//! `ask_human`: asks the peer of the session; the peer's next message is the result.

use roost_domain::tool::ToolSpec;
use roost_ports::tool::BadCall;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::{self, bad};

pub(crate) const NAME: &str = "ask_human";

const QUESTION_MAX_CHARS: usize = 8000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    question: String,
}

/// A question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AskHuman {
    pub(crate) question: String,
}

pub(crate) fn spec() -> ToolSpec {
    ToolSpec {
        name: NAME.to_owned(),
        description:
            "Asks the person you are talking with and waits for the answer, however long it takes. Use \
            it when you cannot go on without a decision or a fact that only a person has."
                .to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "question": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The question, with all that is needed to answer it."
                }
            },
            "required": ["question"],
            "additionalProperties": false
        }),
        idempotent: true,
    }
}

impl AskHuman {
    pub(crate) fn read(given: &Value) -> Result<Self, BadCall> {
        let wire: Wire = arguments::read(&spec(), given)?;
        if wire.question.trim().is_empty() || wire.question.chars().count() > QUESTION_MAX_CHARS {
            let problem = format!("must be a question of 1 to {QUESTION_MAX_CHARS} characters");
            return Err(bad(NAME, "question", problem));
        }
        Ok(Self { question: wire.question })
    }
}
