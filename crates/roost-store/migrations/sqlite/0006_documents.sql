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
