-- Makes items due at once.
-- $1 source  $2 stream  $3 subjects  $4 now
-- Changes a row per subject. Uses item_pkey.
update sync.item
   set due_at = $4
 where source = $1 and stream = $2 and subject = any ($3::text[])
