//! Usage: what agents used, and what it cost.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use roost_domain::agent::Agent;
use roost_domain::id::{AgentId, SessionId};
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_domain::unit::MicroUsd;
use roost_ports::store::{Amounts, Dimension, Reader, UsageFilter, UsageKey, UsageRow, Used, Writer};

use crate::agents::own;
use crate::{Core, Ctx, Error};

mod machines;

pub(crate) use machines::MachineTime;

/// The use cases of usage.
pub struct Usages<'a>(pub(crate) &'a Core);

/// Which usage to list.
#[derive(Debug, Clone)]
pub struct ListUsage {
    /// Only that of this agent, which may be deleted by now.
    pub agent: Option<AgentId>,
    /// From this day on, in UTC.
    pub from: Date,
    /// Up to this day, included.
    pub to: Date,
    /// By what it is told apart.
    pub by: Vec<Dimension>,
    /// Where the page begins.
    pub after: Option<UsageKey>,
    /// How many sums a page has.
    pub limit: Limit,
}

/// What was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageView {
    /// All of it.
    pub total: Amounts,
    /// What it is made of, in the order of day, agent, model, peer.
    pub page: Page<UsageRow, UsageKey>,
}

impl Usages<'_> {
    /// Returns what the account used.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the days are the wrong way round or more than 366 apart.
    pub async fn list(&self, ctx: &Ctx, list: ListUsage) -> Result<UsageView, Error> {
        ctx.require(Scope::UsageRead)?;
        self.sum(ctx, list, None).await
    }

    /// Returns what one of the caller's agents used.
    ///
    /// # Errors
    ///
    /// `NotFound`; as [`Usages::list`].
    pub async fn of_agent(&self, ctx: &Ctx, agent: AgentId, list: ListUsage) -> Result<UsageView, Error> {
        ctx.require(Scope::UsageRead)?;
        self.sum(ctx, ListUsage { agent: Some(agent), ..list }, Some(agent)).await
    }

    async fn sum(&self, ctx: &Ctx, list: ListUsage, must: Option<AgentId>) -> Result<UsageView, Error> {
        let ListUsage { agent, from, to, by, after, limit } = list;
        if to < from {
            return Err(Error::invalid("to", format!("is before from ({to} < {from})")));
        }
        if (to - from).get_days() > 366 {
            return Err(Error::invalid("from", "may be at most 366 days before to"));
        }
        // What machines have been up for since it was last written counts too.
        self.write_machines().await?;
        let (filter, caller) = (UsageFilter { account: ctx.account(), agent, from, to, by }, ctx.clone());
        let read = move |reader: &dyn Reader| {
            if let Some(agent) = must {
                own(reader, &caller, agent)?;
            }
            let page = reader.usage(&filter, after.as_ref(), limit)?;
            Ok(UsageView { total: reader.usage_total(&filter)?, page })
        };
        self.0.ports.store.read(read).await
    }
}

/// Returns what a model call comes to that was not answered; `None` if it cost nothing. How many tokens it had, nobody
/// knows.
pub(crate) fn unanswered(cost: MicroUsd) -> Option<Amounts> {
    (cost > MicroUsd::ZERO).then(|| Amounts { calls: 1, cost, ..Amounts::default() })
}

/// Adds to what an agent used, in the transaction in which it happened.
pub(crate) fn count(
    writer: &mut dyn Writer,
    agent: &Agent,
    session: Option<SessionId>,
    amounts: Amounts,
    now: Timestamp,
) -> Result<(), Error> {
    let day = now.to_zoned(TimeZone::UTC).date();
    let (account, model) = (agent.account, agent.model.clone());
    Ok(writer.add_usage(&Used { account, agent: agent.id, session, model, day, amounts })?)
}
