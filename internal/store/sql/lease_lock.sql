-- Lets no commit of a stream be under way until the transaction ends: each of them
-- holds the lease row.
-- $1 source  $2 stream
-- Returns one row, or none for a stream that was never synced: there is no commit
-- then, either. Uses lease_pkey.
select fence from sync.lease where source = $1 and stream = $2 for no key update
