//! Ends runs that cannot go on, so that nobody waits for them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use roost_domain::id::RunId;
use roost_domain::page::Limit;
use roost_domain::run::{Ending, RunEvent, Status};
use roost_ports::store::{self, FormStatus, KeptRun, RunProgress, Writer};

use super::write::{Written, call_off, let_next_begin};
use crate::error::with_causes;
use crate::{Core, Error, triggers};

/// Ends a run that cannot go on, and lets others begin that waited for it. One that is over stays.
pub(super) fn give_up(
    core: &Core,
    writer: &mut dyn Writer,
    run: RunId,
    now: Timestamp,
) -> Result<Written, Error> {
    let mut written = Written::nothing(run);
    let kept = writer.run_of_any_account(run)?.filter(|kept| !kept.run.status.is_over());
    let Some(kept) = kept else { return Ok(written) };
    abandon(core, writer, &kept, &mut written, now)?;
    let_next_begin(core, writer, kept.run.agent, &mut written, now)?;
    Ok(written)
}

/// Ends a run, closes its forms and cancels its turns, without reading its log or its workflow: whatever keeps it from
/// going on may also keep these from being read.
pub(super) fn abandon(
    core: &Core,
    writer: &mut dyn Writer,
    kept: &KeptRun,
    written: &mut Written,
    now: Timestamp,
) -> Result<(), Error> {
    const SOME: Limit = Limit::clamped(1_000, 1_000);
    let run = kept.run.id;
    let ending = Ending::given_up("The run could not go on; the server's log says why");
    writer.append_run(run, now, &[RunEvent::Ended { ending }])?;
    let progress = RunProgress {
        status: Status::Failed,
        started_at: kept.run.started_at,
        ended_at: Some(now),
        due_at: None,
        usage: kept.run.usage,
    };
    // Before its turns end, which otherwise would tell it what they came to.
    writer.set_run_progress(run, &progress)?;
    loop {
        let open = writer.forms_of(run, Some(FormStatus::Open), SOME)?;
        if open.is_empty() {
            break;
        }
        for form in open {
            writer.close_form(form.id, FormStatus::Closed, now)?;
        }
    }
    // The newest first, so that ending one does not begin the next.
    for (turn, _) in writer.open_turns_of_run(run)?.into_iter().rev() {
        match call_off(core, writer, turn, written, now) {
            Err(error) if !is_passing(&error) => {
                tracing::error!(%run, %turn, error = %with_causes(&error), "a turn cannot be cancelled");
            }
            called_off => called_off?,
        }
    }
    triggers::run_over(core, writer, run, now)
}

/// Tells whether it is the store that fails, and not the run that cannot be read.
pub(super) fn is_passing(error: &Error) -> bool {
    of_store(error).is_some_and(|error| !matches!(error, store::Error::Corrupt { .. }))
}

/// Tells whether the store takes no work at all now, whatever the work is.
pub(super) fn is_refused(error: &Error) -> bool {
    of_store(error).is_some_and(|error| matches!(error, store::Error::Closed | store::Error::Overloaded))
}

fn of_store(error: &Error) -> Option<&store::Error> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

/// Does work for one run. A panic in it is an error of that run, and of no other.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // What the work borrows is read, or locked by locks that outlive a panic.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::internal("the work on a run panicked")))
}
