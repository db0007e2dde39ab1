-- Lists the days that are wanted: those of the window that are not held, and the
-- latest again once a day, without what the vendor refuses for now. A next try
-- that is more than a day off was set by a clock that was wrong.
-- $1 source  $2 stream  $3 oldest day  $4 newest day  $5 first day to read again
-- $6 vendor's day of today  $7 now
-- Returns subject, from, to (both inclusive), in order. Scans the coverage of the
-- stream.
with bounds as (
    select datemultirange(daterange($3::date, $4::date, '[]')) as span,
           datemultirange(daterange($5::date, greatest($4::date, $5::date), '[]')) as latest
)
select c.subject, lower(r), upper(r) - 1
  from sync.coverage c
 cross join bounds b
 cross join lateral unnest(
           ((b.span - c.covered) + b.latest) * b.span
           - case when c.reread_on - $6::date in (0, 1) then c.reread else '{}' end
           - case when c.retry_at > $7 and c.retry_at <= $7 + interval '1 day' then c.refused else '{}' end) as r
 where c.source = $1 and c.stream = $2 and c.retired_on is null
 order by c.subject, lower(r)
