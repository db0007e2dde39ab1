-- Gives every batch of owners a row of coverage. Days whose total is written
-- already are not wanted of a batch that is new.
-- $1 source  $2 stream  $3 vendor's day of today  $4 owners gone before this are
-- left out
-- Changes a row per batch that had none. Uses coverage_pkey and daily_stat_pkey.
insert into sync.coverage (source, stream, subject, first_seen_on, covered)
select $1, $2, b.subject, $3,
       coalesce((select range_agg(daterange(d.day, d.day, '[]'))
                   from groupchat.daily_stat d where d.source = $1), '{}')
  from (select distinct o.batch_no::text as subject
          from groupchat.owner o
         where o.source = $1 and (o.gone_at is null or o.gone_at > $4)) b
 where not exists (select from sync.coverage c
                    where c.source = $1 and c.stream = $2 and c.subject = b.subject)
 order by b.subject
on conflict do nothing
