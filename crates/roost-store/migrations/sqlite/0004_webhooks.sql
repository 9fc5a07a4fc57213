-- Where accounts want to be told of events.
create table webhook_endpoints (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    url text not null,
    -- JSON list of kinds of events and beginnings of them; an empty one is all.
    kinds text not null,
    description text not null,
    secret blob not null,
    -- The secret before, which signs too until then.
    secret_before blob,
    secret_before_until integer,
    created_at integer not null,
    disabled_at integer,
    check ((secret_before is null) = (secret_before_until is null))
) strict;

create index webhook_endpoints_of_account on webhook_endpoints (account_id, created_at, id);

-- One message to one endpoint, over all its tries.
create table webhook_deliveries (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    endpoint_id blob not null references webhook_endpoints (id),
    kind text not null,
    -- The body as it is signed and sent, byte for byte.
    payload text not null,
    status text not null,
    attempts integer not null,
    next_at integer,
    leased_until integer,
    last_status integer,
    last_error text,
    created_at integer not null,
    delivered_at integer,
    check ((status = 'pending') = (next_at is not null))
) strict;

create index webhook_deliveries_of_endpoint on webhook_deliveries (endpoint_id, created_at, id);
create index webhook_deliveries_due on webhook_deliveries (next_at) where status = 'pending';
create index webhook_deliveries_due_of_endpoint on webhook_deliveries (endpoint_id, next_at, id)
    where status = 'pending';
create index webhook_deliveries_leased on webhook_deliveries (leased_until) where leased_until > 0;
create index webhook_deliveries_over on webhook_deliveries (created_at) where status <> 'pending';
