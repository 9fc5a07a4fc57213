-- Whose loop an agent runs.
alter table agents add column runtime text not null default 'roost';

create index agents_provisioning on agents (id) where state = 'provisioning' and deleted_at is null;

-- Requests name an agent by its whole name.
create index agents_by_name on agents (account_id, name_folded) where deleted_at is null;
