-- Swarms, and turns that one agent does for another.

create table swarms (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    name text not null,
    slug text not null,
    description text,
    icon text,
    created_at integer not null,
    updated_at integer not null,
    unique (account_id, slug)
) strict;

create index swarms_of_account on swarms (account_id, created_at, id);

create table swarm_secrets (
    swarm_id blob not null references swarms (id),
    name text not null,
    sealed blob not null,
    updated_at integer not null,
    primary key (swarm_id, name)
) strict;

alter table agents add column swarm_id blob references swarms (id);

create index agents_of_swarm on agents (swarm_id, created_at, id) where swarm_id is not null;

-- Where a turn does a task for a call of another agent's turn.
alter table turns add column caller_turn blob;
alter table turns add column caller_agent blob;
alter table turns add column caller_session blob;
alter table turns add column caller_call text;
-- JSON list of ids: the agents for whom it works, the nearest first.
alter table turns add column caller_above text;

create index turns_of_caller on turns (caller_turn, position) where caller_turn is not null;
