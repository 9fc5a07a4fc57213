-- Integrations and connections: what accounts know of services, and which agent may use which.

-- An account's own integrations; those of the catalog are in no database.
create table integrations (
    account_id blob not null references accounts (id),
    name text not null,
    -- JSON; see the record.
    definition text not null,
    updated_at integer not null,
    primary key (account_id, name)
) strict;

-- An account's OAuth clients, one for each service.
create table oauth_clients (
    account_id blob not null references accounts (id),
    integration text not null,
    client_id text not null,
    secret blob,
    -- JSON: a list, or null for what the service's entry says.
    scopes text,
    -- JSON: an object.
    fields text not null,
    updated_at integer not null,
    primary key (account_id, integration)
) strict;

create table connections (
    id blob primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    integration text not null,
    kind text not null,
    status text not null,
    -- JSON: a list.
    scopes text not null,
    -- JSON: an object.
    fields text not null,
    access blob not null,
    refresh blob,
    expires_at integer,
    renewable integer not null,
    version integer not null,
    failure text,
    -- Until when somebody renews it, so that nobody else does.
    renewing_until integer,
    created_at integer not null,
    updated_at integer not null,
    unique (agent_id, integration)
) strict;

create index connections_by_account on connections (account_id, created_at, id);

-- Leave that was asked for and not yet given.
create table authorizations (
    -- The SHA-256 of what comes back with the answer.
    state blob primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    integration text not null,
    verifier blob,
    scopes text not null,
    fields text not null,
    created_at integer not null,
    expires_at integer not null,
    used_at integer
) strict;

create index authorizations_by_agent on authorizations (agent_id, expires_at);
create index authorizations_by_end on authorizations (expires_at);

-- What accounts know of services' interfaces.
create table api_descriptions (
    account_id blob not null references accounts (id),
    integration text not null,
    title text not null,
    version text not null,
    base text,
    -- JSON; null if the document does not say.
    placement text,
    sha256 blob not null,
    source text,
    operations integer not null,
    at integer not null,
    primary key (account_id, integration)
) strict;

create table api_operations (
    account_id blob not null,
    integration text not null,
    name text not null,
    place integer not null,
    method text not null,
    path text not null,
    summary text not null,
    tags text not null,
    -- JSON; see the record.
    body text not null,
    primary key (account_id, integration, name),
    foreign key (account_id, integration) references api_descriptions (account_id, integration)
) strict;
