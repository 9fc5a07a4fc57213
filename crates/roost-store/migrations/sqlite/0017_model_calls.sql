-- A call that nobody settles is booked as usage too, under the model that was asked.
alter table model_calls add column model text not null default 'none/none';
