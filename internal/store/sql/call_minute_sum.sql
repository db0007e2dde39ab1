-- Counts the calls at an endpoint that were booked in the last 60 minutes, the
-- oldest of 61 minutes being counted whole.
-- $1 source  $2 endpoint
-- Returns how many, and the seconds until the first of them count no more. Uses
-- call_minute_pkey.
select coalesce(sum(calls), 0)::int,
       coalesce(extract(epoch from min(minute) + interval '61 minutes' - clock_timestamp()), 0)::float8
  from sync.call_minute
 where source = $1 and endpoint = $2 and minute > clock_timestamp() - interval '61 minutes'
