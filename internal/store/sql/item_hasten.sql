-- Makes items due at once. Rows are locked in the order of their keys: the stream
-- that owns the items moves them meanwhile.
-- $1 source  $2 stream  $3 subjects  $4 now
-- Changes a row per subject. Uses item_pkey.
with held as materialized (
    select subject
      from sync.item
     where source = $1 and stream = $2 and subject = any ($3::text[])
     order by subject collate "C"
       for no key update
)
update sync.item i
   set due_at = $4
  from held
 where i.source = $1 and i.stream = $2 and i.subject = held.subject
