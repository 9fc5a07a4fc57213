//! Parameters that change what an answer means and that nobody here can honour: refused by name, never left out.

use std::fmt;

use roost_http::Failure;
use serde_json::Value;

/// Refuses a parameter that is given and is not one of these values, with which it changes nothing.
pub(crate) fn only(name: &str, given: Option<&Value>, harmless: &[Value], why: &str) -> Result<(), Failure> {
    match given {
        None | Some(Value::Null) => Ok(()),
        Some(value) if harmless.contains(value) => Ok(()),
        Some(_) => Err(Failure::invalid(name, why)),
    }
}

/// Refuses a number outside a range.
pub(crate) fn within<T: Copy + PartialOrd + fmt::Display>(
    name: &str,
    given: Option<T>,
    least: T,
    most: T,
) -> Result<Option<T>, Failure> {
    match given {
        Some(number) if number < least || number > most => {
            Err(Failure::invalid(name, format!("must be from {least} to {most}")))
        }
        given => Ok(given),
    }
}
