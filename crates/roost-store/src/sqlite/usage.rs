use jiff::civil::Date;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::model::{ModelName, Usage};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::store::{Error, Ledger, UsageRow, Usages, UsagesMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, noun, signed};

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
        account: AccountId,
        agent: Option<AgentId>,
        from: Date,
        to: Date,
    ) -> Result<Vec<UsageRow>, Error> {
        self.all(
            USAGE,
            "select agent_id, model, day, calls, input_tokens, cached_tokens, cache_written_tokens,
                    output_tokens, cost
             from usages
             where account_id = $1 and day between $2 and $3 and ($4 is null or agent_id = $4)
             order by day, agent_id, model limit 10000",
            params![
                account.uuid().as_bytes(),
                from.to_string(),
                to.to_string(),
                agent.map(|agent| agent.uuid().into_bytes()),
            ],
            usage_row,
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

    fn add_usage(
        &mut self,
        account: AccountId,
        agent: AgentId,
        model: &ModelName,
        day: Date,
        usage: Usage,
        cost: MicroUsd,
    ) -> Result<(), Error> {
        self.change_one(
            USAGE,
            "insert into usages (
                 account_id, agent_id, model, day, calls, input_tokens, cached_tokens, cache_written_tokens,
                 output_tokens, cost)
             values ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9)
             on conflict (account_id, day, agent_id, model) do update
             set calls = usages.calls + 1,
                 input_tokens = usages.input_tokens + excluded.input_tokens,
                 cached_tokens = usages.cached_tokens + excluded.cached_tokens,
                 cache_written_tokens = usages.cache_written_tokens + excluded.cache_written_tokens,
                 output_tokens = usages.output_tokens + excluded.output_tokens,
                 cost = usages.cost + excluded.cost",
            params![
                account.uuid().as_bytes(),
                agent.uuid().as_bytes(),
                model.as_str(),
                day.to_string(),
                signed(USAGE, usage.input.0)?,
                signed(USAGE, usage.cached.0)?,
                signed(USAGE, usage.cache_written.0)?,
                signed(USAGE, usage.output.0)?,
                cost.0,
            ],
        )
    }
}

fn usage_row(columns: &mut Columns<'_>) -> Result<UsageRow, Error> {
    Ok(UsageRow {
        agent: columns.id()?,
        model: columns.parsed()?,
        day: columns.parsed()?,
        calls: columns.count()?,
        usage: Usage {
            input: Tokens(columns.count()?),
            cached: Tokens(columns.count()?),
            cache_written: Tokens(columns.count()?),
            output: Tokens(columns.count()?),
        },
        cost: MicroUsd(columns.take()?),
    })
}
