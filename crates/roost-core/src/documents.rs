//! Documents: the texts that shape agents, read, written and looked back at.
//!
//! SOUL.md, IDENTITY.md and WORKFLOW.md stand in an agent's instructions as they were when the session began, or when
//! the agent last started afresh. Rules are read when the agent wants to, as they are then.

use roost_domain::document::{Author, ContentHash, DocumentName, MAX_BYTES};

use crate::{Core, Ctx, Error, Kind, Principal};

mod diff;
mod read;
mod versions;
mod write;

pub use read::{Personality, Workflow};
pub use versions::{Diff, RestoreDocument};
pub use write::{PutDocument, Written};

pub(crate) use diff::unified;
pub(crate) use read::rules;
pub(crate) use write::{Change, write};

/// The use cases of agents' documents.
pub struct Documents<'a>(pub(crate) &'a Core);

/// Returns who writes, as versions name them.
pub(crate) fn author_of(ctx: &Ctx) -> Author {
    match &ctx.principal {
        Principal::Key(key) => Author::Key(key.name.clone()),
        Principal::Owner(_) => Author::Owner,
    }
}

/// Checks that a document's text is not too long. `field` is what the caller calls it.
pub(crate) fn check_content(field: &str, content: &str) -> Result<(), Error> {
    if content.len() > MAX_BYTES {
        let problem = format!("has {} bytes; at most {MAX_BYTES} are allowed", content.len());
        return Err(Error::invalid(field, problem));
    }
    Ok(())
}

/// Says that a document is not what the writer took it for.
fn mismatch(name: &DocumentName, now: ContentHash) -> Error {
    Error::new(
        Kind::Conflict,
        "hash_mismatch",
        format!(
            "{name} was changed meanwhile: its hash is {now} now; read it again and put your change into that"
        ),
    )
}
