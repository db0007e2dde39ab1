-- Gives every batch of owners a row of coverage for every period.
-- $1 source  $2 stream  $3 vendor's day of today  $4 owners gone before this are
-- left out  $5 periods in days
-- Changes a row per batch and period that had none. Uses coverage_pkey.
insert into sync.coverage (source, stream, subject, first_seen_on)
select $1, $2, b.subject, $3
  from (select distinct o.batch_no || '/' || p.days as subject
          from groupchat.owner o
         cross join unnest($5::int[]) as p (days)
         where o.source = $1 and (o.gone_at is null or o.gone_at > $4)) b
 where not exists (select from sync.coverage c
                    where c.source = $1 and c.stream = $2 and c.subject = b.subject)
 order by b.subject
on conflict do nothing
