-- Lists owners to restrict chains to, without those that the vendor refused and
-- that are not to be tried yet.
-- $1 source  $2 stream  $3 now  $4 only those that the owner list has no more
-- $5 owners gone before this are left out
-- Returns owner_id and batch_no, in that order of batches. Uses owner_pkey.
select o.owner_id, o.batch_no
  from groupchat.owner o
 where o.source = $1
   and (not $4 or o.unlisted_at is not null)
   and (o.gone_at is null or o.gone_at > $5)
   and not exists (select from sync.item i
                    where i.source = $1 and i.stream = $2
                      and i.subject = 'owner/' || o.owner_id and i.due_at > $3)
 order by o.batch_no, o.owner_id
