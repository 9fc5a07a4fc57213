-- Runs of workflows: each a log of its own. What acts in them is turns.

create table runs (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    -- Of its workflow.
    version integer not null,
    status text not null,
    -- The name and the kind of what started it.
    trigger text not null,
    trigger_kind text not null,
    started_by text,
    -- The run of which it is another.
    of_run blob,
    created_at integer not null,
    started_at integer,
    ended_at integer,
    -- Where its log ends.
    last_offset integer not null,
    -- When it is to be looked at next, if nothing happens before.
    due_at integer,
    -- What it has spent on models, and what is held back for calls under way.
    spent integer not null,
    reserved integer not null check (reserved >= 0),
    input_tokens integer not null,
    cached_tokens integer not null,
    cache_written_tokens integer not null,
    output_tokens integer not null
) strict;

create index runs_of_agent on runs (agent_id, created_at, id);
create index runs_by_status on runs (agent_id, status, created_at, id);
create index runs_due on runs (due_at) where due_at is not null;

create table run_events (
    run_id blob not null references runs (id),
    run_offset integer not null,
    at integer not null,
    -- JSON, see record/run.rs.
    body text not null,
    primary key (run_id, run_offset)
) strict, without rowid;

-- Leads from a form's id to the step that asks; what it asks stands in the workflow.
create table forms (
    id blob not null primary key,
    run_id blob not null references runs (id),
    step text not null,
    status text not null,
    opened_at integer not null,
    expires_at integer,
    closed_at integer
) strict;

create index forms_of_run on forms (run_id, opened_at, id);

-- Where a turn is done for a step of a run.
alter table turns add column run_id blob;
alter table turns add column run_step text;
alter table turns add column run_attempt integer;
-- Which criterion it judges; null where it does the step itself.
alter table turns add column run_criterion integer;

create index turns_of_run on turns (run_id, position) where run_id is not null;

-- Jobs are found by when they are due: those that wait for a time, however many, are not even looked at.
drop index jobs_of_queue;
create index jobs_waiting on jobs (queue, run_at, position) where leased_until is null;
create index jobs_leased on jobs (queue, leased_until) where leased_until is not null;
