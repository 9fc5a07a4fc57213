-- What starts agents' workflows: what each trigger waits for, when it is due, and what came of it.
create table triggers (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    name text not null,
    -- JSON, as the latest version of the workflow says it.
    settings text not null,
    -- When it is due; null is never by itself.
    next_at integer,
    -- The run that has to be over before it begins another.
    running blob,
    -- JSON: how far it has seen what happens at a service.
    cursor text,
    fired integer not null,
    failed integer not null,
    -- The last time that it fired, or should have, and what came of that: a run, or a problem as JSON.
    last_due_at integer,
    last_at integer,
    last_run blob,
    last_problem text,
    -- The token of its URL, hashed and sealed, and what requests to it are signed with.
    token_hash blob,
    token blob,
    secret blob,
    secret_before blob,
    secret_before_until integer,
    created_at integer not null,
    unique (agent_id, name),
    check ((last_due_at is null) = (last_at is null)),
    check ((last_at is null) = (last_run is null and last_problem is null)),
    check (last_run is null or last_problem is null),
    check ((token_hash is null) = (token is null) and (token is null) = (secret is null)),
    check ((secret_before is null) = (secret_before_until is null))
) strict;

create unique index triggers_by_token on triggers (token_hash) where token_hash is not null;
create index triggers_due on triggers (next_at, id) where next_at is not null;
create index triggers_after_run on triggers (running) where running is not null;
create index triggers_waiting on triggers (id) where running is not null;

-- Each time for which a trigger fired by the clock, or should have: once for each.
create table trigger_fires (
    trigger_id blob not null references triggers (id),
    due_at integer not null,
    at integer not null,
    run_id blob,
    -- JSON: why no run began.
    problem text,
    primary key (trigger_id, due_at),
    check ((run_id is null) <> (problem is null))
) strict, without rowid;

create index trigger_fires_old on trigger_fires (at);

-- Messages that came to a trigger's URL, so that one that comes again begins nothing.
create table trigger_messages (
    trigger_id blob not null references triggers (id),
    message blob not null,
    run_id blob not null,
    at integer not null,
    primary key (trigger_id, message)
) strict, without rowid;

create index trigger_messages_old on trigger_messages (at);
