-- Counts the items that item_due would list without a limit.
-- $1 source  $2 stream  $3 start of the pass
-- Returns one number. Scans the items of the stream (item_pkey).
select count(*)
  from sync.item
 where source = $1 and stream = $2
   and (due_at <= $3 or doubt_hash is not null)
