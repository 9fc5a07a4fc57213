-- What runs make for people, and what people give to runs. They go with their run.
create table artifacts (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    run_id blob not null,
    -- As a run names its step: `report`, `report[3]`.
    step text not null,
    title text not null,
    version integer not null,
    -- `html` or `javascript`.
    kind text not null,
    size_bytes integer not null,
    sha256 text not null,
    created_at integer not null,
    -- Last, so that a list does not read it.
    content text not null
) strict;

create unique index artifacts_by_title on artifacts (agent_id, title, version);
create index artifacts_of_agent on artifacts (agent_id, created_at, id);
create index artifacts_of_run on artifacts (run_id, created_at, id);

create table run_files (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    run_id blob not null,
    form_id blob not null,
    field text not null,
    name text not null,
    media_type text not null,
    size_bytes integer not null,
    created_at integer not null,
    content blob not null
) strict;

create index run_files_of_run on run_files (run_id);
create index run_files_of_form on run_files (form_id);
create index run_files_of_agent on run_files (agent_id);

-- The services that the latest version of an agent's workflow uses.
create table agent_integrations (
    agent_id blob not null references agents (id),
    integration text not null,
    primary key (agent_id, integration)
) strict, without rowid;

-- Those that the agent is not connected to. A later migration knows connections and replaces it.
create view missing_integrations as select agent_id, integration from agent_integrations;
