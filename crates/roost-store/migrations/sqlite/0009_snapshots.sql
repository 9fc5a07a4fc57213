-- Saved states of agents. The files are the machine driver's; here stands what belongs to them.
create table snapshots (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    name text not null,
    -- `making`, `listed`, `unlisted` (it exists for as long as a fork is made from it) or `going`.
    status text not null,
    created_at integer not null,
    -- How far the agent's log was: the last of its events, how many its conversations had, and which turns were not
    -- over, as a JSON list of pairs.
    seq integer not null,
    events integer not null,
    open_turns text not null,
    method text not null,
    size_bytes integer not null,
    copied_bytes integer not null,
    entries integer not null,
    left_out integer not null,
    took_us integer not null
) strict;

create index snapshots_of_agent on snapshots (agent_id, created_at, id);
create index snapshots_half on snapshots (status, created_at, id) where status in ('making', 'going');

create table snapshot_documents (
    snapshot_id blob not null references snapshots (id),
    name text not null,
    content text not null,
    primary key (snapshot_id, name)
) strict;

-- Agents whose workspace is about to become what a snapshot holds: the intent. The row goes with the outcome; one
-- that is found at the start of the server was left by a dead one.
create table restorations (
    agent_id blob not null primary key references agents (id),
    snapshot_id blob not null,
    -- `restore` or `fork`.
    kind text not null,
    requested_at integer not null
) strict;

create index restorations_by_age on restorations (kind, requested_at, agent_id);

-- Secrets that an agent has from another, which holds them, until it has one of its own under the name.
create table secret_references (
    agent_id blob not null references agents (id),
    name text not null,
    holder_id blob not null references agents (id),
    primary key (agent_id, name)
) strict;

create index secret_references_of_holder on secret_references (holder_id, agent_id, name);

-- The event of the agent after which messages that name no session begin another one.
alter table sessions add column superseded integer;

-- For agents that are up on a host whose region is another's, after the configuration changed.
create index agents_up_in on agents (region, id)
    where state in ('running', 'frozen', 'paused') and deleted_at is null;
