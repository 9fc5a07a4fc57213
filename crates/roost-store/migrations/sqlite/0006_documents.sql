-- The plan that was chosen for an account, by its name in the configuration.
alter table accounts add column plan text;

-- Where a version stands in the order of all that was written to its agent's documents. A session sees what is not
-- younger than the later of its own place and its agent's.
alter table documents add column place integer not null default 0;
-- A deletion is a version too; its content is empty.
alter table documents add column deleted integer not null default 0;
-- `owner`, `agent` or `key:NAME`.
alter table documents add column written_by text not null default 'owner';
alter table documents add column note text;

create index documents_by_place on documents (agent_id, place);

alter table agents add column documents_place integer not null default 0;
alter table sessions add column documents_place integer not null default 0;

-- What the agent's requests may carry a secret to: JSON lists of host rules and methods, both or none.
alter table secrets add column bound_hosts text;
alter table secrets add column bound_methods text;

create table secret_uses (
    agent_id blob not null references agents (id),
    name text not null,
    -- Counts up for each secret.
    number integer not null,
    host text not null,
    method text not null,
    status integer,
    session_id blob not null,
    turn_id blob not null,
    call text not null,
    at integer not null,
    primary key (agent_id, name, number)
) strict;

create index secret_uses_of_turn on secret_uses (turn_id);

-- What was used is told apart by peer too, and holds more than model calls. SQLite cannot change a primary key; the table
-- is made anew.
create table usages_new (
    account_id blob not null references accounts (id),
    -- `2026-11-21`, in UTC.
    day text not null,
    agent_id blob not null references agents (id),
    -- The model that was called; for what is no call, the one that the agent had.
    model text not null,
    -- `peer:…`, `key:…` or `agent`; empty where nobody knows, or where it is for no peer.
    peer text not null,
    calls integer not null,
    input_tokens integer not null,
    cached_tokens integer not null,
    cache_written_tokens integer not null,
    output_tokens integer not null,
    cost integer not null,
    turns integer not null,
    tool_calls integer not null,
    machine_ms integer not null,
    primary key (account_id, day, agent_id, model, peer)
) strict;

insert into usages_new (
    account_id, day, agent_id, model, peer, calls, input_tokens, cached_tokens, cache_written_tokens, output_tokens, cost,
    turns, tool_calls, machine_ms)
select account_id, day, agent_id, model, '', calls, input_tokens, cached_tokens, cache_written_tokens, output_tokens, cost,
    0, 0, 0
from usages;

drop table usages;
alter table usages_new rename to usages;
