-- Forgets candidates: confirmed, or read after all. Rows are locked in the order
-- of their keys: a list pass that closes and direct reads meet here.
-- $1 source  $2 list stream  $3 record  $4 ids
-- Changes a row per id. Uses candidate_pkey.
with held as materialized (
    select subject
      from sync.candidate
     where source = $1 and stream = $2 and record = $3 and subject = any ($4::text[])
     order by subject collate "C"
       for update
)
delete from sync.candidate c
 using held
 where c.source = $1 and c.stream = $2 and c.record = $3 and c.subject = held.subject
