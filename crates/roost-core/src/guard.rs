//! The guard: policies and permissions that bind agents, and the gate that those which run elsewhere ask.

use roost_domain::id::AccountId;
use roost_domain::policy::InvalidDocument;
use roost_domain::subject::Subject;
use roost_ports::store::Reader;

use crate::{Core, Error};

mod backtest;
mod evaluate;
mod facts;
mod permissions;
mod policies;

pub use backtest::{Backtest, Change, TestPolicy};
pub use evaluate::{Evaluate, Evaluation, ListDecisions};
pub use permissions::ChangePermissions;
pub use policies::{PolicyView, PutPolicy};

pub(crate) use facts::{Editions, confined};

/// The gate's own use cases.
pub struct Gate<'a>(pub(crate) &'a Core);

/// The use cases of policies.
pub struct Policies<'a>(pub(crate) &'a Core);

/// The use cases of permissions.
pub struct PermissionSets<'a>(pub(crate) &'a Core);

/// Checks that a subject is not an agent of another account. One that names no agent here is an agent that runs
/// elsewhere.
pub(crate) fn check_subject(reader: &dyn Reader, account: AccountId, subject: &Subject) -> Result<(), Error> {
    let foreign = match subject.agent() {
        Some(id) => reader.agent_of_any_account(id)?.is_some_and(|agent| agent.account != account),
        None => false,
    };
    if foreign { Err(Error::not_found("agent", subject)) } else { Ok(()) }
}

/// Says what is wrong with a document, and where.
fn invalid(error: InvalidDocument) -> Error {
    Error::invalid(&error.path, error.problem)
}
