-- Approvals of agents that run elsewhere have no session and no turn, so those columns may be empty now. SQLite
-- cannot say that of a column that is there; the table is made anew.
create table approvals_new (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    subject text not null,
    -- The agent, session and turn that wait, or none of the three.
    agent_id blob references agents (id),
    session_id blob references sessions (id),
    turn_id blob references turns (id),
    call text,
    run text,
    triggered_by text,
    question text not null,
    tool text not null,
    -- JSON.
    parameters text not null,
    summary text not null,
    reason text not null,
    risk text not null,
    effect_hash blob not null,
    quorum integer not null,
    ttl integer not null,
    on_timeout text not null,
    escalate_to text,
    distinct_keys integer not null default 0,
    status text not null,
    requested_at integer not null,
    expires_at integer not null,
    -- JSON list of {by, at}.
    votes text not null,
    escalated_at integer,
    escalated_by text,
    escalated_to text,
    decided_at integer,
    decided_by text,
    note text,
    executed_at integer,
    check ((agent_id is null) = (turn_id is null) and (agent_id is null) = (session_id is null))
) strict;

-- The ids' text form is made here: 8-4-4-4-12 hexadecimal digits.
insert into approvals_new (
    id, account_id, subject, agent_id, session_id, turn_id, call, question, tool, parameters, summary, reason, risk,
    effect_hash, quorum, ttl, on_timeout, status, requested_at, expires_at, votes, decided_at, decided_by, note)
select id, account_id,
    lower(substr(hex(agent_id), 1, 8) || '-' || substr(hex(agent_id), 9, 4) || '-' || substr(hex(agent_id), 13, 4)
        || '-' || substr(hex(agent_id), 17, 4) || '-' || substr(hex(agent_id), 21, 12)),
    agent_id, session_id, turn_id, call, question, case when call is null then 'call_model' else 'unknown' end, '{}',
    summary, reason, 'HIGH', effect_hash, 1, max(expires_at - requested_at, 1000000), 'block', status, requested_at,
    expires_at, '[]', decided_at, decided_by, note
from approvals;

drop table approvals;
alter table approvals_new rename to approvals;

create index approvals_of_account on approvals (account_id, requested_at, id);
create index approvals_of_subject on approvals (account_id, subject, requested_at, id);
create index approvals_of_agent on approvals (agent_id) where agent_id is not null;
create index approvals_of_session on approvals (session_id) where session_id is not null;
create index approvals_of_turn on approvals (turn_id, requested_at, id) where turn_id is not null;
create index approvals_pending on approvals (expires_at, id) where status = 'pending';

-- What happened to approvals. Nothing here is ever changed.
create table approval_entries (
    seq integer primary key autoincrement,
    account_id blob not null references accounts (id),
    approval_id blob not null,
    subject text not null,
    act text not null,
    actor text not null,
    detail text,
    at integer not null
) strict;

create index approval_entries_of_account on approval_entries (account_id, at, seq);
create index approval_entries_of_approval on approval_entries (approval_id, seq);

-- Versions of policies and permissions; the highest is the one that holds.
create table editions (
    account_id blob not null references accounts (id),
    subject text not null,
    -- `policy` or `permissions`.
    kind text not null,
    version integer not null,
    -- JSON; empty where this version is a deletion.
    document text,
    at integer not null,
    by text not null,
    primary key (account_id, subject, kind, version)
) strict;

create table decisions (
    seq integer primary key autoincrement,
    account_id blob not null references accounts (id),
    subject text not null,
    key_id blob,
    tool text not null,
    -- JSON; empty where it was too long to be kept.
    parameters text,
    ruling text not null,
    code text not null,
    reason text not null,
    rule text,
    version integer,
    approval_id blob,
    run text,
    triggered_by text,
    session_id blob,
    turn_id blob,
    at integer not null
) strict;

create index decisions_of_account on decisions (account_id, at);
create index decisions_of_subject on decisions (account_id, subject, seq);
create index decisions_of_run on decisions (account_id, subject, run) where run is not null;

-- What keys used of what their plan limits, for a day.
create table metered (
    key_id blob not null,
    what text not null,
    at integer not null
) strict;

create index metered_by_key on metered (key_id, what, at);
create index metered_by_age on metered (at);

create table scans (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    hash blob not null,
    -- JSON, see record/report.rs.
    report text not null,
    took_ms integer not null,
    created_at integer not null
) strict;

create index scans_by_hash on scans (account_id, hash, created_at);
create index scans_by_age on scans (created_at);

-- Where text in the session came from that others may have written.
alter table sessions add column taint text;
