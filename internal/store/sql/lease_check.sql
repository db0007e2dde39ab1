-- Tells whether a lease still has this fence.
-- $1 source  $2 stream  $3 fence
-- Returns one row or none. Uses lease_pkey.
select fence from sync.lease where source = $1 and stream = $2 and fence = $3
