-- What skills are made of, by content: accounts and agents that have the same share it.
create table skill_packages (
    hash blob not null primary key,
    -- JSON: what SKILL.md says, and the files with sizes and hashes.
    details text not null,
    -- JSON: what a scan found.
    report text not null,
    -- The version of the rules of that scan.
    rules text not null,
    created_at integer not null
) strict;

create table skill_files (
    package blob not null references skill_packages (hash),
    path text not null,
    content blob not null,
    primary key (package, path)
) strict;

-- Skills that accounts made, every version.
create table custom_skills (
    account_id blob not null references accounts (id),
    skill_id text not null,
    version text not null,
    -- Counts the versions of a skill, so that the latest is known.
    number integer not null,
    title text not null,
    package blob not null references skill_packages (hash),
    created_at integer not null,
    primary key (account_id, skill_id, version)
) strict;

create unique index custom_skills_in_order on custom_skills (account_id, skill_id, number);
create index custom_skills_of_package on custom_skills (package);

-- Skills on agents.
create table installed_skills (
    id blob not null primary key,
    account_id blob not null references accounts (id),
    agent_id blob not null references agents (id),
    skill_id text not null,
    trust text not null,
    title text not null,
    description text not null,
    version text not null,
    package blob not null references skill_packages (hash),
    score integer not null,
    enabled integer not null,
    -- The approval that it needs, if it needs one.
    approval_id blob,
    installed_at integer not null,
    updated_at integer not null
) strict;

create unique index installed_skills_of_agent on installed_skills (agent_id, skill_id);
create index installed_skills_of_package on installed_skills (package);

-- How often skills were installed. The account is empty for what is nobody's own.
create table skill_installs (
    trust text not null,
    account_id blob not null,
    skill_id text not null,
    installs integer not null,
    primary key (trust, account_id, skill_id)
) strict;

-- Which skills' files are in an agent's workspace.
create table placed_skills (
    agent_id blob not null primary key references agents (id),
    placement blob not null
) strict;
