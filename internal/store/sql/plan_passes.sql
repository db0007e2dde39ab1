-- Adds up the passes of a source that began since some moment, by stream and mode.
-- $1 source  $2 since
-- Returns stream, mode, calls, the start of the first and of the last complete one, or
-- null, and the records that the complete ones but the first have missed. Scans the
-- passes of the source.
with lately as (
    select stream, mode, calls, outcome, started_at, coalesce(candidates, 0) as missed,
           min(started_at) filter (where outcome = 'complete') over (partition by stream, mode) as first_at
      from sync.pass
     where source = $1 and started_at >= $2
)
select stream, mode, coalesce(sum(calls), 0)::bigint, min(first_at),
       max(started_at) filter (where outcome = 'complete'),
       coalesce(sum(missed) filter (where outcome = 'complete' and started_at > first_at), 0)::bigint
  from lately
 group by stream, mode
