-- Gives every record that is wanted an item, due now, also where what is known of
-- the record has changed; and takes it from the others. Goes on from lacking.sql.
-- $5 now
-- Changes a row per item that was lacking. Uses item_pkey.
, dropped as (
    delete from sync.item i
     using surplus n
     where i.source = $1 and i.stream = $2 and i.subject = n.subject
)
insert into sync.item as i (source, stream, subject, due_at, params, born_at)
select $1, $2, n.subject, $5, n.params, n.born_at
  from lacking n
 order by n.subject collate "C"
on conflict (source, stream, subject) do update
   set due_at = excluded.due_at, params = excluded.params, born_at = excluded.born_at
