-- Moves the end of a lease, unless somebody else has taken it or it was given
-- back: a renewal may be late, and arrive after that.
-- $1 source  $2 stream  $3 fence  $4 time to live, seconds
-- Changes one row, or none when the lease is lost. Uses lease_pkey.
update sync.lease
   set expires_at = clock_timestamp() + make_interval(secs => $4)
 where source = $1 and stream = $2 and fence = $3 and expires_at <> '-infinity'
