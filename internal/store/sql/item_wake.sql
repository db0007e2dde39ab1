-- Forgets the items of a stream that are not due by themselves, so that those of
-- records that are still wanted are made anew, due now.
-- $1 source  $2 stream
-- Changes a row per item. Scans the items of the stream (item_pkey).
delete from sync.item where source = $1 and stream = $2 and due_at = 'infinity'
