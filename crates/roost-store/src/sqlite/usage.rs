use std::time::Duration;

use roost_domain::id::AgentId;
use roost_domain::model::Usage;
use roost_domain::page::{Limit, Page};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::random::Id;
use roost_ports::store::{
    Amounts, Dimension, Error, Ledger, UsageFilter, UsageKey, UsageRow, Usages, UsagesMut, Used,
};
use rusqlite::params;
use uuid::Uuid;

use super::{Columns, Noun, Tx, corrupt, noun, signed};

const LEDGER: Noun = noun!("ledger");
const USAGE: Noun = noun!("usage");

impl Usages for Tx<'_> {
    fn ledger(&self, agent: AgentId) -> Result<Ledger, Error> {
        let row = self.first(
            LEDGER,
            "select spent, reserved from ledgers where agent_id = $1",
            params![agent.uuid().as_bytes()],
            |columns| Ok(Ledger { spent: MicroUsd(columns.take()?), reserved: MicroUsd(columns.take()?) }),
        )?;
        Ok(row.unwrap_or_default())
    }

    fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<&UsageKey>,
        limit: Limit,
    ) -> Result<Page<UsageRow, UsageKey>, Error> {
        let [day, agent, model, peer] = dimensions(filter);
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            USAGE,
            "select by_day, by_agent, by_model, by_peer, calls, input_tokens, cached_tokens, cache_written_tokens,
                    output_tokens, cost, turns, tool_calls, machine_ms
             from (
                 select case when $1 then day else '' end as by_day,
                        case when $2 then agent_id else x'' end as by_agent,
                        case when $3 then model else '' end as by_model,
                        case when $4 then peer else '' end as by_peer,
                        sum(calls) as calls, sum(input_tokens) as input_tokens, sum(cached_tokens) as cached_tokens,
                        sum(cache_written_tokens) as cache_written_tokens, sum(output_tokens) as output_tokens,
                        sum(cost) as cost, sum(turns) as turns, sum(tool_calls) as tool_calls,
                        sum(machine_ms) as machine_ms
                 from usages
                 where account_id = $5 and day between $6 and $7 and ($8 is null or agent_id = $8)
                 group by 1, 2, 3, 4) as sums
             where $9 is null or (by_day, by_agent, by_model, by_peer) > ($9, $10, $11, $12)
             order by by_day, by_agent, by_model, by_peer limit $13",
            params![
                day,
                agent,
                model,
                peer,
                filter.account.uuid().as_bytes(),
                filter.from.to_string(),
                filter.to.to_string(),
                filter.agent.map(|agent| agent.uuid().into_bytes()),
                after.map(|key| key.day.as_str()),
                after.map(|key| key.agent.map_or_else(Vec::new, |agent| agent.uuid().into_bytes().to_vec())),
                after.map(|key| key.model.as_str()),
                after.map(|key| key.peer.as_str()),
                i64::from(limit.get()) + 1,
            ],
            usage_row,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let next = rows.last().filter(|_| more).map(|last| last.key.clone());
        let total = self.only(
            USAGE,
            "select count(*) from (
                 select case when $1 then day else '' end, case when $2 then agent_id else x'' end,
                        case when $3 then model else '' end, case when $4 then peer else '' end
                 from usages
                 where account_id = $5 and day between $6 and $7 and ($8 is null or agent_id = $8)
                 group by 1, 2, 3, 4) as sums",
            params![
                day,
                agent,
                model,
                peer,
                filter.account.uuid().as_bytes(),
                filter.from.to_string(),
                filter.to.to_string(),
                filter.agent.map(|agent| agent.uuid().into_bytes()),
            ],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn usage_total(&self, filter: &UsageFilter) -> Result<Amounts, Error> {
        self.only(
            USAGE,
            "select coalesce(sum(calls), 0), coalesce(sum(input_tokens), 0), coalesce(sum(cached_tokens), 0),
                    coalesce(sum(cache_written_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(cost), 0),
                    coalesce(sum(turns), 0), coalesce(sum(tool_calls), 0), coalesce(sum(machine_ms), 0)
             from usages
             where account_id = $1 and day between $2 and $3 and ($4 is null or agent_id = $4)",
            params![
                filter.account.uuid().as_bytes(),
                filter.from.to_string(),
                filter.to.to_string(),
                filter.agent.map(|agent| agent.uuid().into_bytes()),
            ],
            amounts,
        )
    }
}

impl UsagesMut for Tx<'_> {
    fn reserve(&mut self, agent: AgentId, amount: MicroUsd) -> Result<(), Error> {
        self.change_one(
            LEDGER,
            "insert into ledgers (agent_id, spent, reserved) values ($1, 0, $2)
             on conflict (agent_id) do update set reserved = ledgers.reserved + excluded.reserved",
            params![agent.uuid().as_bytes(), amount.0],
        )
    }

    fn settle(&mut self, agent: AgentId, reserved: MicroUsd, spent: MicroUsd) -> Result<(), Error> {
        // Giving back more than is held would break `reserved >= 0` and fails: somebody settled twice.
        self.change(
            LEDGER,
            "insert into ledgers (agent_id, spent, reserved) values ($1, 0, 0) on conflict do nothing",
            params![agent.uuid().as_bytes()],
        )?;
        self.change_one(
            LEDGER,
            "update ledgers set reserved = reserved - $1, spent = spent + $2 where agent_id = $3",
            params![reserved.0, spent.0, agent.uuid().as_bytes()],
        )
    }

    fn add_usage(&mut self, used: &Used) -> Result<(), Error> {
        let Amounts { calls, usage, cost, turns, tool_calls, machine } = used.amounts;
        let machine_ms = u64::try_from(machine.as_millis()).unwrap_or(u64::MAX);
        self.change_one(
            USAGE,
            "insert into usages (
                 account_id, agent_id, model, day, peer, calls, input_tokens, cached_tokens, cache_written_tokens,
                 output_tokens, cost, turns, tool_calls, machine_ms)
             values ($1, $2, $3, $4, coalesce((
                     select case when peer like 'run:%' then 'run' else peer end from sessions where id = $5), ''), $6, $7, $8, $9, $10, $11,
                 $12, $13, $14)
             on conflict (account_id, day, agent_id, model, peer) do update
             set calls = usages.calls + excluded.calls,
                 input_tokens = usages.input_tokens + excluded.input_tokens,
                 cached_tokens = usages.cached_tokens + excluded.cached_tokens,
                 cache_written_tokens = usages.cache_written_tokens + excluded.cache_written_tokens,
                 output_tokens = usages.output_tokens + excluded.output_tokens,
                 cost = usages.cost + excluded.cost,
                 turns = usages.turns + excluded.turns,
                 tool_calls = usages.tool_calls + excluded.tool_calls,
                 machine_ms = usages.machine_ms + excluded.machine_ms",
            params![
                used.account.uuid().as_bytes(),
                used.agent.uuid().as_bytes(),
                used.model.as_str(),
                used.day.to_string(),
                used.session.map(|session| session.uuid().into_bytes()),
                signed(USAGE, calls)?,
                signed(USAGE, usage.input.0)?,
                signed(USAGE, usage.cached.0)?,
                signed(USAGE, usage.cache_written.0)?,
                signed(USAGE, usage.output.0)?,
                cost.0,
                signed(USAGE, turns)?,
                signed(USAGE, tool_calls)?,
                signed(USAGE, machine_ms)?,
            ],
        )
    }
}

