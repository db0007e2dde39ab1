-- Tells who holds, or last held, a lease.
-- $1 source  $2 stream
-- Returns holder, taken_at, the seconds it is valid for (at most 0 when it is
-- over), or no row. Uses lease_pkey.
select holder, case when isfinite(taken_at) then taken_at else 'epoch' end,
       case when isfinite(expires_at) then extract(epoch from expires_at - clock_timestamp())
            when expires_at > clock_timestamp() then 1e9
            else -1 end::float8 as seconds
  from sync.lease
 where source = $1 and stream = $2
