//! What a run may spend.

use roost_domain::event::Problem;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Reader, Turn, Writer};

use crate::{Core, Error};

/// What is done with money of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pay {
    /// It is held back for a call.
    Reserve(MicroUsd),
    /// What was held back is given back, and what the call cost is booked.
    Settle { reserved: MicroUsd, cost: MicroUsd },
}

/// Books what a model call of a turn costs on the run for which the turn is done, if it is done for one.
pub(crate) fn pay(writer: &mut dyn Writer, turn: &Turn, pay: Pay) -> Result<(), Error> {
    let Some(of) = &turn.run else { return Ok(()) };
    match pay {
        Pay::Reserve(amount) => writer.reserve_of_run(of.run, amount)?,
        Pay::Settle { reserved, cost } => writer.settle_of_run(of.run, reserved, cost)?,
    }
    Ok(())
}

/// Returns what the run of a turn may spend in all, if it is bounded, and what of that is no longer free.
pub(crate) fn budget(
    core: &Core,
    reader: &dyn Reader,
    turn: &Turn,
) -> Result<Option<(MicroUsd, MicroUsd)>, Error> {
    let Some(of) = &turn.run else { return Ok(None) };
    let Some(kept) = reader.run_of_any_account(of.run)? else { return Ok(None) };
    let plan = core.plans.get(reader, kept.run.agent, kept.run.version)?;
    let committed = kept.run.cost.saturating_add(kept.reserved);
    Ok(plan.workflow().bounds.budget.map(|budget| (budget, committed)))
}

/// Says why a model is not asked, where that may cost more than the turn's run may spend.
pub(crate) fn exceeded(
    core: &Core,
    reader: &dyn Reader,
    turn: &Turn,
    worst_case: MicroUsd,
) -> Result<Option<Problem>, Error> {
    let Some((budget, committed)) = budget(core, reader, turn)? else { return Ok(None) };
    if worst_case == MicroUsd::ZERO || committed.saturating_add(worst_case) <= budget {
        return Ok(None);
    }
    Ok(Some(Problem {
        code: "run_budget_exceeded".to_owned(),
        message: format!(
            "The next model call may cost {worst_case}, and {committed} of the run's budget of {budget} is used. Raise \
             the workflow's budget and run it again from this step"
        ),
    }))
}
