use jiff::Timestamp;
use jiff::tz::TimeZone;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Amounts, ModelCall, Used, Writer};

use crate::usage::unanswered;
use crate::{Core, Error};

impl Core {
    /// Settles a call once that was not answered, with what it may have cost.
    pub(super) async fn settle_failed(&self, call: &ModelCall, cost: MicroUsd) -> Result<(), Error> {
        let (failed, now) = (call.clone(), self.now());
        let settle = move |writer: &mut dyn Writer| {
            if writer.delete_model_call(failed.id)? {
                settle_unanswered(writer, &failed, cost, now)?;
            }
            Ok::<_, Error>(())
        };
        self.ports.store.write(settle).await?;
        self.live_calls.end(call.id);
        Ok(())
    }
}

/// Books what a call may have cost that was not answered: never more than was held back for it.
pub(super) fn settle_unanswered(
    writer: &mut dyn Writer,
    call: &ModelCall,
    cost: MicroUsd,
    now: Timestamp,
) -> Result<(), Error> {
    let cost = cost.min(call.reserved);
    writer.settle(call.ledger, call.reserved, cost)?;
    unanswered(cost).map_or(Ok(()), |amounts| book(writer, call, amounts, now))
}

/// Adds a call to what its ledger's owner used.
pub(super) fn book(
    writer: &mut dyn Writer,
    call: &ModelCall,
    amounts: Amounts,
    now: Timestamp,
) -> Result<(), Error> {
    let (day, model) = (now.to_zoned(TimeZone::UTC).date(), call.model.clone());
    let used = Used { account: call.account, agent: call.ledger, session: None, model, day, amounts };
    Ok(writer.add_usage(&used)?)
}
