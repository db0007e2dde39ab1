-- Counts calls into the minute in which they were booked, and forgets those that
-- count no more.
-- $1 source  $2 endpoint  $3 how many
-- Changes one row, and removes at most those of the minutes since the last call.
-- Uses call_minute_pkey.
with old as (
    delete from sync.call_minute
     where source = $1 and endpoint = $2 and minute <= clock_timestamp() - interval '61 minutes')
insert into sync.call_minute as m (source, endpoint, minute, calls)
values ($1, $2, date_trunc('minute', clock_timestamp()), $3)
on conflict (source, endpoint, minute) do update set calls = m.calls + excluded.calls
