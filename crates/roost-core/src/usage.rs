//! Usage: what agents used of models, by day.

use jiff::civil::Date;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_ports::store::UsageRow;

use crate::{Core, Ctx, Error};

/// The use cases of usage.
pub struct Usages<'a>(pub(crate) &'a Core);

/// Which usage to list.
#[derive(Debug, Clone, Copy)]
pub struct ListUsage {
    /// Only that of this agent.
    pub agent: Option<AgentId>,
    /// From this day on, in UTC.
    pub from: Date,
    /// Up to this day, included.
    pub to: Date,
}

impl Usages<'_> {
    /// Returns what was used, by day, agent and model.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the days are the wrong way round or more than 366 apart.
    pub async fn list(&self, ctx: &Ctx, list: ListUsage) -> Result<Vec<UsageRow>, Error> {
        ctx.require(Scope::UsageRead)?;
        let ListUsage { agent, from, to } = list;
        if to < from {
            return Err(Error::invalid("to", format!("is before from ({to} < {from})")));
        }
        if (to - from).get_days() > 366 {
            return Err(Error::invalid("from", "may be at most 366 days before to"));
        }
        let account = ctx.account();
        self.0.ports.store.read(move |reader| Ok(reader.usage(account, agent, from, to)?)).await
    }
}
