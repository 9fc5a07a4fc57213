-- A destroyed sandbox's row stays, so that its runs can be looked up.
create table sandboxes (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    subject text not null,
    mode text not null,
    -- JSON, see record/sandbox.rs.
    settings text not null,
    status text not null,
    created_at integer not null,
    expires_at integer not null,
    destroyed_at integer
) strict;

create index sandboxes_of_account on sandboxes (account_id, created_at, id);
create index sandboxes_alive on sandboxes (expires_at, id) where destroyed_at is null;
create index sandboxes_alive_of_account on sandboxes (account_id) where destroyed_at is null;

create table sandbox_runs (
    -- The order in which they came.
    position integer primary key autoincrement,
    id blob not null unique,
    sandbox_id blob not null references sandboxes (id),
    account_id blob not null references accounts (id),
    language text not null,
    code text not null,
    timeout_ms integer not null,
    status text not null,
    exit_code integer,
    stdout text not null,
    stdout_cut integer not null,
    stderr text not null,
    stderr_cut integer not null,
    violation text,
    violation_detail text,
    created_at integer not null,
    started_at integer,
    finished_at integer,
    check ((violation is null) = (violation_detail is null))
) strict;

-- A sandbox has one run at a time.
create unique index sandbox_runs_open on sandbox_runs (sandbox_id) where finished_at is null;
create index sandbox_runs_of_sandbox on sandbox_runs (sandbox_id, position);
create index sandbox_runs_by_status on sandbox_runs (status, position) where finished_at is null;
