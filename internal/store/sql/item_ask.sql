-- What is known of items before they are moved.
-- $1 source  $2 stream  $3 subjects
-- Returns a row per known subject. Uses item_pkey.
select subject, case when isfinite(fetched_at) then fetched_at end,
       case when isfinite(due_at) then due_at else 'epoch' end, failures, doubt_hash, doubts
  from sync.item
 where source = $1 and stream = $2 and subject = any ($3::text[])
