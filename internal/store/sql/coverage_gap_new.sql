-- Lists the days that are wanted of subjects that have no coverage yet, as
-- coverage_gap will once a pass has given it to them. Changes nothing.
-- $1 source  $2 stream  $3 oldest day  $4 newest day  $5 first day to read again
-- $6 owners gone before this are left out
-- $7 what subjects are: owners, batches, periods  $8 periods in days, or null
-- Returns subject, from, to (both inclusive), in order. Uses coverage_pkey,
-- owner_pkey and daily_stat_pkey.
with subjects as (
    select distinct case when $7 = 'owners' then o.owner_id
                         when $7 = 'batches' then o.batch_no::text
                         else o.batch_no || '/' || p.days end as subject
      from groupchat.owner o
     cross join unnest(case when $7 = 'periods' then $8::int[] else '{0}' end) as p (days)
     where o.source = $1 and (o.gone_at is null or o.gone_at > $6)
),
held as (
    select coalesce(range_agg(daterange(d.day, d.day, '[]')), '{}') as days
      from groupchat.daily_stat d
     where d.source = $1 and $7 = 'batches'
),
bounds as (
    select datemultirange(daterange($3::date, $4::date, '[]')) as span,
           datemultirange(daterange($5::date, greatest($4::date, $5::date), '[]')) as latest
)
select s.subject, lower(r), upper(r) - 1
  from subjects s
 cross join held h
 cross join bounds b
 cross join lateral unnest(((b.span - h.days) + b.latest) * b.span) as r
 where not exists (select from sync.coverage c
                    where c.source = $1 and c.stream = $2 and c.subject = s.subject)
 order by s.subject, lower(r)
