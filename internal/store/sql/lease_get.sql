-- Tells who holds a lease.
-- $1 source  $2 stream
-- Returns holder, taken_at, expires_at, or no row. Uses lease_pkey.
select holder, taken_at, expires_at
  from sync.lease
 where source = $1 and stream = $2 and expires_at > clock_timestamp()
