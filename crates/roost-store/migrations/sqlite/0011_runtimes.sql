-- Whose loop an agent runs.
alter table agents add column runtime text not null default 'roost';

create index agents_provisioning on agents (id) where state = 'provisioning' and deleted_at is null;
