-- The plan that was chosen for an account, by its name in the configuration.
alter table accounts add column plan text;
