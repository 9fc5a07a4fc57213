//! Arguments of in-house tools, as the model wrote them.

use roost_domain::tool::ToolCall;
use roost_ports::tool::BadCall;
use serde_json::{Map, Value};

/// The arguments of one call, checked against the names that the tool knows.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    tool: &'a str,
    given: &'a Map<String, Value>,
}

impl<'a> Arguments<'a> {
    /// Takes a call's arguments.
    ///
    /// # Errors
    ///
    /// [`BadCall`] unless they are an object with no names but `known`.
    pub(crate) fn of(call: &'a ToolCall, known: &[&str]) -> Result<Self, BadCall> {
        let Value::Object(given) = &call.arguments else {
            return Err(BadCall(format!("{} takes an object with {}", call.tool, known.join(", "))));
        };
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                Err(BadCall(format!("{} has no argument {name:?}; it takes {}", call.tool, known.join(", "))))
            }
            None => Ok(Self { tool: &call.tool, given }),
        }
    }

    /// Returns a text that must be there, of 1 to `most` characters.
    ///
    /// # Errors
    ///
    /// [`BadCall`] says what is wrong with it.
    pub(crate) fn text(&self, name: &str, most: usize) -> Result<&'a str, BadCall> {
        self.text_if_any(name, most)?
            .ok_or_else(|| BadCall(format!("{} needs the argument {name:?}, a text", self.tool)))
    }

    /// Returns a text that may be left out, of 1 to `most` characters.
    ///
    /// # Errors
    ///
    /// [`BadCall`] says what is wrong with it.
    pub(crate) fn text_if_any(&self, name: &str, most: usize) -> Result<Option<&'a str>, BadCall> {
        match self.given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => {
                Err(BadCall(format!("the argument {name:?} of {} must not be empty", self.tool)))
            }
            Some(Value::String(text)) if text.chars().count() > most => Err(BadCall(format!(
                "the argument {name:?} of {} must have at most {most} characters",
                self.tool
            ))),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(BadCall(format!("the argument {name:?} of {} must be a text", self.tool))),
        }
    }

    /// Returns a whole number from 1 to `most` that may be left out.
    ///
    /// # Errors
    ///
    /// [`BadCall`] says what is wrong with it.
    #[allow(dead_code, reason = "tools that count come with knowledge")]
    pub(crate) fn number_if_any(&self, name: &str, most: u32) -> Result<Option<u32>, BadCall> {
        match self.given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .filter(|number| (1..=most).contains(number))
                .map(Some)
                .ok_or_else(|| {
                    let tool = self.tool;
                    BadCall(format!(
                        "the argument {name:?} of {tool} must be a whole number from 1 to {most}"
                    ))
                }),
        }
    }
}
