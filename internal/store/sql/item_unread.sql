-- Counts the items that failed in a pass and have not been read since.
-- $1 source  $2 stream  $3 start of the pass
-- Returns one number. Scans the items of the stream (item_pkey).
select count(*)
  from sync.item
 where source = $1 and stream = $2 and failed_at >= $3 and not refused
