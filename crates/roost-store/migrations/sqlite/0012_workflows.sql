-- Workflows: every version is kept, since runs keep to the one that they began with.

-- Whether what starts an agent's workflow may start it: off, armed or paused.
alter table agents add column arming text not null default 'off';

create table workflows (
    agent_id blob not null references agents (id),
    version integer not null,
    -- JSON, as it was given.
    config text not null,
    author text not null,
    created_at integer not null,
    primary key (agent_id, version)
) strict;
