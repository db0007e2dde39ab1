-- Notes that candidates could be read: until they are woken nobody asks for them. Rows
-- are locked in the order of their keys, as in candidate_drop.
-- $1 source  $2 list stream  $3 record; arrays of equal length, distinct: $4 ids
-- $5 when each was read
-- Changes a row per id. Uses candidate_pkey.
with held as materialized (
    select k.subject, n.checked_at
      from sync.candidate k
      join unnest($4::text[], $5::timestamptz[]) as n (subject, checked_at) on n.subject = k.subject
     where k.source = $1 and k.stream = $2 and k.record = $3
     order by k.subject collate "C"
       for update of k
)
update sync.candidate c
   set checked_at = held.checked_at
  from held
 where c.source = $1 and c.stream = $2 and c.record = $3 and c.subject = held.subject
