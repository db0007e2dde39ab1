-- +goose Up
-- Calls of a month, counted where every process and restart sees them.

create table sync.call_budget (
    source        text   not null,
    month         date   not null,
    used          bigint not null default 0,
    reads_used    bigint not null default 0,
    blocked_until timestamptz,
    blocked_code  text,
    primary key (source, month)
) with (fillfactor = 50);
comment on table  sync.call_budget is 'Calls of each source by calendar month, where the vendor counts them so. A call is booked before it is made.';
comment on column sync.call_budget.source is 'Configured name of the source.';
comment on column sync.call_budget.month is 'First day of the month, in the vendor''s zone.';
comment on column sync.call_budget.used is 'Calls booked in the month.';
comment on column sync.call_budget.reads_used is 'Those among them that asked who has read messages: only a share of the budget is theirs.';
comment on column sync.call_budget.blocked_until is 'Until then no call is made, because the vendor said in this month that nothing is left; NULL if it has not.';
comment on column sync.call_budget.blocked_code is 'The vendor''s code for that (ApiCountLimitForOrg 组织调用量超限).';

-- +goose Down
drop table sync.call_budget;
