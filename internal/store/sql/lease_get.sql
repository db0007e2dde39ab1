-- Tells who holds, or last held, a lease.
-- $1 source  $2 stream
-- Returns holder, taken_at, the seconds it is valid for (at most 0 when it is
-- over), or no row. Uses lease_pkey.
select holder, taken_at,
       greatest(extract(epoch from greatest(expires_at, 'epoch') - clock_timestamp()), -1)::float8 as seconds
  from sync.lease
 where source = $1 and stream = $2
