-- Holds the number for what is made beside the sandboxes.
select 1;
