-- Holds the number for a migration that is written elsewhere.
select 1;
