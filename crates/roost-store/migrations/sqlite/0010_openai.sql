-- Where a conversation stands that its caller tells whole with each request: what was told, as a hash, leads to the
-- turn that answered it.
create table marks (
    agent_id blob not null references agents (id),
    -- SHA-256 over the peer and the messages.
    fingerprint blob not null,
    turn_id blob not null references turns (id),
    primary key (agent_id, fingerprint)
) strict, without rowid;

create index marks_of_turn on marks (turn_id);

-- Answers that their callers can name later.
create table responses (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    -- Who answered; null where a model was asked directly.
    agent_id blob references agents (id),
    created_at integer not null,
    -- JSON, see record/response.rs.
    body text not null
) strict;

create index responses_by_age on responses (created_at, id);
create index responses_of_agent on responses (agent_id) where agent_id is not null;

-- Model calls outside of any turn that have begun and are not settled.
create table model_calls (
    id blob not null primary key,
    -- Whose ledger holds the reservation.
    agent_id blob not null references agents (id),
    reserved integer not null,
    began_at integer not null
) strict;

create index model_calls_by_age on model_calls (began_at, id);
