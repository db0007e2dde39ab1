-- +goose Up
-- Calls per second, minute and hour, which all processes share. Blocks of calls are
-- booked here and spread over their time by who booked them.

create table sync.call_pace (
    source   text        not null,
    endpoint text        not null,
    free_at  timestamptz not null,
    primary key (source, endpoint)
) with (fillfactor = 50);
comment on table  sync.call_pace is 'Until when the calls of each endpoint are booked: processes that share a limit per second or minute take turns by it (调用频率).';
comment on column sync.call_pace.source is 'Configured name of the source.';
comment on column sync.call_pace.endpoint is 'Endpoint that has the limit to itself; empty where all of the source share it.';
comment on column sync.call_pace.free_at is 'The next call that is not booked yet.';

create table sync.call_minute (
    source   text        not null,
    endpoint text        not null,
    minute   timestamptz not null,
    calls    integer     not null,
    primary key (source, endpoint, minute)
) with (fillfactor = 50);
comment on table  sync.call_minute is 'Calls booked in each of the last 61 minutes, where a source has a limit per hour (每小时调用次数).';
comment on column sync.call_minute.source is 'Configured name of the source.';
comment on column sync.call_minute.endpoint is 'Endpoint that has the limit to itself; empty where all of the source share it.';
comment on column sync.call_minute.minute is 'Its beginning.';
comment on column sync.call_minute.calls is 'Calls booked, also those that were never made.';

-- +goose Down
drop table sync.call_minute, sync.call_pace;
