-- Counts the items that item_due would list without a limit.
-- $1 source  $2 stream  $3 start of the pass  $4 full
-- Returns one number. Scans the items of the stream (item_pkey).
select count(*)
  from sync.item
 where source = $1 and stream = $2
   and coalesce(failed_at, '-infinity') < $3
   and ((due_at <= $3 and coalesce(fetched_at, '-infinity') < $3)
        or ($4 and coalesce(fetched_at, '-infinity') < $3)
        or doubt_hash is not null)
