-- Notes days as read. What was read again tomorrow, as seen from a clock that is
-- behind the one of another host, counts for today; what was read in a more
-- distant future does not.
-- $1 source  $2 stream  $3 vendor's day on which they were asked for; arrays of
-- equal length: $4 subject  $5 from  $6 to (inclusive)
-- Changes a row per subject. Uses coverage_pkey.
with read as (
    select n.subject, range_agg(daterange(n.first, n.last, '[]')) as days
      from unnest($4::text[], $5::date[], $6::date[]) as n (subject, first, last)
     group by n.subject
)
update sync.coverage c
   set covered = c.covered + r.days, lost = c.lost - r.days, refused = c.refused - r.days,
       reread = case when c.reread_on - $3::date in (0, 1) then c.reread + r.days else r.days end,
       reread_on = case when c.reread_on - $3::date = 1 then c.reread_on else $3::date end
  from read r
 where c.source = $1 and c.stream = $2 and c.subject = r.subject
