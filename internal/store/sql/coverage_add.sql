-- Notes days as read. Commutative: the order of two of these does not matter.
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
       reread = case when c.reread_on > $3::date then c.reread
                     when c.reread_on = $3::date then c.reread + r.days
                     else r.days end,
       reread_on = greatest(c.reread_on, $3::date)
  from read r
 where c.source = $1 and c.stream = $2 and c.subject = r.subject
