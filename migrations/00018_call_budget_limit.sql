-- +goose Up
-- A limit that was raised says that calls were bought.

alter table sync.call_budget add column blocked_limit bigint;
comment on column sync.call_budget.blocked_limit is 'The configured limit of the month (per_month) when the vendor said so: a greater one lifts the block. NULL is lifted by none.';

-- +goose Down
alter table sync.call_budget drop column blocked_limit;
