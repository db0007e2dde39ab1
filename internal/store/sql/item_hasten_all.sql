-- Makes every item of a stream due, for a pass that reads all of them.
-- $1 source  $2 stream  $3 start of the pass
-- Changes a row per item that was due later; one that is due never stays so.
-- Scans the items of the stream (item_pkey).
update sync.item
   set due_at = $3
 where source = $1 and stream = $2 and due_at > $3 and due_at < 'infinity'
