-- Makes items due again that failed earlier in this pass, once their pause is over.
-- $1 source  $2 stream  $3 start of the pass  $4 now
-- Changes a row per item. Scans the items of the stream (item_pkey).
update sync.item
   set due_at = $3
 where source = $1 and stream = $2 and failed_at >= $3 and not refused
   and due_at > $3 and due_at <= $4
