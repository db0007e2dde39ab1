-- Lists the leases that were not given back. No parameters.
-- Returns source, stream, holder, taken_at, for how many seconds it is held, and
-- for how many it is still valid, below 0 when it is over. Scans sync.lease.
select source, stream, holder, taken_at,
       extract(epoch from clock_timestamp() - taken_at)::float8 as held,
       extract(epoch from expires_at - clock_timestamp())::float8 as valid
  from sync.lease
 where expires_at <> '-infinity'
 order by source, stream
