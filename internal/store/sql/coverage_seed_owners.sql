-- Gives every owner who may still have figures a row of coverage.
-- $1 source  $2 stream  $3 vendor's day of today  $4 owners gone before this are
-- left out
-- Changes a row per owner that had none. Uses coverage_pkey and owner_pkey.
insert into sync.coverage (source, stream, subject, first_seen_on)
select $1, $2, o.owner_id, $3
  from groupchat.owner o
 where o.source = $1 and (o.gone_at is null or o.gone_at > $4)
   and not exists (select from sync.coverage c
                    where c.source = $1 and c.stream = $2 and c.subject = o.owner_id)
 order by o.owner_id
on conflict do nothing