/// Tells by which of day, agent, model and peer sums are told apart.
fn dimensions(filter: &UsageFilter) -> [bool; 4] {
    [Dimension::Day, Dimension::Agent, Dimension::Model, Dimension::Peer].map(|by| filter.by.contains(&by))
}

fn usage_row(columns: &mut Columns<'_>) -> Result<UsageRow, Error> {
    let day = columns.take()?;
    let agent: Vec<u8> = columns.take()?;
    let agent = match agent.as_slice() {
        [] => None,
        bytes => Some(Uuid::from_slice(bytes).map_err(|error| corrupt(USAGE.name, error))?),
    };
    let key =
        UsageKey { day, agent: agent.map(Id::from_uuid), model: columns.take()?, peer: columns.take()? };
    Ok(UsageRow { key, amounts: amounts(columns)? })
}

fn amounts(columns: &mut Columns<'_>) -> Result<Amounts, Error> {
    Ok(Amounts {
        calls: columns.count()?,
        usage: Usage {
            input: Tokens(columns.count()?),
            cached: Tokens(columns.count()?),
            cache_written: Tokens(columns.count()?),
            output: Tokens(columns.count()?),
        },
        cost: MicroUsd(columns.take()?),
        turns: columns.count()?,
        tool_calls: columns.count()?,
        machine: Duration::from_millis(columns.count()?),
    })
}
