-- Gives a lease back, unless somebody else has taken it.
-- $1 source  $2 stream  $3 fence
-- Changes one row or none. Uses lease_pkey.
update sync.lease
   set expires_at = '-infinity'
 where source = $1 and stream = $2 and fence = $3
