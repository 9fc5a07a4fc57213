-- Ids are UUIDs as 16-byte blobs, times are microseconds since 1970 in UTC, money is millionths of a dollar.
-- `strict` and the blob type are SQLite's; the rest is meant to read the same on PostgreSQL.

create table accounts (
    id blob not null primary key,
    name text not null,
    created_at integer not null
) strict;

create index accounts_by_age on accounts (created_at, id);

create table api_keys (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    hash blob not null unique,
    name text not null,
    style text not null,
    -- JSON list of scope names.
    scopes text not null,
    hint text not null,
    created_at integer not null,
    revoked_at integer
) strict;

create index api_keys_of_account on api_keys (account_id, created_at, id);

-- A deleted agent's row stays, emptied and marked, so that its id is never used again and its usage has a name.
create table agents (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    name text not null,
    -- The name in lower case by Unicode's rules, for searching.
    name_folded text not null,
    description text not null,
    model text not null,
    size text not null,
    region text not null,
    avatar_url text,
    -- JSON list; agent_tags holds the same for searching.
    tags text not null,
    -- JSON object, as its owner gave it.
    config text not null,
    state text not null,
    needs_restart integer not null,
    failure_category text,
    failure_message text,
    created_at integer not null,
    started_at integer,
    stopped_at integer,
    deleted_at integer
) strict;

create index agents_of_account on agents (account_id, created_at, id) where deleted_at is null;

create table agent_tags (
    agent_id blob not null references agents (id),
    tag text not null,
    primary key (agent_id, tag)
) strict, without rowid;

create table documents (
    agent_id blob not null references agents (id),
    name text not null,
    version integer not null,
    content text not null,
    updated_at integer not null,
    primary key (agent_id, name, version)
) strict;

create table secrets (
    agent_id blob not null references agents (id),
    name text not null,
    sealed blob not null,
    updated_at integer not null,
    primary key (agent_id, name)
) strict;

create table sessions (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    -- `peer:…`, `key:…` or `agent`.
    peer text not null,
    channel text not null,
    name text,
    started_at integer not null
) strict;

create index sessions_of_agent on sessions (agent_id, started_at, id);
create index sessions_of_peer on sessions (agent_id, peer, started_at, id);

-- The log. A journal's session is its agent and needs no row in sessions, so session_id refers to nothing.
create table events (
    seq integer primary key autoincrement,
    agent_id blob not null references agents (id),
    session_id blob not null,
    session_offset integer not null,
    turn_id blob,
    at integer not null,
    -- `user` or `assistant` where the event is a message of the conversation.
    role text,
    -- JSON, see record/event.rs. It is the truth; turn_id and role repeat parts of it for the indexes.
    body text not null,
    unique (session_id, session_offset)
) strict;

create index events_of_agent on events (agent_id, seq);
create index events_of_turn on events (turn_id, session_offset) where turn_id is not null;
create index messages_of_agent on events (agent_id, seq) where role is not null;
create index messages_of_session on events (session_id, seq) where role is not null;

create table turns (
    -- The order in which they came.
    position integer primary key,
    id blob not null unique,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    session_id blob not null references sessions (id),
    phase text not null,
    created_at integer not null
) strict;

create index turns_of_session on turns (session_id, phase);
create index turns_of_agent on turns (agent_id, phase);

create table approvals (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    session_id blob not null references sessions (id),
    turn_id blob not null references turns (id),
    call text,
    question text not null,
    summary text not null,
    reason text not null,
    effect_hash blob not null,
    status text not null,
    requested_at integer not null,
    expires_at integer not null,
    decided_at integer,
    decided_by text,
    note text
) strict;

create index approvals_of_account on approvals (account_id, requested_at, id);
create index approvals_of_agent on approvals (agent_id, requested_at, id);
create index approvals_of_session on approvals (session_id);
create index approvals_of_turn on approvals (turn_id, requested_at, id);
create index approvals_pending on approvals (expires_at, id) where status = 'pending';

-- A finished job has no row: whatever stands here is open.
create table jobs (
    -- The order in which they were queued; never used twice, so that it stays an order.
    position integer primary key autoincrement,
    id blob not null unique,
    queue text not null,
    key text not null,
    agent_id blob references agents (id),
    payload text not null,
    run_at integer not null,
    worker text,
    leased_until integer,
    attempt integer not null,
    check ((worker is null) = (leased_until is null))
) strict;

create index jobs_of_queue on jobs (queue, position);
create index jobs_of_key on jobs (queue, key, position);
create index jobs_of_agent on jobs (agent_id) where agent_id is not null;

create table ledgers (
    agent_id blob not null primary key references agents (id),
    spent integer not null,
    reserved integer not null check (reserved >= 0)
) strict;

create table usages (
    account_id blob not null references accounts (id),
    -- `2026-11-21`, in UTC.
    day text not null,
    agent_id blob not null references agents (id),
    model text not null,
    calls integer not null,
    input_tokens integer not null,
    cached_tokens integer not null,
    cache_written_tokens integer not null,
    output_tokens integer not null,
    cost integer not null,
    primary key (account_id, day, agent_id, model)
) strict;
